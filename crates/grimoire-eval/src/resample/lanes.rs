//! Weighted sums of every column of every system for many resamples at a time: an integer matrix product
//! of weights by statistics, in blocks that stay in the cache. Columns of small whole numbers are summed
//! in integers, exactly; others in f64, in an order that depends on the number of rows alone.

use crate::statistics::Statistics;
use std::sync::LazyLock;

/// Resamples whose weights are summed together.
pub(super) const BATCH: usize = 16;

/// Values that one instruction multiplies; weights and columns are padded to it with zeros.
const WIDTH: usize = 16;

/// Rows per 32-bit sum: with weights that average 1, 2¹¹ · 2¹² stays far from 2³¹, and the columns of a
/// tile stay in the first-level cache.
const BLOCK: usize = 1 << 11;

/// Columns and resamples of one tile, whose sums stay in registers.
const TILE: (usize, usize) = (4, 2);

static ARCH: LazyLock<pulp::Arch> = LazyLock::new(pulp::Arch::new);

/// The columns of all systems, one after another.
pub(super) struct Lanes {
    n_rows: usize,
    stride: usize,
    n_lanes: usize,
    columns: Columns,
}

enum Columns {
    /// Whole numbers below 2¹².
    Small(Vec<i16>),
    Any(Vec<f64>),
}

impl Lanes {
    pub(super) fn new(systems: &[&Statistics]) -> Self {
        let n_rows = systems.iter().map(|system| system.len()).min().unwrap_or(0);
        let n_lanes = systems.iter().map(|system| system.columns()).sum();
        let stride = n_rows.next_multiple_of(WIDTH);
        let small = |value: &f64| value.fract() == 0.0 && (0.0..4096.0).contains(value);
        let columns = if systems.iter().all(|system| system.rows().flatten().all(small)) {
            Columns::Small(transposed(systems, n_rows, stride, |value| value as i16))
        } else {
            Columns::Any(transposed(systems, n_rows, stride, |value| value))
        };
        Self { n_rows, stride, n_lanes, columns }
    }

    /// Zero weights for `BATCH` resamples, [`Self::stride`] apart.
    pub(super) fn weights(&self) -> Vec<i16> {
        vec![0; BATCH * self.stride]
    }

    /// From one resample's weights to the next one's.
    pub(super) fn stride(&self) -> usize {
        self.stride
    }

    pub(super) fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// The plain sum of every column.
    pub(super) fn totals(&self) -> Vec<f64> {
        let mut sums = Vec::new();
        let mut weights = vec![0; self.stride];
        weights[..self.n_rows].fill(1);
        self.sum(&weights, &mut sums);
        sums
    }

    /// Sums every column for each resample of `weights`: `sums[resample · n_lanes + lane]`.
    pub(super) fn sum(&self, weights: &[i16], sums: &mut Vec<f64>) {
        let n_resamples = weights.len().checked_div(self.stride).unwrap_or(0);
        sums.clear();
        sums.resize(n_resamples * self.n_lanes, 0.0);
        if self.stride == 0 {
            return;
        }
        match &self.columns {
            Columns::Small(values) => self.sum_small(values, weights, sums),
            Columns::Any(values) => ARCH.dispatch(|| {
                for (weights, sums) in
                    weights.chunks_exact(self.stride).zip(sums.chunks_exact_mut(self.n_lanes))
                {
                    for (sum, column) in sums.iter_mut().zip(values.chunks_exact(self.stride)) {
                        *sum = dot_any(column, weights);
                    }
                }
            }),
        }
    }

    fn sum_small(&self, values: &[i16], weights: &[i16], sums: &mut [f64]) {
        let (tile_lanes, tile_resamples) = TILE;
        let n_resamples = weights.len() / self.stride;
        for from in (0..self.stride).step_by(BLOCK) {
            let to = (from + BLOCK).min(self.stride);
            let column = |lane: usize| {
                // A tile that reaches past the last lane repeats it; its sum is not used.
                let at = lane.min(self.n_lanes - 1) * self.stride;
                &values[at + from..at + to]
            };
            let weight = |resample: usize| {
                let at = resample.min(n_resamples - 1) * self.stride;
                &weights[at + from..at + to]
            };
            for lane in (0..self.n_lanes).step_by(tile_lanes) {
                let columns = std::array::from_fn(|at| column(lane + at));
                for resample in (0..n_resamples).step_by(tile_resamples) {
                    let tile = dots(columns, std::array::from_fn(|at| weight(resample + at)));
                    for (at, row) in tile.iter().enumerate().take(n_resamples - resample) {
                        let sums = &mut sums[(resample + at) * self.n_lanes + lane..];
                        let sums = sums.iter_mut().take(self.n_lanes - lane);
                        sums.zip(row).for_each(|(sum, part)| *sum += f64::from(*part));
                    }
                }
            }
        }
    }
}

fn transposed<T: Copy + Default>(
    systems: &[&Statistics],
    n_rows: usize,
    stride: usize,
    convert: impl Fn(f64) -> T,
) -> Vec<T> {
    let n_lanes: usize = systems.iter().map(|system| system.columns()).sum();
    let mut values = vec![T::default(); n_lanes * stride];
    let mut first = 0;
    for system in systems {
        for (at, row) in system.rows().take(n_rows).enumerate() {
            for (column, value) in row.iter().enumerate() {
                values[(first + column) * stride + at] = convert(*value);
            }
        }
        first += system.columns();
    }
    values
}

type Tile = [[i32; TILE.0]; TILE.1];

/// The product of every column with every resample's weights; all slices are of one length, a multiple
/// of [`WIDTH`].
fn dots(columns: [&[i16]; TILE.0], weights: [&[i16]; TILE.1]) -> Tile {
    #[cfg(target_arch = "x86_64")]
    if let pulp::Arch::V3(simd) = *ARCH {
        return ARCH.dispatch(Avx2 { simd, columns, weights });
    }
    dots_plain(columns, weights)
}

fn dots_plain(columns: [&[i16]; TILE.0], weights: [&[i16]; TILE.1]) -> Tile {
    let product = |(a, b): (&i16, &i16)| i32::from(*a) * i32::from(*b);
    weights.map(|weights| columns.map(|column| column.iter().zip(weights).map(product).sum()))
}

/// The same with 16 products an instruction.
#[cfg(target_arch = "x86_64")]
struct Avx2<'a> {
    simd: pulp::x86::V3,
    columns: [&'a [i16]; TILE.0],
    weights: [&'a [i16]; TILE.1],
}

#[cfg(target_arch = "x86_64")]
impl pulp::NullaryFnOnce for Avx2<'_> {
    type Output = Tile;

    #[inline(always)]
    fn call(self) -> Tile {
        use pulp::bytemuck::cast;
        let (avx, avx2) = (self.simd.avx, self.simd.avx2);
        let mut sums = [[avx._mm256_setzero_si256(); TILE.0]; TILE.1];
        let n = self.columns[0].len() / WIDTH;
        let columns = self.columns.map(|column| &column.as_chunks::<WIDTH>().0[..n]);
        let weights = self.weights.map(|weights| &weights.as_chunks::<WIDTH>().0[..n]);
        for at in 0..n {
            for resample in 0..TILE.1 {
                let weights = cast(weights[resample][at]);
                for lane in 0..TILE.0 {
                    let products = avx2._mm256_madd_epi16(cast(columns[lane][at]), weights);
                    let sum = &mut sums[resample][lane];
                    *sum = avx2._mm256_add_epi32(*sum, products);
                }
            }
        }
        sums.map(|row| row.map(|sum| cast::<_, [i32; 8]>(sum).iter().sum()))
    }
}

/// Sixteen running sums, added up in a fixed order.
#[inline(always)]
fn dot_any(values: &[f64], weights: &[i16]) -> f64 {
    let mut sums = [0.0; WIDTH];
    for (values, weights) in values.chunks_exact(WIDTH).zip(weights.chunks_exact(WIDTH)) {
        for ((sum, value), weight) in sums.iter_mut().zip(values).zip(weights) {
            *sum += f64::from(*weight) * value;
        }
    }
    sums.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use grimoire_stats::random::Random;

    #[test]
    fn every_kernel_sums_as_the_plain_loop_does() {
        let random = Random::new(1, 0);
        for (n_rows, n_systems) in [(1u64, 1u64), (15, 3), (16, 2), (2049, 3), (5000, 1)] {
            let systems: Vec<Statistics> = (0..n_systems)
                .map(|system| {
                    let mut rows = Statistics::new(5);
                    for row in 0..n_rows {
                        let value = |column| random.below((row * 5 + column) * 7 + system, 4096);
                        rows.push((0..5).map(|column| value(column) as f64));
                    }
                    rows
                })
                .collect();
            let systems: Vec<&Statistics> = systems.iter().collect();
            let lanes = Lanes::new(&systems);
            let mut weights = vec![0; 3 * lanes.stride()];
            for (at, weights) in weights.chunks_exact_mut(lanes.stride()).enumerate() {
                for (row, weight) in weights[..n_rows as usize].iter_mut().enumerate() {
                    *weight = random.below((at * 9000 + row) as u64, 5) as i16;
                }
            }
            let mut sums = Vec::new();
            lanes.sum(&weights, &mut sums);
            let mut expected = Vec::new();
            for weights in weights.chunks_exact(lanes.stride()) {
                for system in &systems {
                    expected.extend((0..5).map(|column| {
                        let rows = system.rows().zip(weights);
                        rows.map(|(row, weight)| row[column] * f64::from(*weight)).sum::<f64>()
                    }));
                }
            }
            assert_eq!(sums, expected);
        }
    }
}
