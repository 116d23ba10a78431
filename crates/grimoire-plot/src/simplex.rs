//! The triangle of shares of three: where barycentric coordinates fall in the plane.
//! Corner 0 is the lower left, corner 1 the lower right, corner 2 the top, sides of length 1.

/// Half the square root of three: the height of the triangle.
pub(crate) const HEIGHT: f64 = 0.866_025_403_784_438_6;

/// The place in the plane of three shares that sum to one: `x = s₁ + s₂/2`, `y = s₂·√3/2`.
///
/// Shares that do not sum to one are divided by their sum first; NaN stays NaN and is refused by the
/// marks.
pub fn simplex_point(shares: [f64; 3]) -> (f64, f64) {
    let sum = shares[0] + shares[1] + shares[2];
    ((shares[1] + shares[2] / 2.0) / sum, shares[2] / sum * HEIGHT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn corners_and_centre() {
        assert_eq!(simplex_point([1.0, 0.0, 0.0]), (0.0, 0.0));
        assert_eq!(simplex_point([0.0, 2.0, 0.0]), (1.0, 0.0));
        assert_eq!(simplex_point([0.0, 0.0, 1.0]), (0.5, HEIGHT));
        let (x, y) = simplex_point([1.0, 1.0, 1.0]);
        assert!((x - 0.5).abs() < 1e-15 && (y - HEIGHT / 3.0).abs() < 1e-15);
    }
}
