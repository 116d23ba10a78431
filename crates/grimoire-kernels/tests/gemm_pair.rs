//! The sum of two products, a wide one and a low-rank one, against nested loops in f64: every instruction set,
//! both directions, odd shapes, zero and one, added and replaced, and the same bits on one thread and on three.

#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use grimoire_kernels::{Isa, Lhs, Rhs, StorageType, Stored, gemm_pair, storage};
use grimoire_testkit::{all_close, values};

fn sum(n: usize, each: impl Fn(usize) -> (f32, f32)) -> f64 {
    (0..n).map(each).map(|(a, b)| f64::from(a) * f64::from(b)).sum()
}

#[test]
fn the_sum_is_the_definition_both_ways() {
    Isa::for_each_available(|_| {
        for (m, n, k, rank) in [
            (1, 32, 64, 1),
            (3, 17, 32, 4),
            (4, 16, 32, 16),
            (7, 49, 320, 16),
            (200, 100, 352, 3),
            (1100, 64, 64, 16),
            (9, 33, 32, 700),
            (5, 8, 32, 0),
            (0, 8, 32, 2),
        ] {
            let (x, low) = (values(m * k, 1), values(m * rank, 2));
            let (w, b) = (values(n * k, 3), values(n * rank, 4));
            let mut bytes = vec![0; StorageType::Q8_0.bytes_for(n * k).unwrap()];
            storage::encode(StorageType::Q8_0, &w, &mut bytes).unwrap();
            let mut w = vec![0.0; n * k];
            storage::decode(StorageType::Q8_0, &bytes, &mut w);
            // Each product below one rounds to 6e-8, twice over for the sum.
            let bound = 1.5e-7 * (k + n + rank + 1) as f64;

            let stored = Stored::new(StorageType::Q8_0, n, k, &bytes);
            let main = (Lhs::new(&x, m, k), Rhs::Transposed(stored));
            let addition = (Lhs::new(&low, m, rank), Rhs::Transposed(Stored::f32(&b, n, rank)));
            let exact: Vec<f64> = (0..m * n)
                .map(|at| (at / n, at % n))
                .map(|(i, j)| {
                    sum(k, |p| (x[i * k + p], w[j * k + p]))
                        + sum(rank, |p| (low[i * rank + p], b[j * rank + p]))
                })
                .collect();
            let mut out = vec![7.0; m * n];
            gemm_pair(main, addition, &mut out, false);
            all_close(&out, &exact, 0.0, bound);
            gemm_pair(main, addition, &mut out, true);
            let twice: Vec<f64> = exact.iter().map(|x| 2.0 * x).collect();
            all_close(&out, &twice, 0.0, 2.0 * bound);

            let (d_y, a) = (values(m * n, 5), values(rank * k, 6));
            let main = (Lhs::new(&d_y, m, n), Rhs::Plain(stored));
            let addition = (Lhs::new(&low, m, rank), Rhs::Plain(Stored::f32(&a, rank, k)));
            let exact: Vec<f64> = (0..m * k)
                .map(|at| (at / k, at % k))
                .map(|(i, j)| {
                    sum(n, |p| (d_y[i * n + p], w[p * k + j]))
                        + sum(rank, |p| (low[i * rank + p], a[p * k + j]))
                })
                .collect();
            let mut out = vec![7.0; m * k];
            gemm_pair(main, addition, &mut out, false);
            all_close(&out, &exact, 0.0, bound);
        }
    });
}

#[test]
fn the_same_bits_on_any_number_of_threads() {
    let (m, n, k, rank) = (300, 200, 640, 16);
    let (x, low) = (values(m * k, 1), values(m * rank, 2));
    let (w, b) = (values(n * k, 3), values(n * rank, 4));
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let mut out = vec![0.0; m * n];
            let main = (Lhs::new(&x, m, k), Rhs::Transposed(Stored::f32(&w, n, k)));
            let addition = (Lhs::new(&low, m, rank), Rhs::Transposed(Stored::f32(&b, n, rank)));
            gemm_pair(main, addition, &mut out, false);
            out.iter().map(|x| x.to_bits()).collect::<Vec<_>>()
        })
    };
    assert_eq!(on(1), on(3));
}
