//! Bars and histograms, upright or lying, with an optional shaded subset: the tail of a distribution.
//! Bars stand on zero (on a logarithmic axis, on its lower end). Every value must be finite.

use super::{Axes, Draw, Frame, Glyph, Key, Layers, Plane, Survey, count};
use crate::error::PlotError;
use crate::palette::Tone;

/// Bars at positions, or bins between edges.
#[derive(Debug, Clone)]
pub struct Bars {
    name: String,
    bars: Vec<Bar>,
    shade: Option<(String, Vec<bool>)>,
    tone: Option<Tone>,
    lying: bool,
}

#[derive(Debug, Clone, Copy)]
struct Bar {
    from: f64,
    to: f64,
    value: f64,
}

impl Bars {
    /// Bars of width 0.8 at positions: `(position, value)`.
    pub fn new(name: impl Into<String>, bars: Vec<(f64, f64)>) -> Self {
        let bar = |(at, value)| Bar { from: at - 0.4, to: at + 0.4, value };
        let bars = bars.into_iter().map(bar).collect();
        Self { name: name.into(), bars, shade: None, tone: None, lying: false }
    }

    /// A histogram: bars that touch, `(from, to, value)`.
    pub fn bins(name: impl Into<String>, bins: Vec<(f64, f64, f64)>) -> Self {
        let bars = bins.into_iter().map(|(from, to, value)| Bar { from, to, value }).collect();
        Self { name: name.into(), bars, shade: None, tone: None, lying: false }
    }

    /// The bars for which `shaded` is true take the colour and this name, the rest turn grey.
    pub fn shade(self, name: impl Into<String>, shaded: Vec<bool>) -> Self {
        Self { shade: Some((name.into(), shaded)), ..self }
    }

    /// Positions along y, values along x.
    pub fn lying(self) -> Self {
        Self { lying: true, ..self }
    }

    /// The width of the bars around their middle, in units of the axis.
    pub fn width(mut self, width: f64) -> Self {
        for bar in &mut self.bars {
            let middle = f64::midpoint(bar.from, bar.to);
            (bar.from, bar.to) = (middle - width / 2.0, middle + width / 2.0);
        }
        self
    }

    /// The colour, instead of the next of the palette.
    pub fn tone(self, tone: Tone) -> Self {
        Self { tone: Some(tone), ..self }
    }

    fn shaded(&self, index: usize) -> Option<bool> {
        self.shade.as_ref().map(|(_, shaded)| shaded[index])
    }

    fn rectangle(&self, bar: Bar, plane: &Plane<'_>) -> Frame {
        let (along, up) = if self.lying { (&plane.y, &plane.x) } else { (&plane.x, &plane.y) };
        let (mut a, mut b) = (along.at(bar.from), along.at(bar.to));
        if a > b {
            (a, b) = (b, a);
        }
        // A hairline between neighbours, unless they are too slim for one.
        if b - a > 4.0 {
            (a, b) = (a + 0.5, b - 0.5);
        }
        let (ground, end) = (up.at(up.ground()), up.at(bar.value));
        let (c, d) = (ground.min(end), ground.max(end).max(ground.min(end) + 0.6));
        if self.lying {
            Frame { left: c, top: a, width: d - c, height: b - a }
        } else {
            Frame { left: a, top: c, width: b - a, height: d - c }
        }
    }
}

impl Draw for Bars {
    fn tone(&self) -> Option<Tone> {
        self.tone
    }

    fn survey(&self, survey: &mut Survey) -> Result<(), PlotError> {
        if let Some((_, shaded)) = &self.shade
            && shaded.len() != self.bars.len()
        {
            let (mark, expected, found) = (self.name.clone(), self.bars.len(), shaded.len());
            return Err(PlotError::Lengths { mark, what: "shades", expected, found });
        }
        let Survey { x, y } = survey;
        let (along, up) = if self.lying { (y, x) } else { (x, y) };
        for (index, bar) in self.bars.iter().enumerate() {
            along.take(&self.name, "position", index, bar.from)?;
            along.take(&self.name, "position", index, bar.to)?;
            if bar.from > bar.to {
                let (low, high) = (bar.from, bar.to);
                return Err(PlotError::Reversed { mark: self.name.clone(), index, low, high });
            }
            // On a logarithmic axis nothing is a bar of no length.
            if !(up.is_log() && bar.value == 0.0) {
                up.take(&self.name, "value", index, bar.value)?;
            }
        }
        up.ground();
        Ok(())
    }

    fn keys(&self, tone: Tone) -> Vec<Key> {
        let key = |name: &str, tone, opacity| Key {
            name: name.to_owned(),
            tone,
            glyph: Glyph::Swatch { opacity },
        };
        let mut keys = Vec::new();
        let rest = if self.shade.is_some() { (Tone::Muted, 0.38) } else { (tone, 0.85) };
        if !self.name.is_empty() && !self.bars.is_empty() {
            keys.push(key(&self.name, rest.0, rest.1));
        }
        if let Some((name, _)) = &self.shade {
            keys.push(key(name, tone, 0.85));
        }
        keys
    }

    fn describe(&self, axes: Axes<'_>) -> String {
        let (along, up) = if self.lying { (axes.y, axes.x) } else { (axes.x, axes.y) };
        let tallest = self.bars.iter().max_by(|a, b| a.value.total_cmp(&b.value));
        let mut text = format!("{}: {}", self.name, count(self.bars.len(), "bar"));
        if let Some(bar) = tallest {
            let middle = along.say(f64::midpoint(bar.from, bar.to));
            text.push_str(&format!(", highest {} at {middle}", up.say(bar.value)));
        }
        if let Some((name, shaded)) = &self.shade {
            text.push_str(&format!("; shaded {}: {name}", shaded.iter().filter(|s| **s).count()));
        }
        text
    }

    fn draw(&self, plane: &Plane<'_>, tone: Tone, layers: &mut Layers) {
        for (index, bar) in self.bars.iter().enumerate() {
            let shaded = self.shaded(index);
            let (tone, opacity) =
                if shaded == Some(false) { (Tone::Muted, "0.38") } else { (tone, "0.85") };
            let Frame { left, top, width, height } = self.rectangle(*bar, plane);
            let middle = f64::midpoint(bar.from, bar.to);
            let point = if self.lying { (bar.value, middle) } else { (middle, bar.value) };
            let name = match (&self.shade, shaded) {
                (Some((name, _)), Some(true)) => name,
                _ => &self.name,
            };
            layers
                .clipped
                .element("rect")
                .set("class", &format!("fl bar {}", tone.class()))
                .set("fill-opacity", opacity)
                .at("x", left)
                .at("y", top)
                .at("width", width)
                .at("height", height)
                .titled(&plane.say(name, point));
        }
    }
}
