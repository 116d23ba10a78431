//! Which rows a step takes: every epoch is a fresh shuffle of all rows, a function of (seed, epoch), so a
//! resumed run takes the rows that an uninterrupted one would have.

use grimoire_stats::random::Random;

/// Stream of the shuffles, apart from all other uses of a seed.
const STREAM: u64 = 0x6f72_6465_7200;

/// The rows of step `step` (counted from zero): `batch` of them, running on into the next epoch at the end
/// of one.
///
/// # Panics
/// When there are no rows.
pub fn rows_of_step(rows: usize, batch: usize, seed: u64, step: u64) -> Vec<usize> {
    assert!(rows > 0, "no rows to take a step on");
    let first = step * batch as u64;
    let mut shuffled: Option<(u64, Vec<usize>)> = None;
    (first..first + batch as u64)
        .map(|place| {
            let epoch = place / rows as u64;
            if shuffled.as_ref().is_none_or(|(of, _)| *of != epoch) {
                shuffled = Some((epoch, shuffle(rows, seed, epoch)));
            }
            shuffled.as_ref().map_or(0, |(_, order)| order[(place % rows as u64) as usize])
        })
        .collect()
}

fn shuffle(rows: usize, seed: u64, epoch: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..rows).collect();
    Random::new(seed, STREAM).draws(epoch).shuffle(&mut order);
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_takes_every_row_once_and_the_next_in_another_order() {
        let take = |steps: std::ops::Range<u64>| -> Vec<usize> {
            steps.flat_map(|step| rows_of_step(10, 3, 7, step)).collect()
        };
        let all = take(0..10);
        let (first, second) = (all[..10].to_vec(), all[10..20].to_vec());
        assert_ne!(first, second);
        for mut epoch in [first, second] {
            epoch.sort_unstable();
            assert_eq!(epoch, (0..10).collect::<Vec<_>>());
        }
        assert_eq!(take(4..6), all[12..18]);
    }
}
