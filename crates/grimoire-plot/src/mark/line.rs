//! A series of points joined by a line: curves, steps, paths, trajectories, each with an optional band.
//! A NaN in y (or in the band) is a gap; anything else that is not finite is refused.

use super::points::marker;
use super::{Axes, Beside, Draw, Fill, Glyph, Key, Layers, Plane, Survey, count};
use crate::error::PlotError;
use crate::palette::Tone;
use crate::svg::Path;

/// How many points of one line answer to the pointer.
const HOVERS: usize = 120;

/// A line through points in the order given.
///
/// Lines with many points per pixel column are drawn by the first, lowest, highest and last point of
/// each column, which leaves the same picture.
#[derive(Debug, Clone)]
pub struct Line {
    name: String,
    points: Vec<(f64, f64)>,
    band: Option<(String, Vec<(f64, f64)>)>,
    tone: Option<Tone>,
    markers: bool,
    step: bool,
    dashed: bool,
    thin: bool,
    end_label: bool,
    arrows: bool,
}

impl Line {
    /// A line through `(x, y)`; a NaN in y is a gap.
    pub fn new(name: impl Into<String>, points: Vec<(f64, f64)>) -> Self {
        Self {
            name: name.into(),
            points,
            band: None,
            tone: None,
            markers: false,
            step: false,
            dashed: false,
            thin: false,
            end_label: false,
            arrows: false,
        }
    }

    /// A shaded band `(low, high)` around each point, with its name for the legend.
    pub fn band(self, name: impl Into<String>, low_high: Vec<(f64, f64)>) -> Self {
        Self { band: Some((name.into(), low_high)), ..self }
    }

    /// A marker at every point.
    pub fn markers(self) -> Self {
        Self { markers: true, ..self }
    }

    /// Each value holds until the next x: cumulative distributions, schedules.
    pub fn step(self) -> Self {
        Self { step: true, ..self }
    }

    /// Dashed, whatever the series.
    pub fn dashed(self) -> Self {
        Self { dashed: true, ..self }
    }

    /// Drawn thin: one of many, or context.
    pub fn thin(self) -> Self {
        Self { thin: true, ..self }
    }

    /// The name stands at the end of the line, not in the legend. When there are more such names than
    /// room, those of the lines added first stay.
    pub fn end_label(self) -> Self {
        Self { end_label: true, ..self }
    }

    /// Arrow heads along the line: a trajectory in time.
    pub fn arrows(self) -> Self {
        Self { arrows: true, ..self }
    }

    /// The colour, instead of the next of the palette.
    pub fn tone(self, tone: Tone) -> Self {
        Self { tone: Some(tone), ..self }
    }

    fn last(&self) -> Option<(f64, f64)> {
        self.points.iter().rev().copied().find(|(_, y)| !y.is_nan())
    }

    fn draw_band(&self, plane: &Plane<'_>, tone: Tone, layers: &mut Layers) {
        let Some((name, band)) = &self.band else { return };
        let low = self.points.iter().zip(band).map(|((x, _), (low, _))| (*x, *low)).collect();
        let high = self.points.iter().zip(band).map(|((x, _), (_, high))| (*x, *high)).collect();
        for (low, high) in self.runs(low, plane).into_iter().zip(self.runs(high, plane)) {
            let mut path = Path::default();
            path.move_to(high[0]);
            high[1..].iter().for_each(|at| path.line_to(*at));
            low.iter().rev().for_each(|at| path.line_to(*at));
            path.close();
            layers
                .clipped
                .element("path")
                .set("class", &format!("fl {}", tone.class()))
                .set("fill-opacity", "0.16")
                .set("d", &path.finish())
                .titled(name);
        }
    }

    /// The pieces between gaps, in pixels, stepped and thinned.
    fn runs(&self, points: Vec<(f64, f64)>, plane: &Plane<'_>) -> Vec<Vec<(f64, f64)>> {
        let mut runs: Vec<Vec<(f64, f64)>> = Vec::new();
        let mut open = false;
        for (x, y) in points {
            if y.is_nan() {
                open = false;
                continue;
            }
            let at = plane.at((x, y));
            match runs.last_mut() {
                Some(run) if open => {
                    if self.step {
                        let before = run[run.len() - 1].1;
                        run.push((at.0, before));
                    }
                    run.push(at);
                }
                _ => runs.push(vec![at]),
            }
            open = true;
        }
        runs.into_iter().map(|run| thinned(run, plane.frame.width)).collect()
    }

    fn draw_arrows(&self, run: &[(f64, f64)], tone: Tone, layers: &mut Layers) {
        let mut since = 55.0;
        for pair in run.windows(2) {
            let (dx, dy) = (pair[1].0 - pair[0].0, pair[1].1 - pair[0].1);
            let length = dx.hypot(dy);
            since += length;
            if since >= 90.0 && length > 1e-3 {
                since = 0.0;
                arrow_head(layers, tone, pair[1], (dx / length, dy / length), 5.0);
            }
        }
    }
}

/// A filled arrow head with its tip at `tip`.
pub(crate) fn arrow_head(
    layers: &mut Layers,
    tone: Tone,
    tip: (f64, f64),
    (ux, uy): (f64, f64),
    size: f64,
) {
    let mut path = Path::default();
    path.move_to((tip.0 + ux * size * 0.6, tip.1 + uy * size * 0.6));
    for side in [1.0, -1.0] {
        path.line_to((
            tip.0 - ux * size + side * uy * size * 0.75,
            tip.1 - uy * size - side * ux * size * 0.75,
        ));
    }
    path.close();
    layers
        .clipped
        .element("path")
        .set("class", &format!("fl {}", tone.class()))
        .set("d", &path.finish())
        .empty();
}

/// First, lowest, highest and last point of every run of points in one pixel column.
fn thinned(run: Vec<(f64, f64)>, width: f64) -> Vec<(f64, f64)> {
    if (run.len() as f64) < 4.0 * width {
        return run;
    }
    let mut out = Vec::new();
    let mut from = 0;
    for to in 1..=run.len() {
        if to < run.len() && run[to].0.floor() == run[from].0.floor() {
            continue;
        }
        let column = &run[from..to];
        let by = |a: &usize, b: &usize| column[*a].1.total_cmp(&column[*b].1);
        let low = (0..column.len()).min_by(by).unwrap_or(0);
        let high = (0..column.len()).max_by(by).unwrap_or(0);
        let mut kept = [0, low.min(high), low.max(high), column.len() - 1].to_vec();
        kept.dedup();
        out.extend(kept.into_iter().map(|index| column[index]));
        from = to;
    }
    out
}

impl Draw for Line {
    fn tone(&self) -> Option<Tone> {
        self.tone
    }

    fn survey(&self, survey: &mut Survey) -> Result<(), PlotError> {
        let name = &self.name;
        for (index, &(x, y)) in self.points.iter().enumerate() {
            survey.x.take(name, "x", index, x)?;
            if !y.is_nan() {
                survey.y.take(name, "y", index, y)?;
            }
        }
        let Some((_, band)) = &self.band else { return Ok(()) };
        if band.len() != self.points.len() {
            let (expected, found) = (self.points.len(), band.len());
            return Err(PlotError::Lengths {
                mark: name.clone(),
                what: "band ends",
                expected,
                found,
            });
        }
        for (index, &(low, high)) in band.iter().enumerate() {
            if low.is_nan() && high.is_nan() {
                continue;
            }
            survey.y.take(name, "low end of the band", index, low)?;
            survey.y.take(name, "high end of the band", index, high)?;
            if low > high {
                return Err(PlotError::Reversed { mark: name.clone(), index, low, high });
            }
        }
        Ok(())
    }

    fn keys(&self, tone: Tone) -> Vec<Key> {
        let mut keys = Vec::new();
        if !self.end_label && !self.name.is_empty() {
            let dashed = self.dashed || !tone.dash().is_empty();
            let glyph =
                if self.markers { Glyph::Marker(Fill::Solid) } else { Glyph::Stroke { dashed } };
            keys.push(Key { name: self.name.clone(), tone, glyph });
        }
        if let Some((name, _)) = self.band.as_ref().filter(|(name, _)| !name.is_empty()) {
            keys.push(Key { name: name.clone(), tone, glyph: Glyph::Swatch { opacity: 0.16 } });
        }
        keys
    }

    fn beside(&self, _axes: Axes<'_>, tone: Tone) -> Vec<Beside> {
        let end = self.last().filter(|_| self.end_label);
        end.map(|(_, y)| Beside { y, text: self.name.clone(), tone }).into_iter().collect()
    }

    fn describe(&self, axes: Axes<'_>) -> String {
        let finite = || self.points.iter().filter(|(_, y)| !y.is_nan());
        let mut text = format!("{}: line of {}", self.name, count(finite().count(), "point"));
        if let (Some(first), Some(last)) = (finite().next(), finite().next_back()) {
            let (from, to) = (axes.y.say(first.1), axes.y.say(last.1));
            text.push_str(&format!(", from {from} to {to}"));
        }
        text
    }

    fn draw(&self, plane: &Plane<'_>, tone: Tone, layers: &mut Layers) {
        self.draw_band(plane, tone, layers);
        let dash = if self.dashed { "6 3" } else { tone.dash() };
        for run in self.runs(self.points.clone(), plane) {
            let mut path = Path::default();
            path.move_to(run[0]);
            run[1..].iter().for_each(|at| path.line_to(*at));
            let mut line = layers
                .clipped
                .element("path")
                .set("class", &format!("ln {}", tone.class()))
                .set("stroke-width", if self.thin { "1.1" } else { "2" });
            if self.thin && tone == Tone::Muted {
                line = line.set("stroke-opacity", "0.6");
            }
            if !dash.is_empty() {
                line = line.set("stroke-dasharray", dash);
            }
            line.set("d", &path.finish()).titled(&self.name);
            if self.arrows {
                self.draw_arrows(&run, tone, layers);
            }
        }
        let stride = if self.markers { 1 } else { self.points.len().div_ceil(HOVERS).max(1) };
        for (index, &point) in self.points.iter().enumerate().step_by(stride) {
            if point.1.is_nan() || !plane.shows(point) {
                continue;
            }
            let mut words = plane.say(&self.name, point);
            if let Some((low, high)) = self.band.as_ref().and_then(|(_, band)| band.get(index)) {
                let (low, high) = (plane.axes.y.say(*low), plane.axes.y.say(*high));
                words.push_str(&format!(" ({low} to {high})"));
            }
            let at = plane.at(point);
            if self.markers {
                marker(&mut layers.over, tone, Fill::Solid, at, 4.0, &words);
            } else {
                let class = format!("hit {}", tone.class());
                let hit = layers.over.element("circle").set("class", &class);
                hit.at("cx", at.0).at("cy", at.1).at("r", 4.5).titled(&words);
            }
        }
    }
}
