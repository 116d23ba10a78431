//! Estimates with their intervals: forest plots (lying) and error bars (upright). Estimates and ends
//! must be finite, in order.

use super::points::marker;
use super::{Axes, Beside, Draw, Fill, Glyph, Key, Layers, Plane, Survey, count};
use crate::error::PlotError;
use crate::palette::Tone;

/// One estimate with its interval, at a position on the other axis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Where it stands: the row of a forest plot, the x of an error bar.
    pub position: f64,
    /// The estimate.
    pub estimate: f64,
    /// The low end.
    pub low: f64,
    /// The high end.
    pub high: f64,
}

/// Estimates with intervals.
#[derive(Debug, Clone)]
pub struct Intervals {
    name: String,
    rows: Vec<Interval>,
    tone: Option<Tone>,
    upright: bool,
    values: bool,
}

impl Intervals {
    /// A forest plot: positions along y (with [`crate::Axis::categories`], the row number), estimates
    /// along x.
    pub fn new(name: impl Into<String>, rows: Vec<Interval>) -> Self {
        Self { name: name.into(), rows, tone: None, upright: false, values: false }
    }

    /// Error bars: positions along x, estimates along y.
    pub fn upright(self) -> Self {
        Self { upright: true, ..self }
    }

    /// Prints `estimate [low, high]` right of every row of a forest plot.
    pub fn values(self) -> Self {
        Self { values: true, ..self }
    }

    /// The colour, instead of the next of the palette.
    pub fn tone(self, tone: Tone) -> Self {
        Self { tone: Some(tone), ..self }
    }
}

impl Draw for Intervals {
    fn tone(&self) -> Option<Tone> {
        self.tone
    }

    fn survey(&self, survey: &mut Survey) -> Result<(), PlotError> {
        let Survey { x, y } = survey;
        let (along, out) = if self.upright { (x, y) } else { (y, x) };
        for (index, row) in self.rows.iter().enumerate() {
            along.take(&self.name, "position", index, row.position)?;
            out.take(&self.name, "low end", index, row.low)?;
            out.take(&self.name, "estimate", index, row.estimate)?;
            out.take(&self.name, "high end", index, row.high)?;
            if !(row.low <= row.estimate && row.estimate <= row.high) {
                let (low, high) = (row.low, row.high);
                return Err(PlotError::Reversed { mark: self.name.clone(), index, low, high });
            }
        }
        Ok(())
    }

    fn keys(&self, tone: Tone) -> Vec<Key> {
        if self.name.is_empty() {
            return Vec::new();
        }
        vec![Key { name: self.name.clone(), tone, glyph: Glyph::Marker(Fill::Solid) }]
    }

    fn beside(&self, axes: Axes<'_>, _tone: Tone) -> Vec<Beside> {
        if !self.values || self.upright {
            return Vec::new();
        }
        let ends = self.rows.iter().flat_map(|row| [row.low, row.estimate, row.high]);
        let largest = ends.fold(0.0, |most: f64, value| most.max(value.abs()));
        let text = |row: &Interval| {
            let say = |value| axes.x.say_to(value, largest);
            format!("{} [{}, {}]", say(row.estimate), say(row.low), say(row.high))
        };
        let beside = |row: &Interval| Beside { y: row.position, text: text(row), tone: Tone::Ink };
        self.rows.iter().map(beside).collect()
    }

    fn describe(&self, axes: Axes<'_>) -> String {
        let (along, out) = if self.upright { (axes.x, axes.y) } else { (axes.y, axes.x) };
        let mut text = format!("{}: {}", self.name, count(self.rows.len(), "interval"));
        for row in self.rows.iter().take(12) {
            let (low, high) = (out.say(row.low), out.say(row.high));
            let (at, estimate) = (along.say(row.position), out.say(row.estimate));
            text.push_str(&format!("; {at}: {estimate} ({low} to {high})"));
        }
        text
    }

    fn draw(&self, plane: &Plane<'_>, tone: Tone, layers: &mut Layers) {
        let place = |row: &Interval, value: f64| {
            plane.at(if self.upright { (row.position, value) } else { (value, row.position) })
        };
        let class = format!("ln {}", tone.class());
        for row in &self.rows {
            let (low, high) = (place(row, row.low), place(row, row.high));
            let mut stroke = |from, to| layers.clipped.line(&format!("{class} w2"), from, to);
            stroke(low, high);
            for (x, y) in [low, high] {
                if self.upright {
                    stroke((x - 4.0, y), (x + 4.0, y));
                } else {
                    stroke((x, y - 4.0), (x, y + 4.0));
                }
            }
            let point = if self.upright {
                (row.position, row.estimate)
            } else {
                (row.estimate, row.position)
            };
            if plane.shows(point) {
                let out = if self.upright { plane.axes.y } else { plane.axes.x };
                let words = format!(
                    "{} ({} to {})",
                    plane.say(&self.name, point),
                    out.say(row.low),
                    out.say(row.high)
                );
                marker(&mut layers.over, tone, Fill::Solid, plane.at(point), 4.5, &words);
            }
        }
    }
}
