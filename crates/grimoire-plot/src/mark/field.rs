//! A vector field: arrows that show where a flow goes, on a plane or (through
//! [`crate::simplex_point`]) on the triangle of shares. Only on linear axes.

use super::line::arrow_head;
use super::{Axes, Draw, Glyph, Key, Layers, Plane, Survey, count};
use crate::error::PlotError;
use crate::palette::Tone;

/// An arrow at a point, in the units of the axes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Arrow {
    /// Where it starts.
    pub at: (f64, f64),
    /// Speed along x and y.
    pub by: (f64, f64),
}

/// Arrows of a flow; their direction is exact, their length grows with the square root of the speed.
#[derive(Debug, Clone)]
pub struct Field {
    name: String,
    arrows: Vec<Arrow>,
    tone: Option<Tone>,
    longest: f64,
}

impl Field {
    /// A field of arrows.
    pub fn new(name: impl Into<String>, arrows: Vec<Arrow>) -> Self {
        Self { name: name.into(), arrows, tone: Some(Tone::Muted), longest: 20.0 }
    }

    /// The length of the longest arrow in pixels, 20 by default, kept within 4 and 100.
    pub fn longest(self, pixels: f64) -> Self {
        Self { longest: pixels.clamp(4.0, 100.0), ..self }
    }

    /// The colour; grey by default.
    pub fn tone(self, tone: Tone) -> Self {
        Self { tone: Some(tone), ..self }
    }
}

impl Draw for Field {
    fn tone(&self) -> Option<Tone> {
        self.tone
    }

    fn survey(&self, survey: &mut Survey) -> Result<(), PlotError> {
        if survey.x.is_log() || survey.y.is_log() {
            return Err(PlotError::NeedsLinear { mark: self.name.clone() });
        }
        for (index, Arrow { at, by }) in self.arrows.iter().enumerate() {
            survey.x.take(&self.name, "x", index, at.0)?;
            survey.y.take(&self.name, "y", index, at.1)?;
            for value in [by.0, by.1] {
                if !value.is_finite() || value.abs() > 1e150 {
                    let (mark, what) = (self.name.clone(), "speed");
                    return Err(PlotError::NotFinite { mark, what, index, value });
                }
            }
        }
        Ok(())
    }

    fn keys(&self, tone: Tone) -> Vec<Key> {
        if self.name.is_empty() {
            return Vec::new();
        }
        vec![Key { name: self.name.clone(), tone, glyph: Glyph::Stroke { dashed: false } }]
    }

    fn describe(&self, _axes: Axes<'_>) -> String {
        format!("{}: {}", self.name, count(self.arrows.len(), "arrow"))
    }

    fn draw(&self, plane: &Plane<'_>, tone: Tone, layers: &mut Layers) {
        let pixels =
            |by: (f64, f64)| -> (f64, f64) { (by.0 * plane.x.unit(), by.1 * plane.y.unit()) };
        let speed = |arrow: &Arrow| pixels(arrow.by).0.hypot(pixels(arrow.by).1);
        let fastest = self.arrows.iter().map(speed).fold(0.0, f64::max);
        if fastest == 0.0 {
            return;
        }
        for arrow in &self.arrows {
            let (dx, dy) = pixels(arrow.by);
            let length = dx.hypot(dy);
            if length < fastest * 1e-6 {
                continue;
            }
            let (ux, uy) = (dx / length, dy / length);
            let drawn = (length / fastest).sqrt() * self.longest;
            let from = plane.at(arrow.at);
            let tip = (from.0 + ux * drawn, from.1 + uy * drawn);
            layers.clipped.line(&format!("ln {} w1", tone.class()), from, tip);
            arrow_head(layers, tone, tip, (ux, uy), 2.2 + drawn * 0.06);
        }
    }
}
