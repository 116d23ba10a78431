//! A figure: title, axes and marks, and its text as SVG. The arithmetic of places is in `layout`.

use crate::axis::Axis;
use crate::error::PlotError;
use crate::layout::Layout;
use crate::mark::{Axes, Draw, Mark, Survey};
use crate::palette::{self, Tone};
use crate::simplex;
use crate::svg::Svg;

/// Width and height of a document in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Width, 240 to 8000.
    pub width: u32,
    /// Height, 240 to 8000; `None` takes what the contents need.
    pub height: Option<u32>,
}

impl Size {
    /// 720 pixels wide: a column of text on a desk.
    pub const WIDE: Self = Self { width: 720, height: None };
    /// 380 pixels wide: a telephone.
    pub const NARROW: Self = Self { width: 380, height: None };
}

/// What the marks stand on.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Ground {
    /// Two axes.
    Axes,
    /// Two axes with the same unit.
    Equal,
    /// The triangle of shares, with the names of its corners.
    Simplex([String; 3]),
}

/// A figure in the making.
pub struct Figure {
    pub(crate) title: String,
    pub(crate) subtitle: String,
    pub(crate) footnote: String,
    pub(crate) x: Axis,
    pub(crate) y: Axis,
    pub(crate) ground: Ground,
    description: String,
    marks: Vec<Mark>,
}

impl Figure {
    /// A figure with this title: what it shows, or better, what it says.
    pub fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            subtitle: String::new(),
            footnote: String::new(),
            x: Axis::linear(""),
            y: Axis::linear(""),
            ground: Ground::Axes,
            description: String::new(),
            marks: Vec::new(),
        }
    }

    /// A line under the title: what, of what, how measured.
    pub fn subtitle(self, text: impl Into<String>) -> Self {
        Self { subtitle: text.into(), ..self }
    }

    /// Small print below: sources, conventions, n.
    pub fn footnote(self, text: impl Into<String>) -> Self {
        Self { footnote: text.into(), ..self }
    }

    /// Words for readers who cannot see the figure, before those made from the marks.
    pub fn description(self, text: impl Into<String>) -> Self {
        Self { description: text.into(), ..self }
    }

    /// The horizontal axis.
    pub fn x(self, axis: Axis) -> Self {
        Self { x: axis, ..self }
    }

    /// The vertical axis; its label stands above it, the right way up.
    pub fn y(self, axis: Axis) -> Self {
        Self { y: axis, ..self }
    }

    /// One unit of x is as long as one of y. For linear axes.
    pub fn equal(self) -> Self {
        Self { ground: Ground::Equal, ..self }
    }

    /// The triangle of shares of three instead of axes; marks take their places from
    /// [`crate::simplex_point`].
    pub fn simplex<S: Into<String>>(self, corners: [S; 3]) -> Self {
        let x = Axis::linear("").from(0.0).to(1.0);
        let y = Axis::linear("").from(0.0).to(simplex::HEIGHT);
        Self { ground: Ground::Simplex(corners.map(Into::into)), x, y, ..self }
    }

    /// Adds a mark; later marks lie over earlier ones.
    #[expect(clippy::should_implement_trait, reason = "a builder step, not an addition")]
    pub fn add(mut self, mark: impl Into<Mark>) -> Self {
        self.marks.push(mark.into());
        self
    }

    /// Adds several marks.
    pub fn add_all<M: Into<Mark>>(mut self, marks: impl IntoIterator<Item = M>) -> Self {
        self.marks.extend(marks.into_iter().map(Into::into));
        self
    }

    /// The document at [`Size::WIDE`].
    ///
    /// # Errors
    /// As [`Figure::svg_at`].
    pub fn svg(&self) -> Result<String, PlotError> {
        self.svg_at(Size::WIDE)
    }

    /// The document at a size.
    ///
    /// # Errors
    /// A value that has no place ([`PlotError::NotFinite`], [`PlotError::NotPositive`],
    /// [`PlotError::Reversed`], [`PlotError::Lengths`]), nothing to draw, or a size out of bounds.
    pub fn svg_at(&self, size: Size) -> Result<String, PlotError> {
        let mut survey = Survey::new(&self.x, &self.y);
        for Mark(mark) in &self.marks {
            mark.survey(&mut survey)?;
        }
        if survey.x.held.is_none() && survey.y.held.is_none() {
            return Err(PlotError::Empty { figure: self.title.clone() });
        }
        let domains = (self.x.domain(survey.x.held)?, self.y.domain(survey.y.held)?);
        let marks = self.toned();
        let layout = Layout::new(self, &marks, domains, size)?;
        let mut svg = Svg::default();
        svg.element("svg")
            .set("xmlns", "http://www.w3.org/2000/svg")
            .set("class", "gf")
            .set("role", "img")
            .set("aria-label", &self.label())
            .at("width", layout.width)
            .at("height", layout.height)
            .set("viewBox", &format!("0 0 {} {}", layout.width, layout.height))
            .open();
        svg.element("desc").text(&self.words(&marks));
        svg.raw(&palette::style());
        layout.draw(self, &marks, &mut svg);
        svg.close("svg");
        Ok(svg.finish())
    }

    /// The marks with their colours: the one asked for, or the next of the palette.
    fn toned(&self) -> Vec<(&(dyn Draw + Send + Sync), Tone)> {
        let mut next = 0u8;
        let toned = |Mark(mark): &'_ Mark| {
            mark.tone().unwrap_or_else(|| {
                let tone = Tone::Series(next);
                next = next.wrapping_add(1);
                tone
            })
        };
        let tones: Vec<Tone> = self.marks.iter().map(toned).collect();
        self.marks.iter().map(|Mark(mark)| mark.as_ref()).zip(tones).collect()
    }

    /// False for the triangle of shares.
    pub(crate) fn has_axes(&self) -> bool {
        !matches!(self.ground, Ground::Simplex(_))
    }

    fn label(&self) -> String {
        if self.subtitle.is_empty() {
            self.title.clone()
        } else {
            format!("{}. {}", self.title, self.subtitle)
        }
    }

    fn words(&self, marks: &[(&(dyn Draw + Send + Sync), Tone)]) -> String {
        let axes = Axes { x: &self.x, y: &self.y };
        let mut parts = vec![self.description.clone()];
        if !self.x.label.is_empty() || !self.y.label.is_empty() {
            parts.push(format!("Horizontal: {}. Vertical: {}", self.x.label, self.y.label));
        }
        parts.extend(marks.iter().take(40).map(|(mark, _)| mark.describe(axes)));
        parts.retain(|part| !part.is_empty());
        if marks.len() > 40 {
            parts.push(format!("and {} more", marks.len() - 40));
        }
        parts.join(". ") + "."
    }
}
