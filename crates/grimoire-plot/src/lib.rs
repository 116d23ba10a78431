//! Typed figures to self-contained SVG: lines, bands, bars, points, intervals, flows.
//!
//! A [`Figure`] is a title, two [`Axis`]es and a list of marks; [`Figure::svg`] turns it into the text
//! of one SVG document. The idea is that a figure is data until the last moment: marks hold numbers,
//! a survey of all of them fixes the axes, and only then does anything become pixels.
//!
//! What every document keeps:
//! - **Self-contained.** No script, no font, no link; it can be a file, an `<img>` or part of a page
//!   (it holds no `id`, so any number of figures live in one page).
//! - **Same figure, same bytes.** Coordinates are rounded to a hundredth of a pixel.
//! - **Light, dark and print.** Colours follow `prefers-color-scheme`; print is always light.
//! - **Readable by all.** Colours are told apart with any of the common colour deficiencies (tested),
//!   series differ in marker and dash too, every figure has `role="img"`, a label and a description,
//!   and values appear on hover.
//! - **Nothing invented.** A NaN in the y of a [`Line`] is a gap; every other value that is not finite,
//!   and every value that a logarithmic axis cannot show, is a [`PlotError`] naming mark and point.
//!
//! It computes no statistics and does no I/O: tails, intervals and paths come in as numbers.
//!
//! ```
//! use grimoire_plot::{Axis, Figure, Line};
//! let figure = Figure::new("Held-out loss falls")
//!     .x(Axis::linear("step"))
//!     .y(Axis::linear("nats per token"))
//!     .add(Line::new("held out", vec![(0.0, 2.3), (50.0, 1.5), (100.0, 1.2)]).markers());
//! let svg = figure.svg()?;
//! assert!(svg.starts_with("<svg "));
//! # Ok::<(), grimoire_plot::PlotError>(())
//! ```

#![forbid(unsafe_code)]

mod axis;
mod error;
mod figure;
mod layout;
mod mark;
mod number;
mod palette;
mod simplex;
mod svg;
mod text;

pub use axis::Axis;
pub use error::PlotError;
pub use figure::{Figure, Size};
pub use mark::Mark;
pub use mark::area::Area;
pub use mark::bars::Bars;
pub use mark::field::{Arrow, Field};
pub use mark::intervals::{Interval, Intervals};
pub use mark::line::Line;
pub use mark::points::{Fill, Points};
pub use mark::rule::Rule;
pub use palette::Tone;
pub use simplex::simplex_point;
