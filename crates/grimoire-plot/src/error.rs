//! Why a figure cannot be drawn: always a value that has no place on the paper, named by mark and point.

/// What is wrong with a figure.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PlotError {
    /// The figure has no mark, or none with a value to show.
    #[error("figure `{figure}`: nothing to draw")]
    Empty {
        /// Title of the figure.
        figure: String,
    },
    /// A value is NaN or infinite where the mark has no rule for it, or beyond 1e300 in size.
    #[error("mark `{mark}`: {what} of item {index} is {value}, expected a finite number")]
    NotFinite {
        /// Name of the mark.
        mark: String,
        /// Which coordinate.
        what: &'static str,
        /// Position in the mark's data, from 0.
        index: usize,
        /// The value found.
        value: f64,
    },
    /// A value that is zero or negative on a logarithmic axis.
    #[error(
        "mark `{mark}`: {what} of item {index} is {value}, a logarithmic axis needs more than 0"
    )]
    NotPositive {
        /// Name of the mark.
        mark: String,
        /// Which coordinate.
        what: &'static str,
        /// Position in the mark's data, from 0.
        index: usize,
        /// The value found.
        value: f64,
    },
    /// Two lists that belong together differ in length.
    #[error("mark `{mark}`: {found} {what} for {expected} items")]
    Lengths {
        /// Name of the mark.
        mark: String,
        /// What there is too much or too little of.
        what: &'static str,
        /// How many there should be.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// The low end of a band, interval or axis lies above its high end.
    #[error("`{mark}`: item {index} runs from {low} to {high}, expected low to high")]
    Reversed {
        /// Name of the mark or axis.
        mark: String,
        /// Position in the mark's data, from 0.
        index: usize,
        /// The low end given.
        low: f64,
        /// The high end given.
        high: f64,
    },
    /// A mark that only makes sense on straight axes was put on a logarithmic one.
    #[error("mark `{mark}`: a vector field needs linear axes")]
    NeedsLinear {
        /// Name of the mark.
        mark: String,
    },
    /// Width or height outside 240 to 8000 pixels.
    #[error("figure `{figure}`: size {width} x {height}, expected 240 to 8000 each way")]
    Size {
        /// Title of the figure.
        figure: String,
        /// Width asked for.
        width: u32,
        /// Height asked for.
        height: u32,
    },
}
