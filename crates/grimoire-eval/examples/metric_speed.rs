//! Scores two files once with one metric on the threads that rayon is given, for `bench/text_metrics.py`
//! to time. `metric_speed METRIC HYPOTHESIS REFERENCE`; for `entities` the files hold tags,
//! one sentence a line; `resample` draws 10,000 paired resamples of 16 systems.

use grimoire_eval::resample;
use grimoire_eval::statistics::{Score, Statistics};
use grimoire_eval::tag::scheme::Scheme;
use grimoire_eval::tag::{self, Reading, Sentence};
use grimoire_eval::text::bleu::{self, BleuOptions};
use grimoire_eval::text::chrf::{self, ChrfOptions};
use grimoire_eval::text::rouge::{self, Kind, RougeOptions};
use grimoire_eval::text::ter::{self, TerOptions};
use std::io::Write;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [metric, hypothesis, reference] = arguments.as_slice() else {
        return Err("metric_speed METRIC HYPOTHESIS REFERENCE".into());
    };
    let (hypothesis, reference) =
        (std::fs::read_to_string(hypothesis)?, std::fs::read_to_string(reference)?);
    let ours: Vec<&str> = hypothesis.lines().collect();
    let theirs: Vec<Vec<&str>> = reference.lines().map(|line| vec![line]).collect();
    let score = match metric.as_str() {
        "read" => ours.len() as f64,
        "bleu" => bleu::corpus(&ours, &theirs, &BleuOptions::default())?.score,
        "chrf" => chrf::corpus(&ours, &theirs, &ChrfOptions::default())?.score,
        "ter" => ter::corpus(&ours, &theirs, &TerOptions::default())?.score,
        "rouge" => {
            let kinds = [Kind::N(1), Kind::N(2), Kind::L];
            let options = RougeOptions { stemmer: true, ..RougeOptions::default() };
            rouge::corpus(&ours, &theirs, &kinds, &options)?.means[0].f1
        }
        "entities" => {
            let sentences: Vec<Sentence<'_>> = ours
                .iter()
                .zip(&theirs)
                .map(|(ours, theirs)| (theirs[0].split(' ').collect(), ours.split(' ').collect()))
                .collect();
            tag::entities(&sentences, Reading::Strict(Scheme::Iob2))?.micro.f1
        }
        "resample" => {
            let options = BleuOptions::default();
            let mut rows = Statistics::new(options.columns());
            bleu::segments(&ours, &theirs, &options)?
                .iter()
                .for_each(|counts| rows.push(counts.row()));
            let start = std::time::Instant::now();
            let scores = resample::bootstrap(&[&rows; 16], &options, 10_000, 1);
            let seconds = start.elapsed().as_secs_f64();
            writeln!(std::io::stdout(), "{seconds:.3} s for {} systems", scores.len())?;
            scores[15][9_999]
        }
        other => return Err(format!("there is no metric {other}").into()),
    };
    writeln!(std::io::stdout(), "{score}")?;
    Ok(())
}
