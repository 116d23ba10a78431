//! Scores two files again and again with one metric on the threads that rayon is given, for
//! `bench/text_metrics.py`: `metric_speed METRIC HYPOTHESIS REFERENCE SECONDS` prints the score and the
//! least seconds that one pass over the texts in memory took. For `entities` the files hold tags, one
//! sentence a line. `metric_speed resample REFERENCE OUTPUT…` draws 10,000 paired resamples of BLEU of
//! 16 systems, outputs repeated as needed.

use grimoire_eval::resample;
use grimoire_eval::statistics::{Score, Statistics};
use grimoire_eval::tag::scheme::Scheme;
use grimoire_eval::tag::{self, Reading, Sentence};
use grimoire_eval::text::bleu::{self, BleuOptions};
use grimoire_eval::text::chrf::{self, ChrfOptions};
use grimoire_eval::text::rouge::{self, Kind, RougeOptions};
use grimoire_eval::text::ter::{self, TerOptions};
use std::error::Error;
use std::io::Write;
use std::time::Instant;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [metric, reference, outputs @ ..] = arguments.as_slice()
        && metric == "resample"
    {
        return resampled(reference, outputs);
    }
    let [metric, hypothesis, reference, seconds] = arguments.as_slice() else {
        return Err("metric_speed METRIC HYPOTHESIS REFERENCE SECONDS".into());
    };
    let (hypothesis, reference) =
        (std::fs::read_to_string(hypothesis)?, std::fs::read_to_string(reference)?);
    let budget: f64 = seconds.parse()?;
    let ours: Vec<&str> = hypothesis.lines().collect();
    let theirs: Vec<Vec<&str>> = reference.lines().map(|line| vec![line]).collect();
    let sentences: Vec<Sentence<'_>> = ours
        .iter()
        .zip(&theirs)
        .filter(|_| metric == "entities")
        .map(|(ours, theirs)| (theirs[0].split(' ').collect(), ours.split(' ').collect()))
        .collect();
    let score = || -> Result<f64, Box<dyn Error>> {
        Ok(match metric.as_str() {
            "bleu" => bleu::corpus(&ours, &theirs, &BleuOptions::default())?.score,
            "chrf" => chrf::corpus(&ours, &theirs, &ChrfOptions::default())?.score,
            "ter" => ter::corpus(&ours, &theirs, &TerOptions::default())?.score,
            "rouge" => {
                let kinds = [Kind::N(1), Kind::N(2), Kind::L];
                let options = RougeOptions { stemmer: true, ..RougeOptions::default() };
                rouge::corpus(&ours, &theirs, &kinds, &options)?.means[2].f1
            }
            "entities" => tag::entities(&sentences, Reading::Strict(Scheme::Iob2))?.micro.f1,
            other => return Err(format!("there is no metric {other}").into()),
        })
    };
    let (mut least, mut spent) = (f64::INFINITY, 0.0);
    let mut found = 0.0;
    while spent < budget {
        let start = Instant::now();
        found = score()?;
        let seconds = start.elapsed().as_secs_f64();
        (least, spent) = (least.min(seconds), spent + seconds);
    }
    writeln!(std::io::stdout(), "{found} {least}")?;
    Ok(())
}

fn resampled(reference: &str, outputs: &[String]) -> Result<(), Box<dyn Error>> {
    let reference = std::fs::read_to_string(reference)?;
    let references: Vec<Vec<&str>> = reference.lines().map(|line| vec![line]).collect();
    let options = BleuOptions::default();
    let mut systems = Vec::new();
    for output in outputs {
        let output = std::fs::read_to_string(output)?;
        let lines: Vec<&str> = output.lines().collect();
        let mut rows = Statistics::new(options.columns());
        let counts = bleu::segments(&lines, &references, &options)?;
        counts.iter().for_each(|counts| rows.push(counts.row()));
        systems.push(rows);
    }
    let sixteen: Vec<&Statistics> = systems.iter().cycle().take(16).collect();
    let mut least = f64::INFINITY;
    let mut sum = 0.0;
    for _ in 0..5 {
        let start = Instant::now();
        let scores = resample::bootstrap(&sixteen, &options, 10_000, 1);
        least = least.min(start.elapsed().as_secs_f64());
        sum = scores.iter().flatten().sum();
    }
    writeln!(std::io::stdout(), "{sum} {least}")?;
    Ok(())
}
