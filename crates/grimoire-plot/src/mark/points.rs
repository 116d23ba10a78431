//! Separate points: scatter plots, fixed points of a flow. The shape goes with the colour, the fill says
//! what kind of point it is. Every coordinate must be finite.

use super::{Axes, Draw, Glyph, Key, Layers, Plane, Survey, count};
use crate::error::PlotError;
use crate::palette::Tone;
use crate::svg::{Path, Svg};

/// The inside of a marker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fill {
    /// Full: the usual point; a stable state.
    Solid,
    /// A ring: an unstable state.
    Open,
    /// Lower half full: a saddle.
    Half,
}

/// Points without a line.
#[derive(Debug, Clone)]
pub struct Points {
    name: String,
    points: Vec<(f64, f64)>,
    labels: Vec<String>,
    tone: Option<Tone>,
    fill: Fill,
    radius: f64,
}

impl Points {
    /// Points at `(x, y)`.
    pub fn new(name: impl Into<String>, points: Vec<(f64, f64)>) -> Self {
        let labels = Vec::new();
        Self { name: name.into(), points, labels, tone: None, fill: Fill::Solid, radius: 4.0 }
    }

    /// A text beside every point (an empty one for none).
    pub fn labels<S: Into<String>>(self, labels: impl IntoIterator<Item = S>) -> Self {
        Self { labels: labels.into_iter().map(Into::into).collect(), ..self }
    }

    /// The inside of the markers.
    pub fn fill(self, fill: Fill) -> Self {
        Self { fill, ..self }
    }

    /// Radius of the markers in pixels, 4 by default, kept within 1 and 20.
    pub fn radius(self, pixels: f64) -> Self {
        Self { radius: pixels.clamp(1.0, 20.0), ..self }
    }

    /// The colour, instead of the next of the palette.
    pub fn tone(self, tone: Tone) -> Self {
        Self { tone: Some(tone), ..self }
    }
}

/// One marker: circle, square, triangle, diamond, downward triangle or hexagon, by series.
pub(crate) fn marker(
    svg: &mut Svg,
    tone: Tone,
    fill: Fill,
    (x, y): (f64, f64),
    radius: f64,
    title: &str,
) {
    let shape = match tone.variant() % 6 {
        0 => circle(x, y, radius, false),
        1 => polygon(x, y, radius * 1.2, 4, std::f64::consts::FRAC_PI_4),
        2 => polygon(x, y, radius * 1.35, 3, -std::f64::consts::FRAC_PI_2),
        3 => polygon(x, y, radius * 1.3, 4, 0.0),
        4 => polygon(x, y, radius * 1.35, 3, std::f64::consts::FRAC_PI_2),
        _ => polygon(x, y, radius * 1.15, 6, 0.0),
    };
    let class = if fill == Fill::Solid { "fl halo" } else { "open" };
    let class = format!("{class} {}", tone.class());
    let body = svg.element("path").set("class", &class);
    let body = if fill == Fill::Solid { body } else { body.set("stroke-width", "1.8") };
    body.set("d", &shape).titled(title);
    if fill == Fill::Half {
        let class = format!("fl {}", tone.class());
        svg.element("path")
            .set("class", &class)
            .set("d", &circle(x, y, radius, true))
            .titled(title);
    }
}

/// A circle, or its lower half, as a path of two arcs.
fn circle(x: f64, y: f64, radius: f64, half: bool) -> String {
    let c = crate::number::coordinate;
    let (left, right, r) = (c(x - radius), c(x + radius), c(radius));
    let top = c(y);
    let lower = format!("M{right} {top}A{r} {r} 0 0 1 {left} {top}");
    if half { lower + "Z" } else { format!("{lower}A{r} {r} 0 0 1 {right} {top}Z") }
}

fn polygon(x: f64, y: f64, radius: f64, corners: u32, turn: f64) -> String {
    let mut path = Path::default();
    for corner in 0..corners {
        let angle = turn + std::f64::consts::TAU * f64::from(corner) / f64::from(corners);
        let at = (x + radius * angle.cos(), y + radius * angle.sin());
        if corner == 0 { path.move_to(at) } else { path.line_to(at) }
    }
    path.close();
    path.finish()
}

impl Draw for Points {
    fn tone(&self) -> Option<Tone> {
        self.tone
    }

    fn survey(&self, survey: &mut Survey) -> Result<(), PlotError> {
        let (expected, found) = (self.points.len(), self.labels.len());
        if found != 0 && found != expected {
            let mark = self.name.clone();
            return Err(PlotError::Lengths { mark, what: "labels", expected, found });
        }
        for (index, &(x, y)) in self.points.iter().enumerate() {
            survey.x.take(&self.name, "x", index, x)?;
            survey.y.take(&self.name, "y", index, y)?;
        }
        Ok(())
    }

    fn keys(&self, tone: Tone) -> Vec<Key> {
        if self.name.is_empty() {
            return Vec::new();
        }
        vec![Key { name: self.name.clone(), tone, glyph: Glyph::Marker(self.fill) }]
    }

    fn describe(&self, _axes: Axes<'_>) -> String {
        format!("{}: {}", self.name, count(self.points.len(), "point"))
    }

    fn draw(&self, plane: &Plane<'_>, tone: Tone, layers: &mut Layers) {
        for (index, &point) in self.points.iter().enumerate() {
            if !plane.shows(point) {
                continue;
            }
            let at = plane.at(point);
            let label = self.labels.get(index).map_or("", String::as_str);
            let name = if label.is_empty() { self.name.as_str() } else { label };
            marker(&mut layers.over, tone, self.fill, at, self.radius, &plane.say(name, point));
            if !label.is_empty() {
                let right = at.0 < plane.frame.left + plane.frame.width * 0.75;
                let (anchor, shift) = if right { ("start", 1.0) } else { ("end", -1.0) };
                let place = (at.0 + shift * (self.radius + 4.0), at.1 - self.radius);
                let class = format!("ta halo {}", tone.class());
                layers.over.text(&class, anchor, place, label);
            }
        }
    }
}
