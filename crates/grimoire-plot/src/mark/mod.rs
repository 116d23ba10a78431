//! What can stand in a figure. One file per kind of mark: its data, its rules for bad values, how it is
//! drawn. The trait is the seam: a new mark is a new file and one line here.

pub(crate) mod area;
pub(crate) mod bars;
pub(crate) mod field;
pub(crate) mod intervals;
pub(crate) mod line;
pub(crate) mod points;
pub(crate) mod rule;

use crate::axis::Axis;
use crate::error::PlotError;
use crate::palette::Tone;
use crate::svg::Svg;

/// One thing in a figure; made from [`crate::Line`], [`crate::Points`], [`crate::Bars`] and the others.
pub struct Mark(pub(crate) Box<dyn Draw + Send + Sync>);

macro_rules! into_mark {
    ($($kind:ty),*) => {$(
        impl From<$kind> for Mark {
            fn from(mark: $kind) -> Self {
                Self(Box::new(mark))
            }
        }
    )*};
}
into_mark!(
    area::Area,
    bars::Bars,
    field::Field,
    intervals::Intervals,
    line::Line,
    points::Points,
    rule::Rule
);

/// What the figure asks of a mark, in this order: its values, its words, its picture.
pub(crate) trait Draw {
    /// The colour asked for; `None` takes the next of the palette.
    fn tone(&self) -> Option<Tone>;
    /// Checks every value and stretches the axes over it.
    fn survey(&self, survey: &mut Survey) -> Result<(), PlotError>;
    /// Entries of the legend.
    fn keys(&self, tone: Tone) -> Vec<Key>;
    /// Texts to stand right of the plot, at the height of a value of y.
    fn beside(&self, _axes: Axes<'_>, _tone: Tone) -> Vec<Beside> {
        Vec::new()
    }
    /// The value of x at which an upright line crosses the whole plot.
    fn crosses(&self) -> Option<f64> {
        None
    }
    /// The mark in one clause, for readers who hear the figure.
    fn describe(&self, axes: Axes<'_>) -> String;
    /// Draws.
    fn draw(&self, plane: &Plane<'_>, tone: Tone, layers: &mut Layers);
}

/// An entry of the legend.
pub(crate) struct Key {
    pub(crate) name: String,
    pub(crate) tone: Tone,
    pub(crate) glyph: Glyph,
}

/// The sample before a legend entry.
#[derive(Clone, Copy)]
pub(crate) enum Glyph {
    Stroke { dashed: bool },
    Marker(Fill),
    Swatch { opacity: f64 },
}

pub(crate) use points::Fill;

/// A text right of the plot.
pub(crate) struct Beside {
    pub(crate) y: f64,
    pub(crate) text: String,
    pub(crate) tone: Tone,
}

/// The two axes, for words.
#[derive(Clone, Copy)]
pub(crate) struct Axes<'a> {
    pub(crate) x: &'a Axis,
    pub(crate) y: &'a Axis,
}

/// Walks over all values: refuses what has no place and remembers how far the rest reach.
pub(crate) struct Survey {
    pub(crate) x: Reach,
    pub(crate) y: Reach,
}

/// How far the values of one axis reach.
pub(crate) struct Reach {
    log: bool,
    pub(crate) held: Option<(f64, f64)>,
}

impl Survey {
    pub(crate) fn new(x: &Axis, y: &Axis) -> Self {
        Self { x: Reach { log: x.log, held: None }, y: Reach { log: y.log, held: None } }
    }
}

impl Reach {
    /// Takes one value in, or says why it has no place.
    pub(crate) fn take(
        &mut self,
        mark: &str,
        what: &'static str,
        index: usize,
        value: f64,
    ) -> Result<(), PlotError> {
        let mark = || mark.to_owned();
        if !value.is_finite() || value.abs() > 1e300 {
            return Err(PlotError::NotFinite { mark: mark(), what, index, value });
        }
        if self.log && value <= 0.0 {
            return Err(PlotError::NotPositive { mark: mark(), what, index, value });
        }
        self.held = Some(match self.held {
            None => (value, value),
            Some((low, high)) => (low.min(value), high.max(value)),
        });
        Ok(())
    }

    /// Brings zero into view, where the axis has one.
    pub(crate) fn ground(&mut self) {
        if !self.log {
            self.held = self.held.map(|(low, high)| (low.min(0.0), high.max(0.0)));
        }
    }

    /// True on a logarithmic axis.
    pub(crate) fn is_log(&self) -> bool {
        self.log
    }
}

/// From values to pixels along one axis.
pub(crate) struct Scale {
    log: bool,
    low: f64,
    high: f64,
    start: f64,
    end: f64,
}

impl Scale {
    /// The domain `(low, high)` laid over the pixels `start` to `end`.
    pub(crate) fn new(axis: &Axis, domain: (f64, f64), (start, end): (f64, f64)) -> Self {
        let (start, end) = if axis.reversed { (end, start) } else { (start, end) };
        Self { log: axis.log, low: domain.0, high: domain.1, start, end }
    }

    /// The pixel of a value; far outside the frame it stops growing.
    pub(crate) fn at(&self, value: f64) -> f64 {
        let share = if self.log {
            (value / self.low).ln() / (self.high / self.low).ln()
        } else {
            (value - self.low) / (self.high - self.low)
        };
        self.start + share.clamp(-100.0, 100.0) * (self.end - self.start)
    }

    /// Whether a value is in view.
    pub(crate) fn shows(&self, value: f64) -> bool {
        let slack = if self.log { 0.0 } else { (self.high - self.low) * 1e-9 };
        value >= self.low - slack && value <= self.high + slack
    }

    /// Where bars and areas stand: zero, or the nearest value in view.
    pub(crate) fn ground(&self) -> f64 {
        if self.log { self.low } else { 0f64.clamp(self.low, self.high) }
    }

    /// Pixels per unit on a linear axis, with the sign of the direction.
    pub(crate) fn unit(&self) -> f64 {
        (self.end - self.start) / (self.high - self.low)
    }
}

/// A rectangle in pixels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame {
    pub(crate) left: f64,
    pub(crate) top: f64,
    pub(crate) width: f64,
    pub(crate) height: f64,
}

impl Frame {
    pub(crate) fn right(&self) -> f64 {
        self.left + self.width
    }

    pub(crate) fn bottom(&self) -> f64 {
        self.top + self.height
    }
}

/// The plot area with its two scales.
pub(crate) struct Plane<'a> {
    pub(crate) x: Scale,
    pub(crate) y: Scale,
    pub(crate) frame: Frame,
    pub(crate) axes: Axes<'a>,
}

impl Plane<'_> {
    /// The pixel of a point.
    pub(crate) fn at(&self, (x, y): (f64, f64)) -> (f64, f64) {
        (self.x.at(x), self.y.at(y))
    }

    /// Whether a point is in view.
    pub(crate) fn shows(&self, (x, y): (f64, f64)) -> bool {
        self.x.shows(x) && self.y.shows(y)
    }

    /// The hover text of a point.
    pub(crate) fn say(&self, name: &str, (x, y): (f64, f64)) -> String {
        let Axes { x: x_axis, y: y_axis } = self.axes;
        let part = |axis: &Axis, value| {
            let label = axis.label.as_str();
            let gap = if label.is_empty() { "" } else { " " };
            format!("{label}{gap}{}", axis.say(value))
        };
        let gap = if name.is_empty() { "" } else { " · " };
        format!("{name}{gap}{} · {}", part(x_axis, x), part(y_axis, y))
    }
}

/// What is cut off at the frame, what may reach over it, how many rule labels there are, and at which pixels upright
/// rules stand.
#[derive(Default)]
pub(crate) struct Layers {
    pub(crate) clipped: Svg,
    pub(crate) over: Svg,
    pub(crate) rule_labels: usize,
    pub(crate) rules: Vec<f64>,
}

/// `n items` in words.
pub(crate) fn count(n: usize, one: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{n} {one}s") }
}
