//! What one thread's multiply-add units do at most, measured: the limit beside which the examples print their
//! figures. Not an example itself.

use super::clock::seconds;
use grimoire_kernels::Isa;
use std::hint::black_box;

/// GFLOP/s of one thread's multiply-adds in registers.
pub(crate) fn peak() -> f64 {
    #[cfg(target_arch = "x86_64")]
    if Isa::detected() >= Isa::Avx2 {
        // SAFETY: the processor has AVX2 and FMA.
        return unsafe { peak_avx2() };
    }
    multiply_add()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn peak_avx2() -> f64 {
    multiply_add()
}

#[inline(always)]
fn multiply_add() -> f64 {
    const STEPS: usize = 20_000;
    let (x, y) = (black_box([1.0f32; 8]), black_box([1e-9f32; 8]));
    let mut sums = [[0.0f32; 8]; 12];
    let start = seconds();
    for _ in 0..STEPS {
        for sum in &mut sums {
            for lane in 0..8 {
                sum[lane] = x[lane].mul_add(y[lane], sum[lane]);
            }
        }
    }
    let seconds = seconds() - start;
    black_box(sums);
    (STEPS * 12 * 16) as f64 / seconds / 1e9
}
