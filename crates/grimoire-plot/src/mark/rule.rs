//! A straight line across the whole plot at one value, with its label: a chance level, a chosen penalty.
//! It stretches the axis so that it is seen.

use super::{Axes, Draw, Key, Layers, Plane, Survey};
use crate::error::PlotError;
use crate::palette::Tone;
use crate::text;

/// A line across the plot at a value of x or y.
#[derive(Debug, Clone)]
pub struct Rule {
    label: String,
    value: f64,
    upright: bool,
    tone: Tone,
    solid: bool,
}

impl Rule {
    /// An upright line at a value of x.
    pub fn x(value: f64, label: impl Into<String>) -> Self {
        Self { label: label.into(), value, upright: true, tone: Tone::Ink, solid: false }
    }

    /// A lying line at a value of y.
    pub fn y(value: f64, label: impl Into<String>) -> Self {
        Self { upright: false, ..Self::x(value, label) }
    }

    /// The colour; that of text by default.
    pub fn tone(self, tone: Tone) -> Self {
        Self { tone, ..self }
    }

    /// Solid, not dashed: an axis through zero.
    pub fn solid(self) -> Self {
        Self { solid: true, ..self }
    }
}

impl Draw for Rule {
    fn tone(&self) -> Option<Tone> {
        Some(self.tone)
    }

    fn survey(&self, survey: &mut Survey) -> Result<(), PlotError> {
        let (reach, what) = if self.upright { (&mut survey.x, "x") } else { (&mut survey.y, "y") };
        reach.take(&self.label, what, 0, self.value)
    }

    fn keys(&self, _tone: Tone) -> Vec<Key> {
        Vec::new()
    }

    fn crosses(&self) -> Option<f64> {
        self.upright.then_some(self.value)
    }

    fn describe(&self, axes: Axes<'_>) -> String {
        let axis = if self.upright { axes.x } else { axes.y };
        if self.label.is_empty() {
            return String::new();
        }
        format!("line at {}: {}", axis.say(self.value), self.label)
    }

    fn draw(&self, plane: &Plane<'_>, tone: Tone, layers: &mut Layers) {
        let scale = if self.upright { &plane.x } else { &plane.y };
        if !scale.shows(self.value) {
            return;
        }
        let (frame, at) = (plane.frame, scale.at(self.value));
        let ends = if self.upright {
            ((at, frame.top), (at, frame.bottom()))
        } else {
            ((frame.left, at), (frame.right(), at))
        };
        let dash = if self.solid { "w1" } else { "w1 ds" };
        layers.clipped.line(&format!("ln {} {dash}", tone.class()), ends.0, ends.1);
        if self.label.is_empty() {
            return;
        }
        let class = format!("ta halo {}", tone.class());
        let needed = text::width(&self.label, 12.0) + 8.0;
        if self.upright {
            let y = frame.top + 12.0 + 15.0 * layers.rule_labels as f64;
            layers.rule_labels += 1;
            let free = |from: f64, to: f64| {
                let crossed = layers.rules.iter().any(|rule| *rule > from && *rule < to);
                from > frame.left && to < frame.right() && !crossed
            };
            // Right of the line where there is room, else left, and rather across another line than out of the frame.
            let left = match (free(at + 1.0, at + needed), free(at - needed, at - 1.0)) {
                (true, _) => false,
                (false, true) => true,
                _ => at + needed >= frame.right(),
            };
            let (anchor, x) = if left { ("end", at - 5.0) } else { ("start", at + 5.0) };
            layers.over.text(&class, anchor, (x, y), &self.label);
        } else {
            let above = at - 5.0 > frame.top + 10.0;
            let y = if above { at - 5.0 } else { at + 14.0 };
            layers.over.text(&class, "end", (frame.right() - 4.0, y), &self.label);
        }
    }
}
