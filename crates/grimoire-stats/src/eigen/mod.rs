//! Eigenvectors: the directions that a linear map only stretches.
//!
//! ```text
//! A v = λ v,   v ≠ 0
//! ```
//!
//! [`plane`] tells the story of 2x2 matrices, [`dense`] decomposes symmetric and general matrices through faer,
//! [`hermitian`] those that equal their conjugate transpose, [`lanczos`] finds the leading pairs of a symmetric
//! operator that is known only by its products, [`pca`] is the use that statistics makes of it. Every pair comes with
//! its residual `‖Av − λv‖`. Results do not depend on the number of threads.
//!
//! What each promises, how exactly, and from which source is said in its module.

pub mod dense;
pub mod hermitian;
pub mod lanczos;
pub mod pca;
pub mod plane;

pub(crate) use dense::thin_svd;

/// A complex number, re + im·i.
#[derive(Debug, Clone, Copy, PartialEq, Default, serde::Serialize, serde::Deserialize)]
pub struct Complex {
    /// Real part.
    pub re: f64,
    /// Imaginary part.
    pub im: f64,
}

impl Complex {
    /// The number `re + im·i`.
    pub fn new(re: f64, im: f64) -> Self {
        Self { re, im }
    }

    /// The absolute value `√(re² + im²)`, without overflow.
    pub fn abs(self) -> f64 {
        self.re.hypot(self.im)
    }

    /// Angle from the positive real axis, atan2(im, re), in radians from −π to π.
    pub fn angle(self) -> f64 {
        self.im.atan2(self.re)
    }
}

impl From<faer::c64> for Complex {
    fn from(value: faer::c64) -> Self {
        Self { re: value.re, im: value.im }
    }
}

impl From<Complex> for faer::c64 {
    fn from(value: Complex) -> Self {
        Self { re: value.re, im: value.im }
    }
}
