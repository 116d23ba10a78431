//! A fixed part held out: rows are grouped by what they ask, groups are put in an order that depends on their
//! content and the seed alone, and the first groups are held out. The same rows are held out however the file
//! is sorted, and no prompt is on both sides. Of one running text the end is held out, whatever the seed: what goes
//! on from each other is one document, and stays on one side but for the cut. Where the held-out rows are given, the
//! rows that ask the same are found.

use super::Row;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashSet};

/// Splits rows into (trained on, held out), by index, each in file order; about `share` of the rows, but at
/// least `least` and at most `most`, are held out. Too few groups hold out nothing.
pub fn split(
    rows: &[Row],
    share: f64,
    least: usize,
    most: usize,
    seed: u64,
) -> (Vec<usize>, Vec<usize>) {
    let mut groups: BTreeMap<[u8; 32], Vec<usize>> = BTreeMap::new();
    for (index, row) in rows.iter().enumerate() {
        let mut hash = Sha256::new();
        hash.update(seed.to_le_bytes());
        hash.update(row.key().as_bytes());
        groups.entry(hash.finalize().into()).or_default().push(index);
    }
    let wanted = wanted(rows.len(), share, least, most);
    let (mut trained, mut held) = (Vec::new(), Vec::new());
    let half = groups.len() / 2;
    for (place, members) in groups.into_values().enumerate() {
        let fits = held.len() + members.len() <= most.max(least);
        if held.len() < wanted && place < half && (fits || held.is_empty()) {
            held.extend(members);
        } else {
            trained.extend(members);
        }
    }
    trained.sort_unstable();
    held.sort_unstable();
    (trained, held)
}

/// Splits the paragraphs of a running text into (trained on, held out), by index, each in order: about `share` of
/// them, but at least `least`, at most `most` and never more than half, are held out, in one stretch at the end. A
/// paragraph of that stretch that stands before it too, such as a line of stars, is trained on: no text is on both
/// sides.
pub fn split_end(rows: &[Row], share: f64, least: usize, most: usize) -> (Vec<usize>, Vec<usize>) {
    let start = rows.len() - wanted(rows.len(), share, least, most).min(rows.len() / 2);
    let before: HashSet<String> = rows[..start].iter().map(Row::key).collect();
    (0..rows.len()).partition(|index| *index < start || before.contains(&rows[*index].key()))
}

fn wanted(rows: usize, share: f64, least: usize, most: usize) -> usize {
    ((rows as f64 * share).round() as usize).clamp(least, most.max(least))
}

/// Which of `rows`, by index, ask what a row of `held` asks; rows that ask nothing are the same when they answer
/// the same.
pub fn overlap(rows: &[Row], held: &[Row]) -> Vec<usize> {
    let held: HashSet<String> = held.iter().map(asked).collect();
    (0..rows.len()).filter(|index| held.contains(&asked(&rows[*index]))).collect()
}

fn asked(row: &Row) -> String {
    let key = row.key();
    if key.trim().is_empty() { format!("{row:?}") } else { key }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(prompt: usize, n: usize) -> Row {
        Row::Completion { prompt: format!("p{prompt}"), completion: format!("c{n}") }
    }

    #[test]
    fn no_prompt_is_on_both_sides_and_order_does_not_matter() {
        let rows: Vec<Row> = (0..300).map(|n| row(n % 60, n)).collect();
        let (trained, held) = split(&rows, 0.1, 8, 256, 5);
        assert_eq!(trained.len() + held.len(), 300);
        assert_eq!(held.len(), 30);
        for h in &held {
            assert!(trained.iter().all(|t| rows[*t].key() != rows[*h].key()));
        }
        let mut turned = rows.clone();
        turned.reverse();
        let (_, held_turned) = split(&turned, 0.1, 8, 256, 5);
        let mut back: Vec<usize> = held_turned.into_iter().map(|index| 299 - index).collect();
        back.sort_unstable();
        assert_eq!(held, back);
    }

    #[test]
    fn of_a_running_text_the_end_is_held_out() {
        let mut rows: Vec<Row> = (0..60).map(|n| Row::Text(format!("paragraph {n}"))).collect();
        let (trained, held) = split_end(&rows, 0.1, 8, 256);
        assert_eq!(trained, (0..52).collect::<Vec<_>>());
        assert_eq!(held, (52..60).collect::<Vec<_>>());
        // A line that parts chapters on either side of the cut.
        rows[3] = Row::Text("* * *".into());
        rows[55] = rows[3].clone();
        let (trained, held) = split_end(&rows, 0.1, 8, 256);
        assert_eq!(trained, (0..52).chain([55]).collect::<Vec<_>>());
        assert_eq!(held, [52, 53, 54, 56, 57, 58, 59]);
        assert_eq!(split_end(&rows[..3], 0.1, 8, 256), (vec![0, 1], vec![2]));
        assert_eq!(split_end(&rows[..1], 0.1, 8, 256), (vec![0], vec![]));
    }

    #[test]
    fn rows_that_ask_the_same_are_found_whatever_they_answer() {
        let rows = [row(0, 0), row(1, 1), row(0, 2), row(2, 3)];
        assert_eq!(overlap(&rows, &[row(0, 9), row(7, 1)]), [0, 2]);
        assert_eq!(overlap(&rows, &[]), [0_usize; 0]);
        let open = |completion: &str| Row::Completion {
            prompt: String::new(),
            completion: completion.to_owned(),
        };
        assert_eq!(overlap(&[open("a"), open("b")], &[open("b"), open("c")]), [1]);
    }

    #[test]
    fn a_single_row_is_trained_on() {
        assert_eq!(split(&[row(0, 0)], 0.1, 8, 256, 0), (vec![0], vec![]));
    }
}
