//! The page of a tuning run: its sentence, its parts, its escaping, and that it loads nothing.

use super::*;
use crate::app::tune_report::{NextCommand, Sample};

fn estimate(value: f64, half: f64) -> Estimate {
    Estimate { value, lower: value - half, upper: value + half }
}

fn fact(name: &str, value: &str) -> Fact {
    Fact { name: name.to_owned(), value: value.to_owned() }
}

/// A run with invented numbers whose held-out loss changed by `change`.
fn run(change: f64, p: f64) -> TuneReport {
    let wave = |n: u64| (n as f64 * 12.9898).sin() * 0.5;
    let falling = |step: u64| 2.27 + change * (1.0 - (-(step as f64) / 25.0).exp());
    let metrics = (1..=100).map(|step| StepMetric {
        step,
        loss: if step == 50 { f64::INFINITY } else { falling(step) + 0.3 * wave(step) },
        learning_rate: 5e-4 * (step as f64 / 10.0).min(1.0) * (1.0 - (step as f64 / 130.0).powi(2)),
        tokens_per_second: 640.0 + 20.0 * wave(step),
        grad_norm: 1.4 + wave(step),
    });
    let documents = (0..120).map(|n| DocumentChange {
        name: format!("rows.jsonl:{}", n + 1),
        tokens: 40 + n,
        before: 2.27 + 0.6 * wave(n),
        after: 2.27 + 0.6 * wave(n) + change + 0.9 * wave(n * 7 + 3),
    });
    let after = 2.27 + change;
    TuneReport {
        model: "SmolLM2-135M-Instruct.Q4_1.gguf".to_owned(),
        data: "restaurants.jsonl".to_owned(),
        out: "grimoire-runs/restaurants".to_owned(),
        method: "LoRA, rank 16, alpha 32, all linear layers".to_owned(),
        settings: vec![fact("learning rate", "5e-4, constant"), fact("batch", "16 rows")],
        versions: vec![fact("Grimoire", "0.1.0"), fact("Threads", "2")],
        data_facts: vec![fact("rows", "4,200 of prompt and completion"), fact("truncated", "0")],
        seed: 1,
        steps: 100,
        train_seconds: 312.4,
        tokens_per_second: 641.0,
        peak_bytes: Some(1_870_000_000),
        predicted_peak_bytes: Some(1_790_000_000),
        held_out: Some(HeldOut {
            level: 0.95,
            tokens: 5_310,
            loss_before: estimate(2.27, 0.08),
            loss_after: estimate(after, 0.06),
            perplexity_before: estimate(2.27f64.exp(), 0.8),
            perplexity_after: estimate(after.exp(), 0.2),
            difference: estimate(change, 0.05),
            p_value: p,
            method: "paired sign-flip test over documents".to_owned(),
            documents: documents.collect(),
        }),
        scores: vec![Score {
            metric: "BLEU".to_owned(),
            signature: "nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp".to_owned(),
            before: estimate(2.2, 0.4),
            after: estimate(63.3, 2.9),
            difference: Some(estimate(61.1, 3.0)),
            p_value: Some(0.00005),
            n: 50,
        }],
        metrics: metrics.collect(),
        evaluations: (0..=5)
            .map(|n| Evaluation { step: n * 20, loss: estimate(falling(n * 20), 0.07) })
            .collect(),
        best_step: Some(100),
        samples: vec![Sample {
            prompt: "name[The Mill], food[Italian], price[cheap]".to_owned(),
            expected: Some("The Mill serves cheap Italian food.".to_owned()),
            references: vec!["The Mill serves cheap Italian food.".to_owned()],
            before: "The Mill is a restaurant with a name and a price and food.".to_owned(),
            after: "The Mill is a cheap Italian restaurant.".to_owned(),
        }],
        warnings: vec!["3 rows were longer than the context and lost 41 tokens".to_owned()],
        next: vec![NextCommand {
            what: "Talk to the tuned model:".to_owned(),
            command: "grimoire chat MODEL --adapter grimoire-runs/restaurants/adapter".to_owned(),
        }],
    }
}

#[test]
fn the_sentence_claims_no_more_than_the_interval_and_p_allow() {
    let better = run(-1.03, 0.00002).headline();
    assert_eq!(
        better,
        "Better: on 120 documents it did not train on, the loss fell by 1.030 nats per token \
         (95 % interval 0.980 to 1.080, p < 0.0001)."
    );
    assert!(run(0.2, 0.001).headline().starts_with("Worse: "));
    let open = run(-0.02, 0.41).headline();
    assert!(open.starts_with("No evidence of a difference: ") && open.contains("−0.070 to 0.030"));
    // An interval that leaves out zero is not enough when the test disagrees, nor the reverse.
    assert!(run(-0.06, 0.2).headline().starts_with("No evidence"));
    assert!(run(-0.02, 0.001).headline().starts_with("No evidence"));
    let none = TuneReport { held_out: None, ..run(0.0, 1.0) };
    assert!(none.headline().starts_with("Not measured: "));
    assert!(report_html(&none).is_ok());
}

#[test]
fn the_page_has_its_parts_in_order() {
    let html = report_html(&run(-1.03, 0.00002)).unwrap();
    let mut rest = html.as_str();
    for part in [
        "<!DOCTYPE html>",
        "class=\"verdict better\"",
        "Held-out perplexity",
        "3 rows were longer",
        "What was measured",
        "Loss during training",
        "of 120 documents got easier",
        "Answers against the data",
        "tok:13a",
        "Answers before and after",
        "The Mill is a cheap Italian restaurant.",
        "Learning rate",
        "--adapter grimoire-runs",
        "What was read",
        "1.87 GB",
        "seed 1 ",
        "</html>",
    ] {
        let at = rest.find(part).unwrap_or_else(|| panic!("{part} is missing or out of order"));
        rest = &rest[at..];
    }
    assert!(html.len() < 400_000, "{} bytes", html.len());
    assert_eq!(html, report_html(&run(-1.03, 0.00002)).unwrap());
}

#[test]
fn nothing_is_loaded_and_nothing_runs() {
    let html = report_html(&run(-1.03, 0.00002)).unwrap();
    let bare = html.replace("http://www.w3.org/2000/svg", "");
    for loader in [
        "http:", "https:", "src=", "href=", "url(", "@import", "<script", "<link", "<iframe",
        "<img",
    ] {
        assert!(!bare.contains(loader), "{loader}");
    }
    assert!(html.contains("default-src 'none'"));
}

#[test]
fn all_text_from_outside_is_escaped() {
    let evil = "</pre><script>alert('x')</script>\u{202E}\u{0}";
    let mut report = run(-1.03, 0.00002);
    let text = || evil.to_owned();
    (report.model, report.data, report.out, report.method) = (text(), text(), text(), text());
    report.settings = vec![fact(evil, evil)];
    report.versions = vec![fact(evil, evil)];
    report.data_facts = vec![fact(evil, evil)];
    report.warnings = vec![text()];
    report.next = vec![NextCommand { what: text(), command: text() }];
    report.samples = vec![Sample {
        prompt: text(),
        expected: Some(text()),
        references: vec![text()],
        before: text(),
        after: text(),
    }];
    report.scores[0].metric = text();
    report.scores[0].signature = text();
    let held = report.held_out.as_mut().unwrap();
    held.method = text();
    held.documents[0].name = text();
    let html = report_html(&report).unwrap();
    assert!(!html.contains("<script") && !html.contains('\u{202E}') && !html.contains('\0'));
    assert!(html.matches("&lt;script&gt;").count() >= 15);
}

/// Leaves pages to look at when `GRIMOIRE_LOOK` names a folder.
#[test]
fn pages_to_look_at() {
    let Some(folder) = std::env::var_os("GRIMOIRE_LOOK") else { return };
    let folder = std::path::PathBuf::from(folder);
    for (name, report) in [("better", run(-1.03, 0.00002)), ("open", run(-0.02, 0.41))] {
        std::fs::write(folder.join(format!("{name}.html")), report_html(&report).unwrap()).unwrap();
    }
}
