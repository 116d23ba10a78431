//! Encoding of the K types: the small integers, the scale of each group and the scale of the scales that
//! together lie nearest to 256 values, in the sum of squares.
//!
//! Nothing prescribes how to find them, so this is a search of its own. For each group a grid of scales is
//! tried, each improved by turns (integers for a scale, the least-squares scale for integers). The scales
//! are then rounded to their own few bits: each group takes the best of the neighbouring ones, with its
//! integers chosen anew, and the two common factors are fitted to the outcome by least squares once more.
//! `golden/storage/k_quants.py` records how near another encoder comes, and the tests hold this one to it.
//!
//! The layouts are those of `superblock`.

use super::float::{narrow, widen};

/// `x ≈ d·s·q − d_min·m`: integers of a block whose groups have scales and minimums.
struct Affine<const GROUPS: usize> {
    d: [u8; 2],
    d_min: [u8; 2],
    scales: [u8; GROUPS],
    mins: [u8; GROUPS],
    q: [u8; 256],
}

/// `x ≈ d·s·q`: integers of a block whose groups have signed scales.
struct Symmetric {
    d: [u8; 2],
    scales: [i8; 16],
    q: [i8; 256],
}

pub(super) fn q2_k_encode(values: &[f32; 256], block: &mut [u8; 84]) {
    let found = affine::<16>(values, 3, 15);
    block.fill(0);
    for group in 0..16 {
        block[group] = found.scales[group] | found.mins[group] << 4;
        let (half, shift, part) = (group / 8, group % 8 / 2, group % 2);
        for i in 0..16 {
            block[16 + half * 32 + part * 16 + i] |= found.q[group * 16 + i] << (2 * shift);
        }
    }
    [block[80], block[81]] = found.d;
    [block[82], block[83]] = found.d_min;
}

pub(super) fn q3_k_encode(values: &[f32; 256], block: &mut [u8; 110]) {
    let found = symmetric(values, -4, -32);
    block.fill(0);
    for group in 0..16 {
        let (half, shift, part) = (group / 8, group % 8 / 2, group % 2);
        for i in 0..16 {
            let q = (found.q[group * 16 + i] + 4).cast_unsigned();
            block[32 + half * 32 + part * 16 + i] |= (q & 3) << (2 * shift);
            block[part * 16 + i] |= (q >> 2) << (half * 4 + shift);
        }
        let scale = (found.scales[group] + 32).cast_unsigned();
        block[96 + group % 8] |= (scale & 0x0f) << (4 * (group / 8));
        block[104 + group % 4] |= (scale >> 4) << (2 * (group / 4));
    }
    [block[108], block[109]] = found.d;
}

pub(super) fn q4_k_encode(values: &[f32; 256], block: &mut [u8; 144]) {
    let found = affine::<8>(values, 15, 63);
    block.fill(0);
    factors(&found, block);
    for (at, q) in found.q.iter().enumerate() {
        let (group, i) = (at / 32, at % 32);
        block[16 + group / 2 * 32 + i] |= q << (4 * (group % 2));
    }
}

pub(super) fn q5_k_encode(values: &[f32; 256], block: &mut [u8; 176]) {
    let found = affine::<8>(values, 31, 63);
    block.fill(0);
    factors(&found, block);
    for (at, q) in found.q.iter().enumerate() {
        let (group, i) = (at / 32, at % 32);
        block[48 + group / 2 * 32 + i] |= (q & 0x0f) << (4 * (group % 2));
        block[16 + i] |= (q >> 4) << group;
    }
}

/// `d`, `dmin` and the 12 bytes of scales and minimums of Q4_K and Q5_K.
fn factors<const B: usize>(found: &Affine<8>, block: &mut [u8; B]) {
    [block[0], block[1]] = found.d;
    [block[2], block[3]] = found.d_min;
    for i in 0..4 {
        let (s, m) = (found.scales[4 + i], found.mins[4 + i]);
        block[4 + i] = found.scales[i] | (s >> 4) << 6;
        block[8 + i] = found.mins[i] | (m >> 4) << 6;
        block[12 + i] = (s & 0x0f) | (m & 0x0f) << 4;
    }
}

pub(super) fn q6_k_encode(values: &[f32; 256], block: &mut [u8; 210]) {
    let found = symmetric(values, -32, -128);
    block.fill(0);
    for group in 0..16 {
        let (half, quarter, part) = (group / 8, group % 8 / 2, group % 2);
        for i in 0..16 {
            let q = (found.q[group * 16 + i] + 32).cast_unsigned();
            let at = part * 16 + i;
            block[half * 64 + quarter % 2 * 32 + at] |= (q & 0x0f) << (4 * (quarter / 2));
            block[128 + half * 32 + at] |= (q >> 4) << (2 * quarter);
        }
        block[192 + group] = found.scales[group].cast_unsigned();
    }
    [block[208], block[209]] = found.d;
}

/// Integers `0..=top`, scales and minimums `0..=scale_top`.
fn affine<const GROUPS: usize>(values: &[f32; 256], top: u8, scale_top: u8) -> Affine<GROUPS> {
    let groups = || values.chunks_exact(256 / GROUPS);
    let mut fits = [(0.0_f32, 0.0_f32); GROUPS];
    fits.iter_mut().zip(groups()).for_each(|(fit, group)| *fit = fit_affine(group, top));
    let highest = |of: fn(&(f32, f32)) -> f32| fits.iter().map(of).fold(0.0, f32::max);
    let mut d = narrow(highest(|fit| fit.0) / f32::from(scale_top));
    let mut d_min = narrow(highest(|fit| fit.1) / f32::from(scale_top));
    let mut best: Option<(f64, Affine<GROUPS>)> = None;
    for _ in 0..3 {
        let (wide, wide_min) = (widen(d), widen(d_min));
        let (mut scales, mut mins, mut q) = ([0; GROUPS], [0; GROUPS], [0; 256]);
        let mut error = 0.0;
        for (at, group) in groups().enumerate() {
            let near = |value: f32, unit: f32| {
                let nearest = if unit > 0.0 { (value / unit).round() as i32 } else { 0 };
                (nearest - 1..=nearest + 1).filter(move |n| (0..=i32::from(scale_top)).contains(n))
            };
            let mut least = f32::INFINITY;
            for s in near(fits[at].0, wide) {
                for m in near(fits[at].1, wide_min) {
                    let (a, b) = (wide * s as f32, wide_min * m as f32);
                    let off = error_affine(group, a, b, top);
                    if off < least {
                        least = off;
                        (scales[at], mins[at]) = (s as u8, m as u8);
                    }
                }
            }
            let (a, b) = (wide * f32::from(scales[at]), wide_min * f32::from(mins[at]));
            let inverse = reciprocal(a);
            let own = &mut q[at * group.len()..][..group.len()];
            own.iter_mut().zip(group).for_each(|(q, x)| *q = level(x + b, inverse, top));
            error += f64::from(least);
        }
        let found = Affine { d, d_min, scales, mins, q };
        let (better, better_min) = refit(values, &found);
        if best.as_ref().is_none_or(|best| error < best.0) {
            best = Some((error, found));
        }
        if (better, better_min) == (d, d_min) {
            break;
        }
        (d, d_min) = (better, better_min);
    }
    best.map_or(Affine { d, d_min, scales: [0; GROUPS], mins: [0; GROUPS], q: [0; 256] }, |best| {
        best.1
    })
}

/// The factors that fit the integers best: least squares in two unknowns.
fn refit<const GROUPS: usize>(values: &[f32; 256], found: &Affine<GROUPS>) -> ([u8; 2], [u8; 2]) {
    let (mut uu, mut uv, mut vv, mut xu, mut xv) = (0.0_f64, 0.0, 0.0, 0.0, 0.0);
    for (at, (x, q)) in values.iter().zip(&found.q).enumerate() {
        let group = at / (256 / GROUPS);
        let u = f64::from(found.scales[group]) * f64::from(*q);
        let (v, x) = (-f64::from(found.mins[group]), f64::from(*x));
        (uu, uv, vv) = (uu + u * u, uv + u * v, vv + v * v);
        (xu, xv) = (xu + x * u, xv + x * v);
    }
    let determinant = uu * vv - uv * uv;
    if determinant > 1e-9 * uu * vv {
        let d = (xu * vv - xv * uv) / determinant;
        let d_min = (xv * uu - xu * uv) / determinant;
        if d > 0.0 && d_min >= 0.0 {
            return (narrow(d as f32), narrow(d_min as f32));
        }
    }
    if vv == 0.0 && uu > 0.0 && xu > 0.0 {
        return (narrow((xu / uu) as f32), found.d_min);
    }
    (found.d, found.d_min)
}

/// `a ≥ 0` and `b ≥ 0` of `x ≈ a·q − b` for a group.
fn fit_affine(group: &[f32], top: u8) -> (f32, f32) {
    let low = group.iter().copied().fold(0.0, f32::min);
    let high = group.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    if high <= low {
        return (0.0, -low);
    }
    let mut best = (f32::INFINITY, 0.0, -low);
    for step in -10..=10 {
        let (mut a, mut b) = ((high - low) / (f32::from(top) + 0.1 * step as f32), -low);
        for _ in 0..4 {
            let error = error_affine(group, a, b, top);
            if error < best.0 {
                best = (error, a, b);
            }
            match least_squares(group, a, b, top) {
                Some(better) if better != (a, b) => (a, b) = better,
                _ => break,
            }
        }
    }
    (best.1, best.2)
}

/// The line through the integers that a scale and a minimum give; the minimum not below zero.
fn least_squares(group: &[f32], a: f32, b: f32, top: u8) -> Option<(f32, f32)> {
    let inverse = reciprocal(a);
    let (mut sum_q, mut sum_qq, mut sum_x, mut sum_xq) = (0.0_f32, 0.0, 0.0, 0.0);
    for x in group {
        let q = f32::from(level(x + b, inverse, top));
        (sum_q, sum_qq) = (sum_q + q, sum_qq + q * q);
        (sum_x, sum_xq) = (sum_x + x, sum_xq + x * q);
    }
    let n = group.len() as f32;
    let determinant = n * sum_qq - sum_q * sum_q;
    if determinant <= 0.0 {
        return None;
    }
    let slope = (n * sum_xq - sum_q * sum_x) / determinant;
    let offset = (sum_qq * sum_x - sum_q * sum_xq) / determinant;
    let (slope, offset) = if offset > 0.0 { (sum_xq / sum_qq, 0.0) } else { (slope, offset) };
    (slope > 0.0).then_some((slope, -offset))
}

/// The sum of squares that is left with these factors.
fn error_affine(group: &[f32], a: f32, b: f32, top: u8) -> f32 {
    let inverse = reciprocal(a);
    let off = |x: &f32| x + b - a * f32::from(level(x + b, inverse, top));
    group.iter().map(|x| off(x) * off(x)).sum()
}

/// The integer `0..=top` nearest to `value·inverse`.
fn level(value: f32, inverse: f32, top: u8) -> u8 {
    // Halves upwards; the cast takes what is below zero to zero.
    ((value * inverse + 0.5) as u8).min(top)
}

/// Integers `low..=-low-1`, scales `scale_low..=-scale_low-1`.
fn symmetric(values: &[f32; 256], low: i8, scale_low: i8) -> Symmetric {
    let mut fits = [0.0_f32; 16];
    fits.iter_mut().zip(values.chunks_exact(16)).for_each(|(fit, group)| {
        *fit = fit_symmetric(group, low);
    });
    let extreme = fits.iter().copied().fold(
        0.0,
        |most: f32, fit| {
            if fit.abs() > most.abs() { fit } else { most }
        },
    );
    let mut d = narrow(extreme / f32::from(scale_low));
    let mut best: Option<(f64, Symmetric)> = None;
    for _ in 0..3 {
        let wide = widen(d);
        let (mut scales, mut q) = ([0; 16], [0; 256]);
        let (mut error, mut uu, mut xu) = (0.0, 0.0_f64, 0.0_f64);
        for (at, group) in values.chunks_exact(16).enumerate() {
            let nearest = if wide == 0.0 { 0 } else { (fits[at] / wide).round() as i32 };
            let range = i32::from(scale_low)..=-i32::from(scale_low) - 1;
            let mut least = f32::INFINITY;
            for s in (nearest - 1..=nearest + 1).filter(|s| range.contains(s)) {
                let off = error_symmetric(group, wide * s as f32, low);
                if off < least {
                    (least, scales[at]) = (off, s as i8);
                }
            }
            let inverse = reciprocal(wide * f32::from(scales[at]));
            for (q, x) in q[at * 16..][..16].iter_mut().zip(group) {
                *q = signed_level(*x, inverse, low);
                let u = f64::from(scales[at]) * f64::from(*q);
                (uu, xu) = (uu + u * u, xu + f64::from(*x) * u);
            }
            error += f64::from(least);
        }
        if best.as_ref().is_none_or(|best| error < best.0) {
            best = Some((error, Symmetric { d, scales, q }));
        }
        if uu == 0.0 || narrow((xu / uu) as f32) == d {
            break;
        }
        d = narrow((xu / uu) as f32);
    }
    best.map_or(Symmetric { d, scales: [0; 16], q: [0; 256] }, |best| best.1)
}

/// `a` of `x ≈ a·q` for a group, of either sign.
fn fit_symmetric(group: &[f32], low: i8) -> f32 {
    let extreme =
        group.iter().copied().fold(0.0, |most: f32, x| if x.abs() > most.abs() { x } else { most });
    if extreme == 0.0 {
        return 0.0;
    }
    let mut best = (f32::INFINITY, 0.0);
    for end in [f32::from(low), -f32::from(low) - 1.0] {
        for step in -9..=9 {
            let mut a = extreme / (end + 0.1 * step as f32);
            for _ in 0..2 {
                let inverse = reciprocal(a);
                let (mut sum_qq, mut sum_xq) = (0.0_f32, 0.0);
                for x in group {
                    let q = f32::from(signed_level(*x, inverse, low));
                    (sum_qq, sum_xq) = (sum_qq + q * q, sum_xq + x * q);
                }
                if sum_qq == 0.0 {
                    break;
                }
                a = sum_xq / sum_qq;
                let error = error_symmetric(group, a, low);
                if error < best.0 {
                    best = (error, a);
                }
            }
        }
    }
    best.1
}

/// The sum of squares that is left with this scale.
fn error_symmetric(group: &[f32], a: f32, low: i8) -> f32 {
    let inverse = reciprocal(a);
    let off = |x: &f32| x - a * f32::from(signed_level(*x, inverse, low));
    group.iter().map(|x| off(x) * off(x)).sum()
}

/// The integer `low..=-low-1` nearest to `value·inverse`.
fn signed_level(value: f32, inverse: f32, low: i8) -> i8 {
    let levels = low.unsigned_abs();
    let level = ((value * inverse + f32::from(levels) + 0.5) as u8).min(2 * levels - 1);
    level.cast_signed() + low
}

/// `1 / a`, and 0 for 0.
fn reciprocal(a: f32) -> f32 {
    if a == 0.0 { 0.0 } else { 1.0 / a }
}
