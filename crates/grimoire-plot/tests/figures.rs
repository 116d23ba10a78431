//! Whole figures: the same bytes every time, well-formed XML, escaped, accessible, and an error with
//! mark and place for every value that has no place on paper.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::type_complexity,
    reason = "a test stops at what it did not expect, and says what it saw"
)]

use grimoire_plot::{
    Area, Arrow, Axis, Bars, Field, Figure, Interval, Intervals, Line, PlotError, Points, Rule,
    Size,
};

fn everything() -> Figure {
    Figure::new("A <title> & \"more\"")
        .subtitle("it's <b>")
        .footnote("</svg><script>alert(1)</script>")
        .x(Axis::linear("x <"))
        .y(Axis::linear("y &"))
        .add(
            Line::new("line <i>", vec![(0.0, 1.0), (1.0, f64::NAN), (2.0, 3.0), (3.0, 2.0)])
                .band("band", vec![(0.5, 1.5), (f64::NAN, f64::NAN), (2.0, 4.0), (1.0, 2.5)])
                .markers()
                .step(),
        )
        .add(Line::new("path", vec![(0.0, 0.0), (2.0, 2.0), (0.5, 3.0)]).arrows().end_label())
        .add(Points::new("points", vec![(1.0, 1.0)]).labels(["<label>"]))
        .add(Bars::new("bars", vec![(0.0, 1.0), (1.0, -1.0)]).shade("tail", vec![true, false]))
        .add(
            Area::new("area", vec![(0.0, 0.0), (1.0, 1.0), (2.0, 0.0)])
                .shade("s", vec![(0.5, 9.0)]),
        )
        .add(Intervals::new("iv", vec![interval(1.0, 0.0, 2.0)]).upright())
        .add(Field::new("", vec![Arrow { at: (1.0, 1.0), by: (0.1, 0.2) }]))
        .add(Rule::x(1.0, "rule"))
}

fn interval(estimate: f64, low: f64, high: f64) -> Interval {
    Interval { position: 1.0, estimate, low, high }
}

/// Elements opened and closed in turn, attributes quoted: enough to know that it parses.
fn assert_well_formed(svg: &str) {
    let mut open = Vec::new();
    let mut rest = svg;
    while let Some(start) = rest.find('<') {
        let text = &rest[..start];
        assert!(!text.contains('>'), "stray > in {text:?}");
        let end = start + rest[start..].find('>').expect("tag without end");
        let tag = &rest[start + 1..end];
        assert_eq!(tag.matches('"').count() % 2, 0, "quotes in {tag:?}");
        let name = tag.trim_start_matches('/').split([' ', '/']).next().unwrap_or("");
        if let Some(closed) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(closed.to_owned()));
        } else if !tag.ends_with('/') {
            open.push(name.to_owned());
        }
        rest = &rest[end + 1..];
    }
    assert!(open.is_empty(), "left open: {open:?}");
}

#[test]
fn every_mark_is_drawn_escaped_and_well_formed() {
    for size in [Size::WIDE, Size::NARROW, Size { width: 500, height: Some(400) }] {
        let svg = everything().svg_at(size).unwrap();
        assert_well_formed(&svg);
        assert!(!svg.contains("<script") && !svg.contains("<b>") && !svg.contains("<i>"));
        assert!(svg.contains("&lt;label&gt;") && svg.contains("role=\"img\""));
        assert!(svg.contains("aria-label=\"A &lt;title&gt;"));
        assert!(!svg.contains("NaN") && !svg.contains("inf\""), "a bad coordinate got through");
        // Nothing is loaded from anywhere, and nothing clashes with another figure on the page.
        assert!(!svg.contains("href") && !svg.contains("url(") && !svg.contains(" id="));
    }
    assert!(
        everything()
            .svg_at(Size { width: 500, height: Some(400) })
            .unwrap()
            .contains("height=\"400\"")
    );
}

#[test]
fn the_same_figure_is_the_same_bytes() {
    assert_eq!(everything().svg().unwrap(), everything().svg().unwrap());
}

#[test]
fn a_nan_is_a_gap_in_a_line() {
    let line =
        Line::new("l", vec![(0.0, 1.0), (1.0, 1.0), (2.0, f64::NAN), (3.0, 1.0), (4.0, 1.0)]);
    let svg = Figure::new("t").add(line).svg().unwrap();
    assert_eq!(svg.matches("class=\"ln k0\"").count(), 2);
}

#[test]
fn long_lines_keep_their_extremes_in_few_points() {
    let mut points: Vec<(f64, f64)> =
        (0..200_000).map(|i| (f64::from(i), f64::from(i % 7))).collect();
    points[123_456].1 = 1000.0;
    let svg = Figure::new("t").y(Axis::linear("").from(0.0).to(1000.0)).add(Line::new("l", points));
    let svg = svg.svg().unwrap();
    assert!(svg.len() < 80_000, "{}", svg.len());
    let path = svg.split("class=\"ln k0\"").nth(1).unwrap().split("/>").next().unwrap();
    let top = path.split(['M', 'L']).filter_map(|p| p.split(' ').nth(1)?.parse::<f64>().ok());
    let (low, high) = top.fold((f64::MAX, f64::MIN), |(a, b), y| (a.min(y), b.max(y)));
    // The frame of a default figure is 302.4 pixels high (0.42 of 720), and the spike spans all of it.
    assert!((high - low - 302.4).abs() < 0.5, "{low} {high}");
}

#[test]
fn values_without_a_place_are_named() {
    let figure = |mark: grimoire_plot::Mark| Figure::new("t").add(mark).svg().unwrap_err();
    let infinite = figure(Line::new("loss", vec![(0.0, 1.0), (1.0, f64::INFINITY)]).into());
    assert_eq!(infinite.to_string(), "mark `loss`: y of item 1 is inf, expected a finite number");
    let nan = figure(Points::new("p", vec![(f64::NAN, 1.0)]).into());
    assert!(matches!(nan, PlotError::NotFinite { what: "x", index: 0, .. }));
    let reversed = figure(Intervals::new("i", vec![interval(1.0, 2.0, 0.0)]).into());
    assert!(matches!(reversed, PlotError::Reversed { .. }));
    let short = figure(Bars::new("b", vec![(0.0, 1.0)]).shade("s", vec![]).into());
    assert_eq!(short.to_string(), "mark `b`: 0 shades for 1 items");
    let band = figure(Line::new("l", vec![(0.0, 1.0)]).band("b", vec![(2.0, 1.0)]).into());
    assert!(matches!(band, PlotError::Reversed { .. }));
    let huge = figure(Points::new("p", vec![(0.0, 1e301)]).into());
    assert!(matches!(huge, PlotError::NotFinite { .. }));

    let log = |mark: grimoire_plot::Mark| Figure::new("t").y(Axis::log("y")).add(mark).svg();
    let zero = log(Line::new("path", vec![(0.0, 0.0)]).into()).unwrap_err();
    assert_eq!(
        zero.to_string(),
        "mark `path`: y of item 0 is 0, a logarithmic axis needs more than 0"
    );
    assert!(log(Bars::new("b", vec![(0.0, 0.0), (1.0, 5.0)]).into()).is_ok());
    let field = Field::new("f", vec![Arrow { at: (0.0, 0.0), by: (1.0, 1.0) }]);
    assert!(matches!(log(field.into()).unwrap_err(), PlotError::NeedsLinear { .. }));
}

#[test]
fn empty_figures_and_impossible_sizes_are_errors() {
    assert!(matches!(Figure::new("t").svg(), Err(PlotError::Empty { .. })));
    let nothing = Figure::new("t").add(Line::new("l", vec![])).svg();
    assert!(matches!(nothing, Err(PlotError::Empty { .. })));
    for (width, height) in [(100, None), (9000, None), (720, Some(100))] {
        let svg = everything().svg_at(Size { width, height });
        assert!(matches!(svg, Err(PlotError::Size { .. })), "{width} {height:?}");
    }
    // Bounds hold, but the heads leave no room for a plot.
    let crowded = Figure::new("word ".repeat(200)).add(Rule::x(1.0, ""));
    let crowded = crowded.svg_at(Size { width: 240, height: Some(300) });
    assert!(matches!(crowded, Err(PlotError::Size { .. })));
}

#[test]
fn lone_values_and_constant_series_have_an_axis() {
    for value in [0.0, 1.0, -5.0, 1e-12, 1e200] {
        let svg = Figure::new("t").add(Points::new("p", vec![(value, value)])).svg().unwrap();
        assert!(!svg.contains("NaN"), "{value}");
        if value > 0.0 {
            let figure = Figure::new("t").x(Axis::log("")).y(Axis::log(""));
            assert!(figure.add(Points::new("p", vec![(value, value)])).svg().is_ok());
        }
    }
}

#[test]
fn many_end_labels_never_overlap() {
    let lines =
        (0..60).map(|n| Line::new(format!("s{n}"), vec![(0.0, 0.0), (1.0, 1.0)]).end_label());
    let svg = Figure::new("t").add_all(lines).svg().unwrap();
    let mut heights: Vec<f64> = svg
        .lines()
        .filter(|line| line.starts_with("<text") && line.contains(">s"))
        .map(|line| line.split(" y=\"").nth(1).unwrap().split('"').next().unwrap().parse().unwrap())
        .collect();
    heights.sort_by(f64::total_cmp);
    assert!(heights.len() > 15);
    assert!(heights.windows(2).all(|pair| pair[1] - pair[0] > 13.9), "{heights:?}");
}

/// The text elements of a figure with this anchor: place and words.
fn texts(svg: &str, anchor: &str) -> Vec<(f64, String)> {
    let number = |line: &str| line.split(" x=\"").nth(1)?.split('"').next()?.parse().ok();
    let words = |line: &str| Some(line.split_once('>')?.1.split('<').next()?.to_owned());
    let anchored = format!("text-anchor=\"{anchor}\"");
    let lines = svg.lines().filter(|line| line.starts_with("<text") && line.contains(&anchored));
    lines.filter_map(|line| Some((number(line)?, words(line)?))).collect()
}

#[test]
fn ticks_of_close_large_values_differ_and_stay_on_the_page() {
    for n in [1e7_f64, 1e9, 1e12] {
        let points = (-40..=40).map(|i| (n + f64::from(i) * n.sqrt() / 10.0, 1.0)).collect();
        let svg = Figure::new("t").add(Line::new("l", points)).svg().unwrap();
        let ticks = texts(&svg, "middle");
        let mut labels: Vec<&String> = ticks.iter().map(|(_, label)| label).collect();
        let count = labels.len();
        labels.sort();
        labels.dedup();
        assert!(count >= 3 && labels.len() == count, "{n}: {ticks:?}");
        // A digit is at least five pixels wide at this size.
        let wide = |label: &str| label.chars().count() as f64 * 5.0 / 2.0;
        assert!(ticks.iter().all(|(x, l)| x - wide(l) > 0.0 && x + wide(l) < 720.0), "{ticks:?}");
    }
}

#[test]
fn the_label_of_a_rule_is_not_crossed_by_the_next_rule() {
    let points = vec![(0.0, 0.0), (10.0, 1.0)];
    let figure = Figure::new("t")
        .add(Line::new("l", points))
        .add(Rule::x(5.5, "least loss"))
        .add(Rule::x(5.0, "one standard error"));
    let svg = figure.svg().unwrap();
    assert!(texts(&svg, "end").iter().any(|(_, label)| label == "one standard error"));
    assert!(texts(&svg, "start").iter().any(|(_, label)| label == "least loss"));
}
