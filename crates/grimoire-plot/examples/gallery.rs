//! Writes one figure of every kind into a folder: `cargo run --release -p grimoire-plot --example
//! gallery -- FOLDER`. The numbers are made up; the shapes are those of the reports and the book.

use grimoire_plot::{
    Area, Arrow, Axis, Bars, Field, Figure, Fill, Interval, Intervals, Line, Points, Rule, Size,
    Tone, simplex_point,
};

type Stop = Box<dyn std::error::Error>;

fn main() -> Result<(), Stop> {
    let folder = std::path::PathBuf::from(std::env::args().nth(1).ok_or("which folder?")?);
    std::fs::create_dir_all(&folder)?;
    let figures: [(&str, Figure); 9] = [
        ("loss", loss()),
        ("tail", tail()),
        ("posterior", posterior()),
        ("forest", forest()),
        ("lasso", lasso()),
        ("flow", flow()),
        ("documents", documents()),
        ("scatter", scatter()),
        ("scaling", scaling()),
    ];
    for (name, figure) in figures {
        std::fs::write(folder.join(format!("{name}.svg")), figure.svg()?)?;
        std::fs::write(folder.join(format!("{name}-narrow.svg")), figure.svg_at(Size::NARROW)?)?;
    }
    Ok(())
}

/// A number in 0..1 that looks random and is not.
fn noise(n: usize) -> f64 {
    ((n as f64 * 12.9898).sin() * 43_758.545_3).rem_euclid(1.0)
}

fn loss() -> Figure {
    let train = (0..400).map(|s| {
        let base = 1.2 + 1.4 * (-(s as f64) / 60.0).exp();
        (s as f64, if s == 200 { f64::NAN } else { base + 0.25 * (noise(s) - 0.5) })
    });
    let held: Vec<(f64, f64)> = (0..9)
        .map(|s| (s as f64 * 50.0, 1.25 + 1.05 * (-(s as f64) * 50.0 / 70.0).exp()))
        .collect();
    let band = held.iter().map(|(_, y)| (y - 0.07, y + 0.07)).collect();
    Figure::new("Held-out loss falls from 2.30 to 1.25")
        .subtitle("SmolLM2-135M, LoRA r 16, 400 steps of 16 rows; held-out part of 120 documents")
        .x(Axis::linear("step"))
        .y(Axis::linear("nats per token"))
        .add(Line::new("training, each step", train.collect()).thin().tone(Tone::Muted))
        .add(Line::new("held out", held).markers().band("95 % interval by document", band))
        .add(Rule::x(350.0, "best checkpoint"))
        .footnote("Invented numbers. The line breaks where a step has no finite loss.")
}

fn tail() -> Figure {
    let mut mass = 0.6f64.powi(40);
    let mut bars = Vec::new();
    for k in 0..=40 {
        bars.push((f64::from(k), mass));
        mass *= f64::from(40 - k) / f64::from(k + 1) * (0.4 / 0.6);
    }
    let shaded = bars.iter().map(|(k, _)| *k >= 22.0 || *k <= 10.0).collect();
    Figure::new("22 of 40 is unlikely when the rate is 0.4")
        .subtitle("Binomial n = 40, p = 0.4; shaded: all outcomes no likelier than the one seen")
        .x(Axis::linear("successes").whole())
        .y(Axis::linear("probability"))
        .add(Bars::new("outcomes", bars).shade("no likelier than 22: p = 0.0759", shaded))
        .add(Rule::x(22.0, "seen: 22"))
}

fn posterior() -> Figure {
    let density = |a: i32, b: i32, scale: f64| -> Vec<(f64, f64)> {
        let f = |x: f64| x.powi(a - 1) * (1.0 - x).powi(b - 1) * scale;
        (0..=200).map(|i| (f64::from(i) / 200.0, f(f64::from(i) / 200.0))).collect()
    };
    Figure::new("Version B converts better with probability 0.91")
        .subtitle("Posterior of each rate after 60 visits, uniform prior")
        .x(Axis::linear("rate").percent())
        .y(Axis::linear("density").zero())
        .add(
            Area::new("A: 12 of 40", density(13, 29, 8.2e11))
                .shade("95 % of A", vec![(0.18, 0.456)]),
        )
        .add(Area::new("B: 9 of 20", density(10, 12, 3.5e6)))
}

fn forest() -> Figure {
    let names = ["BLEU", "ROUGE-L", "exact match", "answers with a name in them", "length ratio"];
    let rows = [
        (12.1, 9.4, 14.9),
        (4.2, 2.0, 6.3),
        (0.4, -1.2, 2.0),
        (-2.1, -4.0, -0.3),
        (0.0, -0.6, 0.6),
    ];
    let rows = rows.iter().enumerate().map(|(at, &(estimate, low, high))| Interval {
        position: at as f64,
        estimate,
        low,
        high,
    });
    Figure::new("Tuned minus base")
        .subtitle("paired difference with 95 % interval, 630 answers")
        .x(Axis::linear("difference in points"))
        .y(Axis::categories("", names))
        .add(Rule::x(0.0, "").solid())
        .add(Intervals::new("difference", rows.collect()).values())
}

fn lasso() -> Figure {
    let names = ["lcavol", "lweight", "age", "lbph", "svi", "lcp", "gleason", "pgg45"];
    let ends = [0.68, 0.26, -0.14, 0.21, 0.31, -0.29, -0.02, 0.27];
    let paths = names.iter().zip(ends).enumerate().map(|(index, (name, end))| {
        let start = 1.0 / (1.0 + index as f64 * 0.8);
        let at = |i: i32| {
            let lambda = 10f64.powf(f64::from(-i) / 25.0);
            (lambda, end * (1.0 - lambda / start).max(0.0))
        };
        Line::new(*name, (0..=75).map(at).collect()).end_label()
    });
    Figure::new("Coefficients enter one by one as the penalty falls")
        .subtitle("lasso path, standardised predictors")
        .x(Axis::log("λ").reversed())
        .y(Axis::linear("coefficient"))
        .add(Rule::y(0.0, "").solid().tone(Tone::Muted))
        .add(Rule::x(0.021, "cross-validated").tone(Tone::Ink))
        .add(Rule::x(0.11, "one standard error"))
        .add_all(paths)
}

/// Rock, paper, scissors with a small prize for winning: a spiral into the middle.
fn step(s: [f64; 3]) -> [f64; 3] {
    let fitness: [f64; 3] = std::array::from_fn(|i| 1.4 * s[(i + 2) % 3] - s[(i + 1) % 3]);
    let mean: f64 = (0..3).map(|i| s[i] * fitness[i]).sum();
    std::array::from_fn(|i| s[i] * (fitness[i] - mean))
}

fn flow() -> Figure {
    let mut arrows = Vec::new();
    for i in 1..14 {
        for j in 1..(14 - i) {
            let s = [f64::from(i) / 14.0, f64::from(j) / 14.0, f64::from(14 - i - j) / 14.0];
            let d = step(s);
            let by = (d[1] + d[2] / 2.0, d[2] * 0.75f64.sqrt());
            arrows.push(Arrow { at: simplex_point(s), by });
        }
    }
    let mut s = [0.9, 0.05, 0.05];
    let mut path = vec![simplex_point(s)];
    for _ in 0..3000 {
        let d = step(s);
        s = std::array::from_fn(|i| s[i] + 0.03 * d[i]);
        path.push(simplex_point(s));
    }
    let corners = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]].map(simplex_point).to_vec();
    Figure::new("The balance holds: every path spirals into the middle")
        .subtitle("replicator dynamics of three strategies")
        .simplex(["rock", "paper", "scissors"])
        .add(Field::new("", arrows))
        .add(Line::new("a path in time", path).arrows().tone(Tone::Series(0)))
        .add(Points::new("stable", vec![simplex_point([1.0; 3])]).radius(6.0).tone(Tone::Ink))
        .add(Points::new("unstable", corners).fill(Fill::Open).radius(6.0).tone(Tone::Ink))
}

fn documents() -> Figure {
    let mut change: Vec<f64> = (0..120).map(|n| noise(n) * 1.6 - 1.25).collect();
    change.sort_by(f64::total_cmp);
    let part = |keep: fn(f64) -> bool| {
        let bars = change.iter().enumerate().filter(|(_, c)| keep(**c));
        bars.map(|(at, c)| (at as f64 + 1.0, *c)).collect()
    };
    Figure::new("93 of 120 documents got easier")
        .subtitle("change of the loss per document, sorted")
        .x(Axis::linear("document"))
        .y(Axis::linear("nats per token"))
        .add(Bars::new("better", part(|c| c < 0.0)).width(1.0))
        .add(Bars::new("worse", part(|c| c >= 0.0)).width(1.0))
}

fn scatter() -> Figure {
    let cloud = |shift: f64, seed: usize| -> Vec<(f64, f64)> {
        let x = |n: usize| noise(seed + 2 * n) * 30.0 + 5.0;
        (0..60).map(|n| (x(n), x(n) * 0.8 + shift + 12.0 * noise(seed + 2 * n + 1))).collect()
    };
    let bars = (1..7).map(|n| f64::from(n) * 5.0).map(|at| Interval {
        position: at,
        estimate: at * 0.8 + 8.0,
        low: at * 0.8 + 5.0,
        high: at * 0.8 + 12.0,
    });
    Figure::new("Score by length")
        .x(Axis::linear("tokens in the reference"))
        .y(Axis::linear("sentence score"))
        .add(Points::new("base", cloud(0.0, 7)))
        .add(Points::new("tuned", cloud(14.0, 991)))
        .add(Intervals::new("mean of the base, 95 %", bars.collect()).upright())
}

fn scaling() -> Figure {
    let line = |name: &str, scale: f64, power: f64| {
        let points = (0..8).map(|n| 10f64.powi(n)).map(|n| (n, scale * n.powf(power) + 2e-4));
        Line::new(name, points.collect()).markers().end_label()
    };
    Figure::new("Time of the exact test by sample size")
        .x(Axis::log("n"))
        .y(Axis::log("seconds"))
        .add(line("sums every term", 1e-6, 1.0))
        .add(line("stops at the tails", 2e-6, 0.5))
        .add(line("constant", 4e-6, 0.05))
}
