//! `grimoire stats`: tests, distributions, Bayes, intervals, resampling and power as whole commands:
//! output, exit codes, errors that name the value, figures.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::type_complexity,
    reason = "a test stops at what it did not expect, and says what it saw"
)]

use grimoire_testkit::close;
use std::io::Write;
use std::process::{Command, Output, Stdio};

fn grimoire(line: &str) -> Output {
    let words = line.split_whitespace();
    Command::new(env!("CARGO_BIN_EXE_grimoire")).arg("stats").args(words).output().unwrap()
}

fn json(line: &str) -> serde_json::Value {
    let output = grimoire(&format!("--json {line}"));
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn number(value: &serde_json::Value, keys: &[&str]) -> f64 {
    keys.iter().fold(value, |inner, key| &inner[key]).as_f64().unwrap()
}

#[test]
fn a_record_has_the_stable_keys() {
    let record = json("test binomial 100 250 --p 0.5");
    // scipy's TestBinomTest, from R.
    close(number(&record, &["p_value"]), 0.0018833009350757682, 1e-12, 0.0);
    close(number(&record, &["estimate"]), 0.4, 0.0, 0.0);
    assert_eq!(record["n"], 250);
    assert_eq!(record["method"], "exact binomial test");
    assert_eq!(record["statistic"], 100.0);
    assert_eq!(record["interval"]["method"], "Clopper-Pearson");
    assert_eq!(record["alternative"], "two-sided");
    assert!(record["assumptions"].as_array().unwrap().len() == 2);
}

#[test]
fn every_kind_of_test_runs() {
    for line in [
        "test poisson 10 2 --rate 12 --alternative less",
        "test rates 11 800 23 3000",
        "test proportions 100 150 70 160",
        "test fisher 3 1 1 3",
        "test chi-square --row 10,20,30 --row 6,9,17",
        "test chi-square --row 20,30,15,35 --probabilities 0.2,0.3,0.2,0.3",
        "test mcnemar 5 7 33",
        "test t 1.83,0.5,1.62 --mu 1.5",
        "test t --paired -- -1,-2,-3.5 4,5,6.5",
        "test sign 1,2,3,-1",
        "test wilcoxon 1,2,3,-1 --null exact",
        "test mann-whitney 1,2,3 2,4,5,6",
        "test kolmogorov-smirnov 0.1,0.4,0.7 --against uniform",
        "test kolmogorov-smirnov 0.1,0.4,0.7 0.2,0.9",
        "test permutation 4,5,6 1,2,3",
    ] {
        let record = json(line);
        let p = number(&record, &["p_value"]);
        assert!((0.0..=1.0).contains(&p), "{line}: {p}");
        assert!(record["n"].as_u64().unwrap() > 0);
        let text = grimoire(line);
        assert!(String::from_utf8(text.stdout).unwrap().contains("p-value"), "{line}");
    }
}

#[test]
fn a_permutation_test_has_an_interval_and_an_effect() {
    let record = json("test permutation 2,2.5 1 --level 0.5");
    // golden/stats/permutation.py, by counting.
    close(number(&record, &["interval", "lower"]), 0.5, 1e-14, 0.0);
    close(number(&record, &["interval", "upper"]), 2.0, 1e-14, 0.0);
    assert_eq!(record["interval"]["method"], "inversion of the permutation test");
    let record = json("test permutation 4,5,6,8 1,2,3,1 --alternative greater");
    assert!(record["interval"]["upper"].is_null() && record["interval"]["lower"].is_number());
    assert_eq!(record["effect"]["name"], "Cohen's d");
    assert!(record["effect"]["interval"]["lower"].is_number());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("p.svg");
    let line = format!("test permutation 1,2,4 3,6,8 --plot {}", file.display());
    let text = String::from_utf8(grimoire(&line).stdout).unwrap();
    // Four of the twenty ways to deal out the labels are as far apart.
    let line = text.lines().find(|line| line.starts_with("p-value")).unwrap();
    assert!(line.ends_with(" 0.2 (two-sided)"), "{text}");
    let svg = std::fs::read_to_string(file).unwrap();
    assert!(svg.contains(">p = 0.2<"), "the tail is named");
}

/// What a double cannot hold is printed as its logarithm (golden/stats/far.json).
#[test]
fn a_tail_that_underflows_keeps_its_logarithm() {
    let report = json("distribution normal 0 1 --at 40");
    close(number(&report, &["at", "ln_more_than"]), -804.6084420137538, 1e-13, 0.0);
    close(number(&report, &["at", "ln_at_least"]), -804.6084420137538, 1e-13, 0.0);
    let text = |line: &str| String::from_utf8(grimoire(line).stdout).unwrap();
    let normal = text("distribution normal 0 1 --at 40");
    assert!(normal.contains("P(X > 40)           0\nln P(X > 40)        -804.608\n"), "{normal}");
    let binomial = text("binomial 2000 0.25 --at 1700");
    assert!(binomial.contains("ln P(X > 1700)      -1604.05\n"), "{binomial}");
    assert!(binomial.contains("ln P(X >= 1700)"), "{binomial}");
    // The p-value of a test likewise: 4,000 of 4,000 at one half is 2 x 2^-4000.
    let record = json("test binomial 4000 4000");
    assert_eq!(number(&record, &["p_value"]), 0.0);
    close(number(&record, &["ln_p_value"]), -3999.0 * 2_f64.ln(), 1e-13, 0.0);
    let tested = text("test binomial 4000 4000");
    assert!(
        tested.contains("p-value                 0 (two-sided)\nln p-value              -2771.9\n"),
        "{tested}"
    );
    assert!(!text("test binomial 15 20").contains("ln p-value"));
    let near = text("binomial 20 0.25 --at 20");
    assert!(!near.contains("ln "), "a tail of nothing has no logarithm: {near}");
}

#[test]
fn wrong_values_are_named_and_the_exit_code_is_not_zero() {
    for (line, message, code) in [
        (
            "test binomial 30 20",
            "the number of successes is 30, expected at most the number of trials",
            2,
        ),
        (
            "test binomial 3 20 --p 1.5",
            "the probability of success is 1.5, expected a probability",
            2,
        ),
        ("bayes --prior a=0.5 --prior b=0.4", "the priors sum to 0.9, expected 1", 2),
        ("bayes --prior a=0.5", "give at least two hypotheses", 2),
        ("adjust 0.1 nan", "value 2 of the p-values is NaN", 2),
        ("bootstrap 1,oops,3", "`oops` is not a number", 2),
        ("test t 1,1,1", "the values do not vary", 1),
        ("test t 1,2 1,2,3 --paired", "the first sample: 2, the second sample: 3", 2),
        ("power proportions --effect 0.1", "this design needs --p", 2),
        ("entropy 0.5 0.4", "the probabilities sum to 0.9, expected 1", 2),
        ("entropy 0.5 -0.1 0.6", "value 2 of the values is -0.1, expected", 2),
        (
            "entropy --from counts --sample 1.5 2",
            "value 1 of the counts is 1.5, expected a whole",
            2,
        ),
        ("mean abc", "`abc` is neither a number nor a file", 2),
        ("mean missing.csv:a", "missing.csv: No such file", 1),
        ("mean --kind geometric 1 -2", "value 2 of the values is -2", 2),
        ("mean 1 2 inf", "value 3 of the values is inf", 2),
        ("test binomial -3 250", "invalid value '-3' for '<SUCCESSES>': a whole number", 2),
        ("test binomial 2.5 10", "invalid value '2.5' for '<SUCCESSES>': a whole number", 2),
        ("test binomal 3 10", "unrecognized subcommand 'binomal'", 2),
        ("test fisher 1 -2 3 4", "invalid value '-2' for '[B]'", 2),
        ("test fisher 1 2 3", "required arguments were not provided: <D>", 2),
        ("test t 1", "the sample: 1 given, expected at least 2", 2),
        ("test kolmogorov-smirnov 1,2,3 nrmal", "`nrmal` is neither", 2),
        ("kl --p 0.5,0.6 --q 0.2,0.8", "the probabilities sum to 1.1", 2),
        ("kl --p 1 --q 0.5,0.5", "the first distribution: 1, the second: 2", 2),
        ("bayes --prior a=0.5 --prior a=0.5 --ratio k=2", "`a` is given twice", 2),
        ("bayes --prior a=0.5 --prior b=0.5 --evidence x=0,0", "impossible under every", 1),
        ("poisson -1", "the mean is -1, expected", 2),
        ("binomial 10 0.5 --at abc", "invalid value 'abc' for '--at <X>': a number", 2),
        ("adjust 0.1 -1", "value 2 of the p-values is -1", 2),
        ("ema --discount 2 1 2", "the discount is 2, expected above 0", 2),
        ("ema --half-life 2 --times 1,3,2 1 2 3", "value 3 of the times is 2", 2),
        ("eigen 1,2;3", "a row of 1 numbers", 2),
        ("game --preset hawkdove", "invalid value 'hawkdove' for '--preset", 2),
        ("interval proportion 5 10 --level 95", "the level is 95, expected", 2),
        ("softmax --temperature 0 1 2", "the temperature is 0, expected", 2),
        ("logit 1.5", "p is 1.5, expected a probability", 2),
        ("perplexity 0.5 2", "the probability is 2, expected", 2),
        ("mutual-information 1,-2;3,4", "value 2 of the counts is -2", 2),
        ("dimension --points 1", "the cloud: 1 given, expected at least 3", 2),
        ("distribution normal 0", "normal takes 2 parameters, 1 were given", 2),
        ("test t missing.csv:x", "missing.csv", 1),
    ] {
        assert_refused(line, message, code);
    }
}

/// An option that would change nothing here is an error, and so is a value that would make the answer empty.
#[test]
fn options_that_would_do_nothing_are_refused() {
    for (line, message) in [
        ("test chi-square --row 1,2,3 --corrected", "--corrected goes with a table of two by two"),
        ("test kolmogorov-smirnov 1,2 3,4 --against normal", "cannot be used with '--against"),
        ("bayes proportion 1 2 1 2 --point 0.5", "cannot be used with '--point"),
        ("bayes rate 5 1 --point 3", "--point needs a prior with a rate above 0"),
        ("bootstrap 1,2,3 --share 0.2", "--share goes with --statistic quantile"),
        ("mean 1 2 --order 3", "--order goes with --kind power"),
        ("game 1,0;0,1 --against 1,0;0,1 --plot x.svg", "cannot be used with '--plot"),
        ("test permutation 1,2 3,4 --exchanges 0", "invalid value '0' for '--exchanges"),
        ("adjust 0.1 --alpha 2", "--alpha is 2, expected"),
        ("binomial 3 0.5 --plot out.png", "out.png: figures are written as SVG"),
    ] {
        assert_refused(line, message, 2);
    }
}

fn assert_refused(line: &str, message: &str, code: i32) {
    let output = grimoire(line);
    let talk = String::from_utf8(output.stderr).unwrap();
    assert!(talk.contains(message), "{line}: {talk}");
    assert!(talk.starts_with("error: ") && !talk.contains("Usage"), "{line}: {talk}");
    let hinted = talk.lines().count() == 2 && talk.contains("\nhint: ");
    assert!(talk.lines().count() == 1 || hinted, "{line}: {talk}");
    assert_eq!(output.status.code(), Some(code), "{line}");
    assert!(output.stdout.is_empty(), "{line}");
}

/// Two answers to each of six questions: counts from the columns are those written out.
#[test]
fn counts_come_from_columns() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.csv");
    std::fs::write(&file, "before,after\n1,1\n0,1\n1,0\n0,1\n0,1\n0,0\n").unwrap();
    let path = file.display();
    for (columns, counts) in [
        ("test binomial PATH:after", "test binomial 4 6"),
        ("interval proportion PATH:before", "interval proportion 2 6"),
        ("test proportions PATH:before PATH:after", "test proportions 2 6 4 6"),
        ("test mcnemar PATH:before PATH:after", "test mcnemar 1 3 6"),
        ("test chi-square PATH:after", "test chi-square --row 2,4"),
        ("test chi-square PATH:before PATH:after", "test chi-square --row 1,3 --row 1,1"),
    ] {
        let columns = columns.replace("PATH", &path.to_string());
        assert_eq!(json(&columns), json(counts), "{counts}");
    }
    let columns = json(&format!("test fisher {path}:before {path}:after"));
    assert_eq!(columns["p_value"], json("test fisher 1 3 1 1")["p_value"]);
    assert_eq!(columns["more"]["0 and 1"], 3.0);
    for (line, said) in [
        ("test mcnemar PATH:before", "give 3 counts, or two columns"),
        ("test binomial PATH:before 3", "give 2 counts, or one column"),
        ("test binomial 3", "required arguments were not provided: <N>"),
        ("test fisher PATH:before 1 2 3", "give 4 counts, or two columns"),
    ] {
        let output = grimoire(&line.replace("PATH", &path.to_string()));
        let talk = String::from_utf8(output.stderr).unwrap();
        assert!(talk.contains(said), "{line}: {talk}");
        assert_eq!(output.status.code(), Some(2), "{line}");
    }
    std::fs::write(&file, "before,after\n1,2\n").unwrap();
    let talk = String::from_utf8(grimoire(&format!("test binomial {path}:after")).stderr).unwrap();
    assert!(talk.contains(":after is 2, expected 0 or 1"), "{talk}");
}

#[test]
fn negative_numbers_are_no_options() {
    for (line, mean) in [
        ("mean -1,2,5", 2.0),
        ("mean -.5 1", 0.25),
        ("mean -1e-3 1 --kind arithmetic", 0.4995),
        ("test t -1,2,5 --mu -1e-3", 2.0),
        ("bootstrap -1,2,5 --resamples 99", 2.0),
        ("bootstrap 1,2,6 --minus -1,-2,-3 --resamples 99", 5.0),
        ("interval mean -1,2,5", 2.0),
    ] {
        close(number(&json(line), &["estimate"]), mean, 1e-15, 0.0);
    }
    let far = json("distribution normal 0 1 --at -1e-3");
    // mpmath: ncdf(-0.001) in 40 digits.
    close(number(&far, &["at", "at_most"]), 0.499_601_057_786_088_94, 1e-13, 0.0);
    let against = json("test kolmogorov-smirnov 1,2 --parameters -1,2");
    // The largest distance is Phi((1 + 1)/2) - 0.
    close(number(&against, &["statistic"]), 0.841_344_746_068_542_9, 1e-13, 0.0);
}

/// Jeffreys' prior stands whatever the unit, and is said to be the prior.
#[test]
fn the_prior_of_a_rate_does_not_depend_on_the_unit() {
    let record = json("bayes rate 50 0.01");
    close(number(&record, &["estimate"]), 5050.0, 1e-14, 0.0);
    assert_eq!(record["more"]["prior_rate"], 0.0);
    let many = json("bayes rate 1000000000000 1");
    assert!(number(&many, &["interval", "lower"]) < 1e12);
    assert!(number(&many, &["interval", "upper"]) > 1e12);
    assert_eq!(json("bayes proportion 3 10")["more"]["prior_a"], 1.0);
    let text = String::from_utf8(grimoire("bayes proportion 3 10").stdout).unwrap();
    assert!(text.contains("prior b           1\n"), "{text}");
}

/// 10⁹ with milliseconds beside it: the text keeps the interval open.
#[test]
fn text_keeps_the_digits_that_tell_ends_apart() {
    let values = "1000000000,1000000000.001,1000000000.002,1000000000.003,1000000000.004";
    let text = String::from_utf8(grimoire(&format!("mean {values}")).stdout).unwrap();
    // Mean and t interval by hand: .002 -+ 2.776445 * .00158114/sqrt 5.
    assert!(text.contains("mean  1000000000.002\n"), "{text}");
    assert!(text.contains("1000000000 to 1000000000.004 (Student's t)"), "{text}");
    let text =
        String::from_utf8(grimoire("test poisson 1000003000000 --rate 1e12").stdout).unwrap();
    assert!(text.contains("1.000001e12 to 1.000005e12 (Wald"), "{text}");
    let text = String::from_utf8(grimoire("interval rate 3 10 --level 0.9").stdout).unwrap();
    assert!(text.starts_with("interval of a rate, 90 %\n"), "{text}");
    let record = String::from_utf8(grimoire("test permutation 4,5,6 1,2,3").stdout).unwrap();
    assert_eq!(record.matches("difference of means").count(), 1, "{record}");
    let minus = json("bootstrap 4,5,6 --minus 1,1,3 --resamples 99");
    assert_eq!(minus["estimate_name"], "mean difference");
    let point = String::from_utf8(grimoire("binomial 10 0").stdout).unwrap();
    assert!(point.contains("skewness            undefined\n"), "{point}");
}

#[test]
fn numbers_come_from_standard_input_and_columns() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_grimoire"))
        .args(["stats", "test", "t", "-", "--json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"1 2\n3,4\n").unwrap();
    let output = child.wait_with_output().unwrap();
    let record: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    // x̄ = 2.5, s² = 5/3, t = 2.5/√(5/12).
    close(number(&record, &["statistic"]), 2.5 / (5.0_f64 / 12.0).sqrt(), 1e-14, 0.0);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.csv");
    std::fs::write(&file, "x,g\n1,a\n2,a\n3,b\n4,b\n").unwrap();
    let path = file.display();
    let record = json(&format!("interval mean {path}:x --clusters {path}:g"));
    // Cluster sums of residuals −2 and 2: error² = 2/1 · 8/16 = 1.
    close(number(&record, &["more", "standard_error"]), 1.0, 1e-14, 0.0);
}

#[test]
fn figures_are_written_whole() {
    let folder = tempfile::tempdir().unwrap();
    for (index, line) in [
        "test binomial 15 20",
        "test poisson 1001000 1 --rate 1000000",
        "test t 1,2,3,5",
        "binomial 20 0.25 --at 10",
        "poisson 3",
        "distribution beta 0.5 0.5 --at 0.1",
        "bayes proportion 41 50 33 50",
        "bayes rate 3 10",
        "test permutation 4,5,6 1,2,3",
        "test permutation 4,5,6,7 1,2,3,9 --paired --alternative less",
        "bootstrap 1,2,3,4,9",
        "power means --effect 0.5",
    ]
    .iter()
    .enumerate()
    {
        let file = folder.path().join(format!("{index}.svg"));
        let output = grimoire(&format!("{line} --plot {}", file.display()));
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
        let svg = std::fs::read_to_string(file).unwrap();
        assert!(svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>"), "{line}");
    }
}

#[test]
fn power_inverts_itself() {
    let n = json("power means --effect 0.5 --power 0.8");
    // R: power.t.test(delta = 0.5, power = 0.8) needs 63.77 in each group.
    assert_eq!(n["n"], 64);
    let effect = json("power means --n 64 --power 0.8");
    assert!((0.49..0.5).contains(&number(&effect, &["effect"])));
    let clustered =
        json("power proportions --p 0.6 --effect 0.05 --cluster-size 10 --correlation 0.5");
    let plain = json("power proportions --p 0.6 --effect 0.05");
    close(number(&clustered, &["n"]), 5.5 * number(&plain, &["n"]), 0.01, 0.0);
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let line = "bootstrap 1,5,2,8,3,9,4 --resamples 2000 --seed 4";
    assert_eq!(grimoire(line).stdout, grimoire(line).stdout);
    assert_ne!(grimoire(line).stdout, grimoire(&line.replace("seed 4", "seed 5")).stdout);
}

/// Ten million numbers through a pipe: the sums need no more memory for them than for ten.
#[cfg(target_os = "linux")]
#[test]
fn a_long_pipe_needs_constant_memory() {
    let n = if grimoire_testkit::slow("ten million numbers") { 10_000_000 } else { 200_000 };
    for (verb, key, expected) in [
        ("entropy --from counts", "estimate", (n as f64).log2()),
        ("mean", "estimate", 1.0),
        ("ema --half-life 100", "estimate", 1.0),
    ] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_grimoire"))
            .args(["--json", "stats"])
            .args(verb.split_whitespace())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut pipe = child.stdin.take().unwrap();
        for _ in 0..n / 1000 {
            pipe.write_all("1\n".repeat(1000).as_bytes()).unwrap();
        }
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        let kilobytes: u64 = peak.split_whitespace().next().unwrap().parse().unwrap();
        drop(pipe);
        let output = child.wait_with_output().unwrap();
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        close(number(&report, &[key]), expected, 1e-12, 0.0);
        eprintln!("{verb}: {n} numbers, peak {kilobytes} kB");
        // The program itself takes about 10 MB; the numbers would take 80 MB.
        assert!(kilobytes < 40_000, "{verb}: {kilobytes} kB");
    }
}
