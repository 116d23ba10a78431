//! Where everything goes: heads, legend, axes, labels at line ends. Widths are estimated (`text`), so
//! gaps are generous. One pass, no iteration, hence the same bytes every time.

use crate::axis::Tick;
use crate::error::PlotError;
use crate::figure::{Figure, Ground, Size};
use crate::mark::points::marker;
use crate::mark::{Axes, Beside, Draw, Frame, Glyph, Key, Layers, Plane, Scale};
use crate::palette::Tone;
use crate::simplex;
use crate::svg::{Path, Svg};
use crate::text;

type Toned<'a> = (&'a (dyn Draw + Send + Sync), Tone);

const PAD: f64 = 16.0;
const TITLE: (f64, f64) = (17.0, 23.0);
const SUBTITLE: (f64, f64) = (13.0, 18.0);
const FOOT: (f64, f64) = (11.0, 15.0);
const KEY_LINE: f64 = 20.0;
const LABEL: f64 = 12.0;
/// Below this width the names of rows stand above their rows, not left of them.
const STACKED_BELOW: f64 = 480.0;

/// The texts around the plot, broken into lines.
struct Heads {
    title: Vec<String>,
    subtitle: Vec<String>,
    footnote: Vec<String>,
    legend: Vec<Vec<Key>>,
}

impl Heads {
    fn new(figure: &Figure, marks: &[Toned<'_>], room: f64) -> Self {
        Self {
            title: text::wrap(&figure.title, TITLE.0 * 1.1, room),
            subtitle: text::wrap(&figure.subtitle, SUBTITLE.0, room),
            footnote: text::wrap(&figure.footnote, FOOT.0, room),
            legend: legend(marks, room),
        }
    }

    /// What stands above the plot, with the label of y.
    fn above(&self, figure: &Figure) -> f64 {
        let labelled = !figure.has_axes() || !figure.y.label.is_empty();
        PAD + TITLE.1 * self.title.len() as f64
            + SUBTITLE.1 * self.subtitle.len() as f64
            + legend_height(&self.legend)
            + if labelled { 25.0 } else { 12.0 }
    }

    /// What stands below it: ticks, label of x, footnote.
    fn below(&self, figure: &Figure, slant: f64) -> f64 {
        let ticks = if figure.has_axes() { 22.0 + slant } else { 24.0 };
        let label = if figure.has_axes() && !figure.x.label.is_empty() { 18.0 } else { 0.0 };
        ticks + label + self.notes() + PAD * 0.75
    }

    /// The height of the footnote with the gap above it.
    fn notes(&self) -> f64 {
        let gap = if self.footnote.is_empty() { 0.0 } else { 6.0 };
        gap + FOOT.1 * self.footnote.len() as f64
    }
}

/// The places of one figure at one size.
pub(crate) struct Layout {
    pub(crate) width: f64,
    pub(crate) height: f64,
    frame: Frame,
    domains: ((f64, f64), (f64, f64)),
    heads: Heads,
    x_ticks: Vec<Tick>,
    y_ticks: Vec<Tick>,
    slanted: bool,
    beside_room: f64,
}

impl Layout {
    pub(crate) fn new(
        figure: &Figure,
        marks: &[Toned<'_>],
        domains: ((f64, f64), (f64, f64)),
        size: Size,
    ) -> Result<Self, PlotError> {
        let refused = || {
            let (figure, width) = (figure.title.clone(), size.width);
            PlotError::Size { figure, width, height: size.height.unwrap_or(0) }
        };
        let bounds = 240..=8000;
        if !bounds.contains(&size.width) || size.height.is_some_and(|h| !bounds.contains(&h)) {
            return Err(refused());
        }
        let width = f64::from(size.width);
        let heads = Heads::new(figure, marks, width - 2.0 * PAD);
        let top = heads.above(figure);
        let asked = size.height.map(|height| f64::from(height) - top - heads.below(figure, 0.0));
        let mut plot_height = asked.unwrap_or_else(|| default_height(figure, width));
        let y_ticks = figure.y.ticks(domains.1, ((plot_height / 44.0) as usize).clamp(2, 10));
        // Left of the plot stand the tick labels of y, unless the names of rows stand above them.
        let stacked = !figure.y.categories.is_empty() && width < STACKED_BELOW;
        let labels = widest(&y_ticks).min(width * 0.36) + 8.0;
        let left = PAD + if figure.has_axes() && !stacked { labels } else { 0.0 };
        let beside_room = beside_room(figure, marks, width);
        let right = PAD + if beside_room > 0.0 { beside_room + 12.0 } else { 0.0 };
        let plot_width = width - left - right;
        let x_ticks = x_ticks(figure, domains.0, plot_width);
        let slanted = !figure.x.categories.is_empty()
            && widest(&x_ticks) + 8.0 > plot_width / x_ticks.len().max(1) as f64;
        let slant = if slanted { widest(&x_ticks).min(120.0) * 0.64 } else { 0.0 };
        if asked.is_some() {
            plot_height -= slant;
        }
        if plot_height < 60.0 {
            return Err(refused());
        }
        let height = (top + plot_height + heads.below(figure, slant)).ceil();
        let frame = Frame { left, top, width: plot_width, height: plot_height };
        let frame = fitted(figure, frame, domains);
        Ok(Self { width, height, frame, domains, heads, x_ticks, y_ticks, slanted, beside_room })
    }

    pub(crate) fn draw(&self, figure: &Figure, marks: &[Toned<'_>], svg: &mut Svg) {
        svg.element("rect")
            .set("class", "pp")
            .at("width", self.width)
            .at("height", self.height)
            .set("rx", "6")
            .empty();
        self.draw_heads(svg);
        let frame = self.frame;
        let down_first = !figure.y.categories.is_empty();
        let vertical =
            if down_first { (frame.top, frame.bottom()) } else { (frame.bottom(), frame.top) };
        let plane = Plane {
            x: Scale::new(&figure.x, self.domains.0, (frame.left, frame.right())),
            y: Scale::new(&figure.y, self.domains.1, vertical),
            frame,
            axes: Axes { x: &figure.x, y: &figure.y },
        };
        match &figure.ground {
            Ground::Simplex(corners) => draw_triangle(&plane, corners, svg),
            _ => self.draw_axes(figure, &plane, svg),
        }
        let crossed = marks.iter().filter_map(|(mark, _)| mark.crosses());
        let rules = crossed.filter(|x| plane.x.shows(*x)).map(|x| plane.x.at(x)).collect();
        let mut layers = Layers { rules, ..Layers::default() };
        for (mark, tone) in marks {
            mark.draw(&plane, *tone, &mut layers);
        }
        // A nested viewport cuts off what leaves the frame, without the `id` that a clip path needs.
        let spill = if matches!(figure.ground, Ground::Axes) { 1.0 } else { 14.0 };
        let (left, top) = (frame.left - spill, frame.top - spill);
        let (width, height) = (frame.width + 2.0 * spill, frame.height + 2.0 * spill);
        let c = crate::number::coordinate;
        svg.element("svg")
            .at("x", left)
            .at("y", top)
            .at("width", width)
            .at("height", height)
            .set("viewBox", &format!("{} {} {} {}", c(left), c(top), c(width), c(height)))
            .open();
        svg.append(&layers.clipped);
        svg.close("svg");
        svg.append(&layers.over);
        self.draw_beside(&plane, marks, svg);
    }

    fn draw_heads(&self, svg: &mut Svg) {
        let mut y = PAD;
        for line in &self.heads.title {
            y += TITLE.1;
            svg.text("tt", "start", (PAD, y - 6.0), line);
        }
        for line in &self.heads.subtitle {
            y += SUBTITLE.1;
            svg.text("ts km", "start", (PAD, y - 4.0), line);
        }
        if !self.heads.legend.is_empty() {
            y += 4.0;
        }
        for line in &self.heads.legend {
            y += KEY_LINE;
            let mut x = PAD;
            for key in line {
                draw_key(svg, key, (x, y - 8.0));
                svg.text("ta", "start", (x + 24.0, y - 4.0), &key.name);
                x += key_width(key);
            }
        }
        let mut y = self.height - PAD * 0.75 - FOOT.1 * self.heads.footnote.len() as f64;
        for line in &self.heads.footnote {
            y += FOOT.1;
            svg.text("tf km", "start", (PAD, y - 3.0), line);
        }
    }

    fn draw_axes(&self, figure: &Figure, plane: &Plane<'_>, svg: &mut Svg) {
        let frame = self.frame;
        if !figure.y.label.is_empty() {
            svg.text("ta km", "start", (PAD, frame.top - 9.0), &figure.y.label);
        }
        let rows = !figure.y.categories.is_empty();
        for tick in &self.y_ticks {
            let y = plane.y.at(tick.value);
            if !rows && !tick.text.is_empty() {
                svg.line("gr", (frame.left, y), (frame.right(), y));
            }
            if rows && self.width < STACKED_BELOW {
                let label = text::shorten(&tick.text, LABEL, self.width - 2.0 * PAD);
                svg.text("ta halo ki", "start", (PAD, y - 11.0), &label);
                continue;
            }
            let label = text::shorten(&tick.text, LABEL, self.width * 0.36);
            let class = if rows { "ta" } else { "ta km" };
            if !label.is_empty() {
                svg.text(class, "end", (frame.left - 8.0, y + 4.0), &label);
            }
        }
        self.draw_x_ticks(plane, rows, svg);
        svg.line("ln km w1", (frame.left, frame.bottom()), (frame.right(), frame.bottom()));
        if !figure.x.label.is_empty() {
            let y = self.height - PAD * 0.75 - self.heads.notes() - 4.0;
            let middle = frame.left + frame.width / 2.0;
            svg.text("ta km", "middle", (middle, y), &figure.x.label);
        }
    }

    fn draw_x_ticks(&self, plane: &Plane<'_>, rows: bool, svg: &mut Svg) {
        let bottom = self.frame.bottom();
        let mut taken = f64::NEG_INFINITY;
        let mut ticks: Vec<(f64, &str)> =
            self.x_ticks.iter().map(|t| (plane.x.at(t.value), t.text.as_str())).collect();
        ticks.sort_by(|a, b| a.0.total_cmp(&b.0));
        for (x, label) in ticks {
            if rows && !label.is_empty() {
                svg.line("gr", (x, self.frame.top), (x, bottom));
            }
            let length = if label.is_empty() { 3.0 } else { 5.0 };
            svg.line("ln km w1", (x, bottom), (x, bottom + length));
            if self.slanted {
                let short = text::shorten(label, LABEL, 120.0);
                svg.element("text")
                    .set("class", "ta km")
                    .set("text-anchor", "end")
                    .set(
                        "transform",
                        &format!(
                            "translate({} {}) rotate(-40)",
                            crate::number::coordinate(x + 4.0),
                            crate::number::coordinate(bottom + 14.0)
                        ),
                    )
                    .text(&short);
                continue;
            }
            let half = text::width(label, LABEL) / 2.0;
            let on_page = x - half >= 0.0 && x + half <= self.width;
            if !label.is_empty() && x - half > taken && on_page {
                taken = x + half + 6.0;
                svg.text("ta km", "middle", (x, bottom + 18.0), label);
            }
        }
    }

    /// Texts right of the plot, pushed apart until none overlap, joined to their lines.
    fn draw_beside(&self, plane: &Plane<'_>, marks: &[Toned<'_>], svg: &mut Svg) {
        const GAP: f64 = 14.0;
        let texts = marks.iter().flat_map(|(mark, tone)| mark.beside(plane.axes, *tone));
        let frame = self.frame;
        let most = (frame.height / GAP).max(1.0) as usize;
        let mut placed: Vec<(f64, f64, Beside)> = texts
            .filter(|beside| plane.y.shows(beside.y))
            .take(most)
            .map(|beside| (plane.y.at(beside.y), plane.y.at(beside.y), beside))
            .collect();
        placed.sort_by(|a, b| a.0.total_cmp(&b.0));
        // Down from the top, then up from the bottom: neighbours end at least GAP apart.
        for index in 1..placed.len() {
            placed[index].1 = placed[index].1.max(placed[index - 1].1 + GAP);
        }
        let mut ceiling = frame.bottom() + 4.0;
        for place in placed.iter_mut().rev() {
            place.1 = place.1.min(ceiling);
            ceiling = place.1 - GAP;
        }
        for (from, to, beside) in &placed {
            let right = frame.right();
            if (from - to).abs() > 3.0 {
                let class = format!("ln {} hair", beside.tone.class());
                svg.line(&class, (right + 1.0, *from), (right + 9.0, *to));
            }
            let label = text::shorten(&beside.text, LABEL, self.beside_room + 2.0);
            let class = format!("ta {}", beside.tone.class());
            svg.text(&class, "start", (right + 12.0, to + 4.0), &label);
        }
    }
}

/// The width of the widest tick label.
fn widest(ticks: &[Tick]) -> f64 {
    ticks.iter().map(|tick| text::width(&tick.text, LABEL)).fold(0.0, f64::max)
}

/// The ticks of x; fewer where their labels are too wide to stand beside each other.
fn x_ticks(figure: &Figure, domain: (f64, f64), width: f64) -> Vec<Tick> {
    let ticks = figure.x.ticks(domain, ((width / 62.0) as usize).clamp(2, 12));
    let each = widest(&ticks) + 6.0;
    let named = ticks.iter().filter(|tick| !tick.text.is_empty()).count();
    if !figure.x.categories.is_empty() || figure.x.log || each * named as f64 <= width {
        return ticks;
    }
    figure.x.ticks(domain, ((width / each) as usize).max(2))
}

/// The room for texts right of the plot.
fn beside_room(figure: &Figure, marks: &[Toned<'_>], width: f64) -> f64 {
    let axes = Axes { x: &figure.x, y: &figure.y };
    let beside = marks.iter().flat_map(|(mark, tone)| mark.beside(axes, *tone));
    beside.map(|b| text::width(&b.text, LABEL)).fold(0.0, f64::max).min(width * 0.32)
}

/// The height of the plot when the size leaves it open.
fn default_height(figure: &Figure, width: f64) -> f64 {
    match &figure.ground {
        Ground::Simplex(_) => (width - 2.0 * PAD - 80.0).min(460.0) * simplex::HEIGHT,
        Ground::Equal => (width * 0.62).clamp(220.0, 460.0),
        Ground::Axes if !figure.y.categories.is_empty() => {
            let row = if width < STACKED_BELOW { 42.0 } else { 26.0 };
            figure.y.categories.len() as f64 * row + 10.0
        }
        Ground::Axes => (width * 0.42).clamp(200.0, 340.0),
    }
}

/// The frame, shrunk to the middle where both axes share a unit.
fn fitted(figure: &Figure, frame: Frame, domains: ((f64, f64), (f64, f64))) -> Frame {
    if figure.ground == Ground::Axes {
        return frame;
    }
    let (x, y) = (domains.0.1 - domains.0.0, domains.1.1 - domains.1.0);
    let unit = (frame.width / x).min(frame.height / y);
    let (width, height) = (x * unit, y * unit);
    let left = match figure.ground {
        Ground::Simplex(_) => frame.left + (frame.width - width) / 2.0,
        _ => frame.left,
    };
    Frame { left, width, height, top: frame.top + (frame.height - height) }
}

/// The entries that a legend needs, broken into lines; a lone entry needs none.
fn legend(marks: &[Toned<'_>], room: f64) -> Vec<Vec<Key>> {
    let mut keys: Vec<Key> = Vec::new();
    for key in marks.iter().flat_map(|(mark, tone)| mark.keys(*tone)) {
        if !keys.iter().any(|known| known.name == key.name && known.tone == key.tone) {
            keys.push(key);
        }
    }
    if keys.len() < 2 {
        return Vec::new();
    }
    let mut lines: Vec<Vec<Key>> = vec![Vec::new()];
    let mut used = 0.0;
    for mut key in keys {
        key.name = text::shorten(&key.name, LABEL, room - 30.0);
        let width = key_width(&key);
        if used + width > room + 18.0 && used > 0.0 {
            lines.push(Vec::new());
            used = 0.0;
        }
        used += width;
        if let Some(line) = lines.last_mut() {
            line.push(key);
        }
    }
    lines
}

fn legend_height(legend: &[Vec<Key>]) -> f64 {
    if legend.is_empty() { 0.0 } else { KEY_LINE * legend.len() as f64 + 10.0 }
}

fn key_width(key: &Key) -> f64 {
    24.0 + text::width(&key.name, LABEL) + 18.0
}

fn draw_key(svg: &mut Svg, key: &Key, (x, y): (f64, f64)) {
    let class = key.tone.class();
    match key.glyph {
        Glyph::Stroke { dashed } => {
            let line = svg.element("line").set("class", &format!("ln {class} w2"));
            let line =
                if dashed { line.set("stroke-dasharray", key.tone.dash_or("6 3")) } else { line };
            line.at("x1", x).at("y1", y).at("x2", x + 18.0).at("y2", y).empty();
        }
        Glyph::Marker(fill) => marker(svg, key.tone, fill, (x + 9.0, y), 4.0, ""),
        Glyph::Swatch { opacity } => svg
            .element("rect")
            .set("class", &format!("fl {class}"))
            .set("fill-opacity", &opacity.to_string())
            .at("x", x + 2.0)
            .at("y", y - 5.0)
            .at("width", 14.0)
            .at("height", 10.0)
            .set("rx", "1.5")
            .empty(),
    }
}

/// The triangle of shares: outline, quarters, names of the corners.
fn draw_triangle(plane: &Plane<'_>, corners: &[String; 3], svg: &mut Svg) {
    let at = |shares: [f64; 3]| plane.at(simplex::simplex_point(shares));
    for quarter in [0.25, 0.5, 0.75] {
        let rest = 1.0 - quarter;
        svg.line("gr", at([quarter, rest, 0.0]), at([quarter, 0.0, rest]));
        svg.line("gr", at([rest, quarter, 0.0]), at([0.0, quarter, rest]));
        svg.line("gr", at([rest, 0.0, quarter]), at([0.0, rest, quarter]));
    }
    let mut path = Path::default();
    let points = [at([1.0, 0.0, 0.0]), at([0.0, 1.0, 0.0]), at([0.0, 0.0, 1.0])];
    path.move_to(points[0]);
    path.line_to(points[1]);
    path.line_to(points[2]);
    path.close();
    svg.element("path").set("class", "ln km w1").set("d", &path.finish()).empty();
    let places = [("start", -6.0, 20.0), ("end", 6.0, 20.0), ("middle", 0.0, -10.0)];
    for ((name, (x, y)), (anchor, dx, dy)) in corners.iter().zip(points).zip(places) {
        let short = text::shorten(name, LABEL, plane.frame.width * 0.48);
        svg.text("tb", anchor, (x + dx, y + dy), &short);
    }
}
