//! A density: a curve over its ground, with parts of it shaded. The parts are cut at their ends by
//! straight interpolation between the points given. Every value must be finite, x in rising order.

use super::{Axes, Draw, Glyph, Key, Layers, Plane, Survey, count};
use crate::error::PlotError;
use crate::palette::Tone;
use crate::svg::Path;

/// A curve with the area under it.
#[derive(Debug, Clone)]
pub struct Area {
    name: String,
    points: Vec<(f64, f64)>,
    shade: Option<(String, Vec<(f64, f64)>)>,
    tone: Option<Tone>,
}

impl Area {
    /// A curve through `(x, y)` in rising order of x.
    pub fn new(name: impl Into<String>, points: Vec<(f64, f64)>) -> Self {
        Self { name: name.into(), points, shade: None, tone: None }
    }

    /// Shades the area over these ranges of x, under one name: tails, or a credible interval.
    /// The ends may be infinite.
    pub fn shade(self, name: impl Into<String>, ranges: Vec<(f64, f64)>) -> Self {
        Self { shade: Some((name.into(), ranges)), ..self }
    }

    /// The colour, instead of the next of the palette.
    pub fn tone(self, tone: Tone) -> Self {
        Self { tone: Some(tone), ..self }
    }

    /// The height of the curve at x, which lies within it.
    fn height(&self, x: f64) -> f64 {
        let after = self.points.partition_point(|(at, _)| *at < x);
        let (Some(right), Some(left)) =
            (self.points.get(after), self.points.get(after.saturating_sub(1)))
        else {
            return self.points.last().map_or(0.0, |(_, y)| *y);
        };
        if right.0 <= left.0 {
            return right.1;
        }
        left.1 + (right.1 - left.1) * ((x - left.0) / (right.0 - left.0))
    }

    /// The outline of the area from `low` to `high`.
    fn outline(&self, low: f64, high: f64, plane: &Plane<'_>) -> Option<String> {
        let (first, last) = (self.points.first()?.0, self.points.last()?.0);
        let (low, high) = (low.max(first), high.min(last));
        if low >= high {
            return None;
        }
        let ground = plane.y.ground();
        let mut path = Path::default();
        path.move_to(plane.at((low, ground)));
        path.line_to(plane.at((low, self.height(low))));
        let within = |point: &&(f64, f64)| point.0 > low && point.0 < high;
        self.points.iter().filter(within).for_each(|point| path.line_to(plane.at(*point)));
        path.line_to(plane.at((high, self.height(high))));
        path.line_to(plane.at((high, ground)));
        path.close();
        Some(path.finish())
    }
}

impl Draw for Area {
    fn tone(&self) -> Option<Tone> {
        self.tone
    }

    fn survey(&self, survey: &mut Survey) -> Result<(), PlotError> {
        let mark = || self.name.clone();
        for (index, &(x, y)) in self.points.iter().enumerate() {
            survey.x.take(&self.name, "x", index, x)?;
            survey.y.take(&self.name, "y", index, y)?;
            if index > 0 && self.points[index - 1].0 > x {
                let low = self.points[index - 1].0;
                return Err(PlotError::Reversed { mark: mark(), index, low, high: x });
            }
        }
        survey.y.ground();
        for (index, &(low, high)) in self.shade.iter().flat_map(|(_, r)| r).enumerate() {
            if low.is_nan() || high.is_nan() {
                let (what, value) = ("end of the shaded range", f64::NAN);
                return Err(PlotError::NotFinite { mark: mark(), what, index, value });
            }
            if low > high {
                return Err(PlotError::Reversed { mark: mark(), index, low, high });
            }
        }
        Ok(())
    }

    fn keys(&self, tone: Tone) -> Vec<Key> {
        let key = |name: &String, glyph| Key { name: name.clone(), tone, glyph };
        let mut keys = Vec::new();
        if !self.name.is_empty() {
            keys.push(key(&self.name, Glyph::Stroke { dashed: false }));
        }
        if let Some((name, _)) = &self.shade {
            keys.push(key(name, Glyph::Swatch { opacity: 0.5 }));
        }
        keys
    }

    fn describe(&self, axes: Axes<'_>) -> String {
        let mut text = format!("{}: curve of {}", self.name, count(self.points.len(), "point"));
        if let Some((x, y)) = self.points.iter().max_by(|a, b| a.1.total_cmp(&b.1)) {
            text.push_str(&format!(", highest {} at {}", axes.y.say(*y), axes.x.say(*x)));
        }
        if let Some((name, _)) = &self.shade {
            text.push_str(&format!("; shaded: {name}"));
        }
        text
    }

    fn draw(&self, plane: &Plane<'_>, tone: Tone, layers: &mut Layers) {
        let whole = vec![(f64::NEG_INFINITY, f64::INFINITY)];
        let parts =
            [Some((&self.name, &whole, "0.10")), self.shade.as_ref().map(|(n, r)| (n, r, "0.5"))];
        for (name, ranges, opacity) in parts.into_iter().flatten() {
            for &(low, high) in ranges {
                let Some(outline) = self.outline(low, high, plane) else { continue };
                layers
                    .clipped
                    .element("path")
                    .set("class", &format!("fl {}", tone.class()))
                    .set("fill-opacity", opacity)
                    .set("d", &outline)
                    .titled(name);
            }
        }
        let mut path = Path::default();
        for (index, point) in self.points.iter().enumerate() {
            let at = plane.at(*point);
            if index == 0 { path.move_to(at) } else { path.line_to(at) }
        }
        layers
            .clipped
            .element("path")
            .set("class", &format!("ln {}", tone.class()))
            .set("stroke-width", "2")
            .set("d", &path.finish())
            .titled(&self.name);
    }
}
