//! Products in bf16 against nested loops in f64 over factors that are rounded one by one: every instruction set, every
//! storage type, odd shapes, both directions, added and replaced, and the same bits on one thread and on three.
//! Without the instructions the product is the one in f32, and held to that.

#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

mod given;

use given::{blocks, plain, values};
use grimoire_kernels::{
    Isa, Lhs, Precision, Rhs, StorageType, Stored, gemm_pair_with, gemm_with, storage,
};
use grimoire_testkit::all_close;
use half::bf16;

/// Shapes that the bf16 path takes, with edges of tiles, panels, pieces and pairs on every side.
const SHAPES: [(usize, usize, usize); 9] = [
    (16, 16, 16),
    (17, 31, 17),
    (24, 33, 64),
    (23, 97, 321),
    (40, 64, 33),
    (265, 48, 70),
    (1100, 65, 35),
    (16, 160, 700),
    (19, 16, 1),
];

/// The factor as this instruction set takes it, for a product of this shape.
fn taken(isa: Isa, (m, n, k): (usize, usize, usize), values: &[f32]) -> Vec<f32> {
    if isa >= Isa::Avx512Bf16 && m >= 16 && n >= 16 && k >= 16 {
        values.iter().map(|x| bf16::from_f32(*x).to_f32()).collect()
    } else {
        values.to_vec()
    }
}

#[test]
fn every_shape_is_the_definition_over_rounded_factors() {
    Isa::for_each_available(|isa| {
        for (m, n, k) in SHAPES {
            let (a, w) = (values(m * k, 1), values(n * k, 2));
            let (near_a, near_w) = (taken(isa, (m, n, k), &a), taken(isa, (m, n, k), &w));
            // Each of k products below one rounds to 6e-8, twice over for the sum.
            let bound = 1.5e-7 * (k as f64 + 1.0);
            let mut out = vec![7.0; m * n];
            let exact = plain(m, n, k, |i, p| near_a[i * k + p], |p, j| near_w[j * k + p]);
            let (lhs, rhs) = (Lhs::new(&a, m, k), Rhs::Transposed(Stored::f32(&w, n, k)));
            gemm_with(Precision::Half, lhs, rhs, &mut out, false);
            all_close(&out, &exact, 0.0, bound);
            gemm_with(Precision::Half, lhs, rhs, &mut out, true);
            let twice: Vec<f64> = exact.iter().map(|x| 2.0 * x).collect();
            all_close(&out, &twice, 0.0, 2.0 * bound);

            let down = plain(m, n, k, |i, p| near_a[p * m + i], |p, j| near_w[p * n + j]);
            let (lhs, rhs) = (Lhs::transposed(&a, k, m), Rhs::Plain(Stored::f32(&w, k, n)));
            gemm_with(Precision::Half, lhs, rhs, &mut out, false);
            all_close(&out, &down, 0.0, bound);
        }
    });
}

#[test]
fn stored_weights_of_every_type_are_rounded_from_their_decoded_values() {
    Isa::for_each_available(|isa| {
        for ty in StorageType::ALL {
            // The last one, down its rows, is cut into bands of the sum.
            let shapes =
                [(16, 70, 64), (33, 33, 320), (24, 65, 288), (40, 130, 96), (19, 2_101, 64)];
            for (m, rows, cols) in shapes {
                let cols = if ty.block_len() == 256 { 512 } else { cols };
                let bytes = blocks(ty, rows * cols, 3);
                let mut decoded = vec![0.0; rows * cols];
                storage::decode(ty, &bytes, &mut decoded);
                let largest = decoded.iter().fold(0.0f32, |top, w| top.max(w.abs()));
                let stored = Stored::new(ty, rows, cols, &bytes);
                let bound = 1.5e-7 * f64::from(largest);
                let near_w = taken(isa, (m, rows, cols), &decoded);

                let a = values(m * cols, 4);
                let near = taken(isa, (m, rows, cols), &a);
                let exact =
                    plain(m, rows, cols, |i, p| near[i * cols + p], |p, j| near_w[j * cols + p]);
                let mut out = vec![0.0; m * rows];
                let (lhs, rhs) = (Lhs::new(&a, m, cols), Rhs::Transposed(stored));
                gemm_with(Precision::Half, lhs, rhs, &mut out, false);
                all_close(&out, &exact, 0.0, bound * cols as f64);

                let a = values(m * rows, 5);
                let near = taken(isa, (m, cols, rows), &a);
                let exact =
                    plain(m, cols, rows, |i, p| near[i * rows + p], |p, j| near_w[p * cols + j]);
                let mut out = vec![0.0; m * cols];
                let (lhs, rhs) = (Lhs::new(&a, m, rows), Rhs::Plain(stored));
                gemm_with(Precision::Half, lhs, rhs, &mut out, false);
                all_close(&out, &exact, 0.0, bound * rows as f64);
            }
        }
    });
}

/// The promise of [`Precision::Half`] in terms of the factors as they were given: each moves by at most 1/512 of
/// itself.
#[test]
fn a_sum_moves_by_at_most_two_parts_in_512_of_its_magnitudes() {
    let (m, n, k) = (48, 40, 576);
    let (a, w) = (values(m * k, 6), values(n * k, 7));
    let exact = plain(m, n, k, |i, p| a[i * k + p], |p, j| w[j * k + p]);
    let magnitude = plain(m, n, k, |i, p| a[i * k + p].abs(), |p, j| w[j * k + p].abs());
    Isa::for_each_available(|isa| {
        let mut out = vec![0.0; m * n];
        let (lhs, rhs) = (Lhs::new(&a, m, k), Rhs::Transposed(Stored::f32(&w, n, k)));
        gemm_with(Precision::Half, lhs, rhs, &mut out, false);
        let mut moved = 0.0f64;
        for ((out, exact), magnitude) in out.iter().zip(&exact).zip(&magnitude) {
            let off = (f64::from(*out) - exact).abs();
            assert!(off <= magnitude / 255.0, "{off} of {magnitude}");
            moved = moved.max(off);
        }
        // Were nothing rounded, this test would say nothing about rounding.
        assert_eq!(moved > 1e-4, isa >= Isa::Avx512Bf16, "{isa:?}: {moved}");
    });
}

/// An adapter beside a product in bf16 stays in f32.
#[test]
fn an_addition_is_exact() {
    let (m, n, k, rank) = (200, 100, 352, 16);
    let (x, low) = (values(m * k, 1), values(m * rank, 2));
    let b = values(n * rank, 4);
    let bytes = blocks(StorageType::Q4_1, n * k, 3);
    let mut w = vec![0.0; n * k];
    storage::decode(StorageType::Q4_1, &bytes, &mut w);
    let stored = Stored::new(StorageType::Q4_1, n, k, &bytes);
    Isa::for_each_available(|isa| {
        let (near_x, near_w) = (taken(isa, (m, n, k), &x), taken(isa, (m, n, k), &w));
        let main = plain(m, n, k, |i, p| near_x[i * k + p], |p, j| near_w[j * k + p]);
        let added = plain(m, n, rank, |i, p| low[i * rank + p], |p, j| b[j * rank + p]);
        let exact: Vec<f64> = main.iter().zip(&added).map(|(main, added)| main + added).collect();
        let mut out = vec![7.0; m * n];
        let main = (Lhs::new(&x, m, k), Rhs::Transposed(stored));
        let addition = (Lhs::new(&low, m, rank), Rhs::Transposed(Stored::f32(&b, n, rank)));
        gemm_pair_with(Precision::Half, main, addition, &mut out, false);
        all_close(&out, &exact, 0.0, 1.5e-7 * (k + rank) as f64);
    });
}

/// What is not a number is not lost, and what is infinite stays so.
#[test]
fn nan_and_infinity_show() {
    let (m, n, k) = (16, 16, 32);
    let mut a = vec![1.0; m * k];
    (a[0], a[k]) = (f32::NAN, f32::INFINITY);
    let w = vec![1.0; n * k];
    Isa::for_each_available(|_| {
        let mut out = vec![0.0; m * n];
        let (lhs, rhs) = (Lhs::new(&a, m, k), Rhs::Transposed(Stored::f32(&w, n, k)));
        gemm_with(Precision::Half, lhs, rhs, &mut out, false);
        assert!(out[..n].iter().all(|x| x.is_nan()));
        assert!(out[n..2 * n].iter().all(|x| *x == f32::INFINITY));
        assert!(out[2 * n..].iter().all(|x| *x == 32.0));
    });
}

#[test]
fn the_same_bits_on_any_number_of_threads() {
    let (m, n, k) = (300, 130, 608);
    let (a, d) = (values(m * k, 9), values(m * n, 10));
    let bytes = blocks(StorageType::Q4_1, n * k, 8);
    let w = Stored::new(StorageType::Q4_1, n, k, &bytes);
    // Cut into bands of its sum.
    let (rows, long, wide) = (18, 2_200, 64);
    let up = values(rows * long, 11);
    let long_bytes = blocks(StorageType::Q8_0, long * wide, 12);
    let long_w = Stored::new(StorageType::Q8_0, long, wide, &long_bytes);
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let (mut y, mut d_x, mut d_w) = (vec![0.0; m * n], vec![0.0; m * k], vec![0.0; n * k]);
        let mut banded = vec![1.0; rows * wide];
        pool.install(|| {
            let half = Precision::Half;
            gemm_with(half, Lhs::new(&a, m, k), Rhs::Transposed(w), &mut y, false);
            gemm_with(half, Lhs::new(&d, m, n), Rhs::Plain(w), &mut d_x, false);
            let x = Rhs::Plain(Stored::f32(&a, m, k));
            gemm_with(half, Lhs::transposed(&d, m, n), x, &mut d_w, false);
            gemm_with(half, Lhs::new(&up, rows, long), Rhs::Plain(long_w), &mut banded, true);
        });
        y.iter().chain(&d_x).chain(&d_w).chain(&banded).map(|x| x.to_bits()).collect::<Vec<_>>()
    };
    Isa::for_each_available(|_| {
        let one = run(1);
        assert_eq!(one, run(2));
        assert_eq!(one, run(3));
    });
}
