//! The matrix product against three nested loops in f64: every instruction set, every storage type, odd
//! shapes, zero and one, added and replaced, and the same bits on one thread and on three.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::type_complexity,
    reason = "a test stops at what it did not expect, and says what it saw"
)]

mod given;

use given::{blocks, plain, values};
use grimoire_kernels::{
    Isa, Lhs, Precision, Rhs, StorageType, Stored, gemm, gemm_several, gemm_with, storage,
};
use grimoire_testkit::all_close;

#[test]
fn every_shape_is_the_definition() {
    let shapes = [
        (1, 1, 1),
        (1, 17, 5),
        (3, 48, 33),
        (4, 16, 16),
        (5, 15, 257),
        (6, 49, 256),
        (7, 100, 300),
        (64, 50, 40),
        (265, 97, 70),
        (13, 16, 513),
        (2, 3, 0),
        (0, 4, 4),
        (530, 20, 9),
        (16, 96, 700),
        (200, 16, 40),
        (1100, 64, 33),
    ];
    Isa::for_each_available(|_| {
        for (m, n, k) in shapes {
            let (a, w) = (values(m * k, 1), values(n * k, 2));
            let exact = plain(m, n, k, |i, p| a[i * k + p], |p, j| w[j * k + p]);
            // Each of k products below one rounds to 6e-8, twice over for the sum.
            let bound = 1.5e-7 * (k as f64 + 1.0);
            let mut out = vec![7.0; m * n];
            gemm(Lhs::new(&a, m, k), Rhs::Transposed(Stored::f32(&w, n, k)), &mut out, false);
            all_close(&out, &exact, 0.0, bound);

            gemm(Lhs::new(&a, m, k), Rhs::Transposed(Stored::f32(&w, n, k)), &mut out, true);
            let twice: Vec<f64> = exact.iter().map(|x| 2.0 * x).collect();
            all_close(&out, &twice, 0.0, 2.0 * bound);

            let down = plain(m, n, k, |i, p| a[p * m + i], |p, j| w[p * n + j]);
            gemm(Lhs::transposed(&a, k, m), Rhs::Plain(Stored::f32(&w, k, n)), &mut out, false);
            all_close(&out, &down, 0.0, bound);
        }
    });
}

#[test]
fn stored_weights_of_every_type_multiply_as_their_decoded_values() {
    Isa::for_each_available(|_| {
        for ty in StorageType::ALL {
            for (m, rows, cols) in [(1, 70, 64), (2, 33, 320), (9, 64, 288), (40, 130, 96)] {
                let cols = if ty.block_len() == 256 { 512 } else { cols };
                let bytes = blocks(ty, rows * cols, 3);
                let mut decoded = vec![0.0; rows * cols];
                storage::decode(ty, &bytes, &mut decoded);
                let largest = decoded.iter().fold(0.0f32, |top, w| top.max(w.abs()));
                assert!(largest > 0.0 && largest < 100.0, "{ty}: {largest}");
                let stored = Stored::new(ty, rows, cols, &bytes);
                let bound = 1.5e-7 * f64::from(largest);

                let a = values(m * cols, 4);
                let exact =
                    plain(m, rows, cols, |i, p| a[i * cols + p], |p, j| decoded[j * cols + p]);
                let mut out = vec![0.0; m * rows];
                gemm(Lhs::new(&a, m, cols), Rhs::Transposed(stored), &mut out, false);
                all_close(&out, &exact, 0.0, bound * cols as f64);

                let a = values(m * rows, 5);
                let exact =
                    plain(m, cols, rows, |i, p| a[i * rows + p], |p, j| decoded[p * cols + j]);
                let mut out = vec![0.0; m * cols];
                gemm(Lhs::new(&a, m, rows), Rhs::Plain(stored), &mut out, false);
                all_close(&out, &exact, 0.0, bound * rows as f64);
            }
        }
    });
}

/// Activations as the fast path rounds them: blocks of 32 to 8 bits.
fn rounded(a: &[f32]) -> Vec<f32> {
    let block = |x: &[f32]| {
        let top = x.iter().fold(0.0f32, |top, x| top.max(x.abs()));
        x.iter().map(|x| (x * (127.0 / top)).round_ties_even() * (top / 127.0)).collect::<Vec<_>>()
    };
    a.chunks(32).flat_map(block).collect()
}

#[test]
fn fast_products_are_those_of_rounded_activations() {
    Isa::for_each_available(|isa| {
        for ty in StorageType::ALL {
            for (m, rows, cols) in [
                (1, 70, 64),
                (2, 33, 320),
                (3, 5, 288),
                (4, 40, 96),
                (7, 260, 160),
                (16, 9, 32),
                (261, 17, 1184),
            ] {
                let cols = if ty.block_len() == 256 { 512 } else { cols };
                let bytes = blocks(ty, rows * cols, 8);
                let mut decoded = vec![0.0; rows * cols];
                storage::decode(ty, &bytes, &mut decoded);
                let largest = f64::from(decoded.iter().fold(0.0f32, |top, w| top.max(w.abs())));
                let a = values(m * cols, 9);
                let (near, stored) = (rounded(&a), Stored::new(ty, rows, cols, &bytes));
                let mut out = vec![0.0; m * rows];
                gemm_with(
                    Precision::Fast,
                    Lhs::new(&a, m, cols),
                    Rhs::Transposed(stored),
                    &mut out,
                    false,
                );
                let exact = |a: &[f32]| {
                    plain(m, rows, cols, |i, p| a[i * cols + p], |p, j| decoded[j * cols + p])
                };
                // Each of the activations below one moves by at most 1/254.
                all_close(&out, &exact(&a), 0.0, largest * cols as f64 / 254.0);
                // A type without an integer kernel goes through f32 with the activations as they are, or where there
                // are enough rows through bf16, which is tested by itself.
                let integer = matches!(
                    ty.name(),
                    "Q4_0" | "Q4_1" | "Q5_0" | "Q5_1" | "Q8_0" | "Q4_K" | "Q5_K" | "Q6_K"
                );
                if !integer && isa >= Isa::Avx512Bf16 && m >= 16 {
                    continue;
                }
                let exact = exact(if integer { &near } else { &a });
                // Scale and minimum are summed apart, each up to sixteen times the weights themselves.
                all_close(&out, &exact, 0.0, 3e-6 * largest * cols as f64);
                gemm_with(
                    Precision::Fast,
                    Lhs::new(&a, m, cols),
                    Rhs::Transposed(stored),
                    &mut out,
                    true,
                );
                let twice: Vec<f64> = exact.iter().map(|x| 2.0 * x).collect();
                all_close(&out, &twice, 0.0, 6e-6 * largest * cols as f64);
            }
        }
    });
}

/// What becomes of a row does not depend on how many others it is multiplied with.
#[test]
fn fast_rows_have_the_same_bits_alone_and_in_company() {
    use StorageType::{Q4_0, Q4_1, Q4K, Q5_0, Q5_1, Q5K, Q6K, Q8_0};
    let (m, n, k) = (11, 37, 1280);
    let a = values(m * k, 10);
    Isa::for_each_available(|isa| {
        if isa == Isa::Portable {
            return; // In f32 the sums of few and of many rows run in different orders.
        }
        for ty in [Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q4K, Q5K, Q6K] {
            let bytes = blocks(ty, n * k, 11);
            let w = Rhs::Transposed(Stored::new(ty, n, k, &bytes));
            let mut all = vec![0.0; m * n];
            gemm_with(Precision::Fast, Lhs::new(&a, m, k), w, &mut all, false);
            for (row, together) in a.chunks(k).zip(all.chunks(n)) {
                let mut alone = vec![0.0; n];
                gemm_with(Precision::Fast, Lhs::new(row, 1, k), w, &mut alone, false);
                assert_eq!(alone, together, "{ty}");
            }
        }
    });
}

/// Several products at once are each the one alone, to the bit.
#[test]
fn several_products_have_the_bits_of_each_alone() {
    let k = 512;
    Isa::for_each_available(|_| {
        for m in [0, 1, 3, 8, 40] {
            let a = values(m * k, 12);
            let kinds = [StorageType::Q4_1, StorageType::Q8_0, StorageType::Q6K, StorageType::F32];
            for (count, precision) in [
                (3, Precision::Fast),
                (4, Precision::Fast),
                (4, Precision::F32),
                (0, Precision::Fast),
            ] {
                let sizes = [97, 16, 33, 20];
                let bytes: Vec<Vec<u8>> =
                    kinds.iter().zip(sizes).map(|(ty, n)| blocks(*ty, n * k, 13)).collect();
                let weights: Vec<Stored<'_>> = kinds
                    .iter()
                    .zip(sizes)
                    .zip(&bytes)
                    .map(|((ty, n), bytes)| Stored::new(*ty, n, k, bytes))
                    .take(count)
                    .collect();
                let mut together: Vec<Vec<f32>> =
                    weights.iter().map(|w| vec![7.0; m * w.rows]).collect();
                let mut outs: Vec<&mut [f32]> =
                    together.iter_mut().map(|out| &mut out[..]).collect();
                gemm_several(precision, Lhs::new(&a, m, k), &weights, &mut outs);
                for (w, together) in weights.iter().zip(&together) {
                    let mut alone = vec![0.0; m * w.rows];
                    let (lhs, rhs) = (Lhs::new(&a, m, k), Rhs::Transposed(*w));
                    gemm_with(precision, lhs, rhs, &mut alone, false);
                    assert_eq!(&alone, together, "{}, {m} rows", w.ty);
                }
            }
        }
    });
}

#[test]
fn the_same_bits_on_any_number_of_threads() {
    let (m, n, k) = (300, 130, 600);
    let (a, w) = (values(m * k, 6), values(n * k, 7));
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let mut out = vec![0.0; m * n];
        pool.install(|| {
            gemm(Lhs::new(&a, m, k), Rhs::Transposed(Stored::f32(&w, n, k)), &mut out, false);
        });
        let bytes = blocks(StorageType::Q4_1, n * 608, 8);
        let (w, a) = (Stored::new(StorageType::Q4_1, n, 608, &bytes), values(m * 608, 9));
        let (mut few, mut many) = (vec![0.0; 3 * n], vec![0.0; m * n]);
        pool.install(|| {
            let w = Rhs::Transposed(w);
            gemm_with(Precision::Fast, Lhs::new(&a[..3 * 608], 3, 608), w, &mut few, false);
            gemm_with(Precision::Fast, Lhs::new(&a, m, 608), w, &mut many, false);
        });
        out.iter().chain(&few).chain(&many).map(|x| x.to_bits()).collect::<Vec<_>>()
    };
    Isa::for_each_available(|_| {
        let one = run(1);
        assert_eq!(one, run(2));
        assert_eq!(one, run(3));
    });
}
