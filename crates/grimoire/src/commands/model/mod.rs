//! `grimoire model`: one file per verb; sizes in words.

mod adapter;
mod info;
mod merge;

use crate::failure::Outcome;
use crate::printer::Printer;
use clap::Subcommand;

/// Look at a model, merge an adapter into it, carry adapters between formats.
#[derive(clap::Args)]
pub(crate) struct Model {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    Adapter(adapter::Adapter),
    Info(info::Info),
    Merge(merge::Merge),
}

/// Runs the verb that was asked for.
pub(crate) fn run(model: Model, printer: &mut Printer) -> Outcome {
    match model.verb {
        Verb::Adapter(verb) => adapter::run(&verb, printer),
        Verb::Info(verb) => info::run(&verb, printer),
        Verb::Merge(verb) => merge::run(&verb, printer),
    }
}

/// Bytes in the unit that leaves one to three digits before the point.
fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let mut value = count as f64;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    if unit == 0 {
        format!("{count} B")
    } else {
        format!("{value:.*} {}", digits(value), UNITS[unit])
    }
}

/// A count with K, M or B.
fn count(count: u64) -> String {
    let value = count as f64;
    let (value, unit) = match count {
        0..=9_999 => return count.to_string(),
        10_000..=999_499 => (value / 1e3, "K"),
        999_500..=999_499_999 => (value / 1e6, "M"),
        _ => (value / 1e9, "B"),
    };
    format!("{value:.*}{unit}", digits(value))
}

/// Digits after the point that make three in all.
fn digits(value: f64) -> usize {
    if value < 9.995 { 2 } else { usize::from(value < 99.95) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_three_digits() {
        for (value, expected) in [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.00 kB"),
            (97_800_000, "97.8 MB"),
            (999_600_000, "1.00 GB"),
            (123_456_789_000, "123 GB"),
        ] {
            assert_eq!(bytes(value), expected);
        }
        for (value, expected) in [
            (576, "576"),
            (9_999, "9999"),
            (28_311_552, "28.3M"),
            (134_515_008, "135M"),
            (8_030_261_248, "8.03B"),
        ] {
            assert_eq!(count(value), expected);
        }
    }
}
