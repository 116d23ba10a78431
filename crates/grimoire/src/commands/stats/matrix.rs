//! Matrices in an argument or a file: rows separated by semicolons or lines, numbers by commas or spaces.

use crate::failure::{Failure, Outcome};
use grimoire_stats::eigen::Complex;

/// Rows of text cells; a word that names a file is read.
fn cells(text: &str) -> Outcome<Vec<Vec<String>>> {
    let read;
    let body = if std::path::Path::new(text).is_file() {
        read = std::fs::read_to_string(text)
            .map_err(|error| Failure::work(format_args!("{text}: {error}")))?;
        read.as_str()
    } else {
        text
    };
    let split = |row: &str| -> Vec<String> {
        let pieces = row.split(|c: char| c == ',' || c.is_whitespace());
        pieces.filter(|cell| !cell.is_empty()).map(str::to_owned).collect()
    };
    let rows: Vec<Vec<String>> =
        body.split([';', '\n']).map(split).filter(|row| !row.is_empty()).collect();
    if rows.is_empty() {
        return Err(Failure::usage("the matrix is empty").hint("write rows as \"2,1;1,2\""));
    }
    Ok(rows)
}

/// A matrix of real numbers.
pub(crate) fn parse(text: &str) -> Outcome<Vec<Vec<f64>>> {
    let number = |cell: String| {
        cell.parse::<f64>().map_err(|_| {
            Failure::usage(format_args!("`{cell}` is neither a number nor a file"))
                .hint("write rows as \"2,1;1,2\"")
        })
    };
    cells(text)?.into_iter().map(|row| row.into_iter().map(number).collect()).collect()
}

/// A matrix of complex numbers such as `1-2i`.
pub(crate) fn parse_complex(text: &str) -> Outcome<Vec<Vec<Complex>>> {
    let number = |cell: String| {
        complex(&cell).ok_or_else(|| {
            Failure::usage(format_args!("`{cell}` is not a number such as 1, 2i or 1-2i"))
        })
    };
    cells(text)?.into_iter().map(|row| row.into_iter().map(number).collect()).collect()
}

fn complex(cell: &str) -> Option<Complex> {
    let Some(body) = cell.strip_suffix('i') else {
        return cell.parse().ok().map(|re| Complex::new(re, 0.0));
    };
    let unit = |text: &str| match text {
        "" | "+" => Some(1.0),
        "-" => Some(-1.0),
        _ => text.parse().ok(),
    };
    let signs = body
        .char_indices()
        .skip(1)
        .filter(|(at, c)| matches!(c, '+' | '-') && !body[..*at].ends_with(['e', 'E']));
    match signs.last() {
        Some((at, _)) => Some(Complex::new(body[..at].parse().ok()?, unit(&body[at..])?)),
        None => Some(Complex::new(0.0, unit(body)?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_numbers_real_and_complex() {
        assert_eq!(parse("1,2;3 4").unwrap(), [[1.0, 2.0], [3.0, 4.0]]);
        assert!(parse("").is_err() && parse("1,x").is_err());
        let cases =
            [("1-2i", 1.0, -2.0), ("i", 0.0, 1.0), ("-3i", 0.0, -3.0), ("1e-3+i", 1e-3, 1.0)];
        for (text, re, im) in cases {
            assert_eq!(complex(text), Some(Complex::new(re, im)));
        }
        assert_eq!(complex("2"), Some(Complex::new(2.0, 0.0)));
        assert!(complex("ii").is_none());
    }
}
