//! The 2x2 story: none, one, two, or infinitely many real directions that a map of the plane keeps.
//!
//! ```text
//! [a b; c d]   trace t = a + d,  determinant e = ad − bc,  Δ = t² − 4e = (a − d)² + 4bc
//! Δ < 0: none (it turns);  Δ > 0: two;  Δ = 0: every direction if b = c = 0, else one (it shears)
//! ```
//!
//! The rank has nothing to do with it: the zero matrix has rank 0 and keeps every direction, a turn has
//! rank 2 and keeps none. Δ is computed in twice the precision, so its sign is that of the numbers given.
//!
//! Domain: four finite numbers. Method: the sign of Δ decides the kind, each λ then gives its direction from the
//! larger row of A − λ. Accuracy: 10⁻¹⁵ in the tests. Source: G. Strang, *Introduction to Linear Algebra* (2016),
//! chapter 6.

use super::Complex;
use crate::error::{Result, finite};
use crate::linear::twofold::{Twofold, two_sum};
use crate::mean::times_power;

/// How many real directions stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// No real direction: the map turns every vector.
    None,
    /// One direction, met twice: the map shears along it.
    One,
    /// Two directions.
    Two,
    /// Every direction: the map is a number times the identity.
    All,
}

/// What a 2x2 matrix does to directions.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Story {
    /// How many real directions stay.
    pub kind: Kind,
    /// `a + d`, the sum of the eigenvalues.
    pub trace: f64,
    /// `ad − bc`, their product, and the factor by which areas grow.
    pub determinant: f64,
    /// `(a − d)² + 4bc`.
    pub discriminant: f64,
    /// 0, 1 or 2.
    pub rank: usize,
    /// Both eigenvalues, equal ones twice.
    pub values: [Complex; 2],
    /// Unit vectors of the real directions that stay, with their factor (none when all do).
    pub directions: Vec<(f64, [f64; 2])>,
    /// For [`Kind::None`]: the angle of the turn in degrees, in suitable coordinates.
    pub turn: Option<f64>,
}

/// Tells the story of `[a b; c d]`: eigenvalues (t ± √Δ)/2 with t = a + d and Δ = (a − d)² + 4bc,
/// and the directions that it keeps.
///
/// Domain: finite entries of any size; determinant and Δ may over- or underflow where eigenvalues do not. Method: the
/// entries in a common unit, b and c made alike; the sign of Δ in twice the precision; the larger root without
/// cancellation, the other from the determinant; directions from the larger row of A − λ. Accuracy: relative error at
/// most 10⁻¹⁵ of a matrix by hand, as tested. Source: G. Strang, *Introduction to Linear Algebra* (2016), chapter 6.
///
/// # Errors
/// When an entry is not finite.
///
/// ```
/// use grimoire_stats::eigen::plane::{Kind, story};
/// // A quarter turn keeps no real direction.
/// let turn = story(0.0, -1.0, 1.0, 0.0).unwrap();
/// assert_eq!((turn.kind, turn.turn), (Kind::None, Some(90.0)));
/// ```
pub fn story(a: f64, b: f64, c: f64, d: f64) -> Result<Story> {
    for value in [a, b, c, d] {
        finite("an entry of the matrix", value)?;
    }
    let near = Scaled::new(a, b, c, d);
    let (high, low) = two_sum(near.a, -near.d);
    let spread = Twofold { hi: high, lo: low };
    let discriminant = (spread * spread + Twofold::product(near.b, near.c).scaled(4.0)).value();
    let determinant = (Twofold::product(near.a, near.d) - Twofold::product(near.b, near.c)).value();
    let trace = near.a + near.d;
    let gone = high == 0.0 && discriminant.abs() < 1e-250;
    let root = if gone {
        2.0 * (near.b.abs().sqrt() * near.c.abs().sqrt())
    } else {
        discriminant.abs().sqrt()
    };
    let turns = discriminant < 0.0 || gone && (b < 0.0) != (c < 0.0);
    let half = 0.5 * trace;
    let triangular = b == 0.0 || c == 0.0;
    let (kind, values) = if triangular {
        let kind = match (a == d, b == 0.0 && c == 0.0) {
            (true, true) => Kind::All,
            (true, false) => Kind::One,
            (false, _) => Kind::Two,
        };
        (kind, [Complex::new(a.max(d), 0.0), Complex::new(a.min(d), 0.0)])
    } else if turns {
        let (re, im) = (near.restored(half), near.restored(0.5 * root));
        (Kind::None, [Complex::new(re, im), Complex::new(re, -im)])
    } else {
        // The larger root without cancellation, the other from the product.
        let first = if trace >= 0.0 { half + 0.5 * root } else { half - 0.5 * root };
        let second = if first == 0.0 { 0.0 } else { determinant / first };
        let (large, small) = (first.max(second), first.min(second));
        let kind = if root == 0.0 { Kind::One } else { Kind::Two };
        (kind, [large, small].map(|value| Complex::new(near.restored(value), 0.0)))
    };
    let direction = |value: f64| -> [f64; 2] {
        // (A − λ)v = 0: v is orthogonal to the longer row of A − λ.
        let rows = [[a - value, b], [c, d - value]];
        let longer = if rows[0][0].hypot(rows[0][1]) >= rows[1][0].hypot(rows[1][1]) {
            rows[0]
        } else {
            rows[1]
        };
        let length = longer[0].hypot(longer[1]);
        let v = super::dense::positive(vec![-longer[1] / length, longer[0] / length]);
        [v[0] + 0.0, v[1] + 0.0]
    };
    let directions = match kind {
        Kind::None | Kind::All => vec![],
        Kind::One => vec![(values[0].re, direction(values[0].re))],
        Kind::Two => values.iter().map(|value| (value.re, direction(value.re))).collect(),
    };
    let full = if triangular { a != 0.0 && d != 0.0 } else { determinant != 0.0 };
    let rank = match (full, [a, b, c, d].iter().any(|value| *value != 0.0)) {
        (true, _) => 2,
        (false, true) => 1,
        (false, false) => 0,
    };
    Ok(Story {
        kind,
        trace: a + d,
        determinant: near.restored(near.restored(determinant)),
        discriminant: near.restored(near.restored(discriminant)),
        rank,
        values,
        directions,
        turn: (kind == Kind::None).then(|| values[0].angle().to_degrees()),
    })
}

/// The matrix in a unit in which nothing over- or underflows, b and c made equally large, which moves no eigenvalue.
struct Scaled {
    a: f64,
    b: f64,
    c: f64,
    d: f64,
    /// The unit is 2 to this power.
    exponent: i32,
}

impl Scaled {
    fn new(a: f64, b: f64, c: f64, d: f64) -> Self {
        let (b_power, c_power) = (power_of(b), power_of(c));
        let both = b != 0.0 && c != 0.0;
        let mut exponent = power_of(a).max(power_of(d));
        if both {
            exponent = exponent.max((b_power + c_power).div_euclid(2) + 1);
        }
        // b·2^i and c·2^j with i + j = −2·exponent, alike in size.
        let b_shift = (c_power - b_power).div_euclid(2) - exponent;
        let c_shift = -2 * exponent - b_shift;
        Self {
            a: times_power(a, -exponent),
            b: if both { times_power(b, b_shift) } else { 0.0 },
            c: if both { times_power(c, c_shift) } else { 0.0 },
            d: times_power(d, -exponent),
            exponent,
        }
    }

    /// A number of the matrix in its own unit again.
    fn restored(&self, value: f64) -> f64 {
        times_power(value, self.exponent)
    }
}

/// The binary exponent of a number; that of the smallest for zero.
fn power_of(value: f64) -> i32 {
    if value == 0.0 { -1100 } else { value.abs().log2().floor() as i32 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use grimoire_testkit::{all_close, close};

    /// Triangular matrices have their diagonal as eigenvalues; [1 1; 1 0] has (1 ± √5)/2; in every unit.
    #[test]
    fn any_size_is_told_alike() {
        for unit in [1e-300, 1e-170, 1.0, 1e160, 1e300] {
            let two = story(unit, 0.0, 0.0, 2.0 * unit).unwrap();
            assert_eq!((two.kind, two.rank), (Kind::Two, 2));
            assert_eq!((two.values[0].re, two.values[1].re), (2.0 * unit, unit));
            let golden = story(unit, unit, unit, 0.0).unwrap();
            assert_eq!((golden.kind, golden.rank), (Kind::Two, 2));
            let root = 5.0_f64.sqrt();
            close(golden.values[0].re / unit, 0.5 * (1.0 + root), 1e-15, 0.0);
            close(golden.values[1].re / unit, 0.5 * (1.0 - root), 1e-15, 0.0);
            let turn = story(unit, -unit, unit, unit).unwrap();
            assert_eq!(turn.kind, Kind::None);
            close(turn.turn.unwrap(), 45.0, 1e-15, 0.0);
            let shear = story(unit, unit, 0.0, unit).unwrap();
            assert_eq!((shear.kind, shear.rank), (Kind::One, 2));
        }
        // b c = 1 however unlike they are: eigenvalues ±1.
        let unlike = story(0.0, 1e250, 1e-250, 0.0).unwrap();
        close(unlike.values[0].re, 1.0, 1e-15, 0.0);
        close(unlike.values[1].re, -1.0, 1e-15, 0.0);
        let barely = story(1.0, 1e-200, -1e-200, 1.0).unwrap();
        assert_eq!(barely.kind, Kind::None);
        close(barely.values[0].im, 1e-200, 1e-15, 0.0);
        let steep = story(1e-170, 1.0, 0.0, 2e-170).unwrap();
        assert_eq!((steep.kind, steep.values[1].re), (Kind::Two, 1e-170));
    }

    #[test]
    fn none_one_two_and_all() {
        let turn = story(0.0, -1.0, 1.0, 0.0).unwrap();
        assert_eq!((turn.kind, turn.rank, turn.turn), (Kind::None, 2, Some(90.0)));
        let shear = story(1.0, 1.0, 0.0, 1.0).unwrap();
        assert_eq!((shear.kind, shear.directions.len()), (Kind::One, 1));
        assert_eq!(shear.directions[0], (1.0, [1.0, 0.0]));
        let two = story(2.0, 1.0, 1.0, 2.0).unwrap();
        assert_eq!(two.kind, Kind::Two);
        close(two.directions[0].0, 3.0, 1e-15, 0.0);
        all_close(&two.directions[0].1, &[0.5_f64.sqrt(); 2], 1e-15, 0.0);
        let zero = story(0.0, 0.0, 0.0, 0.0).unwrap();
        assert_eq!((zero.kind, zero.rank), (Kind::All, 0));
        let projection = story(1.0, 0.0, 0.0, 0.0).unwrap();
        assert_eq!((projection.kind, projection.rank), (Kind::Two, 1));
        assert!(story(f64::NAN, 0.0, 0.0, 0.0).is_err());
    }

    #[test]
    fn the_sign_of_the_discriminant_survives_cancellation() {
        // (a−d)² + 4bc = 1e-16² − tiny: negative only in twice the precision.
        let e = 2.0_f64.powi(-52);
        let found = story(1.0 + e, e, -e, 1.0).unwrap();
        assert_eq!(found.kind, Kind::None);
    }
}
