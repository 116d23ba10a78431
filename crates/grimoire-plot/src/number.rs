//! Numbers as text: coordinates for the machine, ticks and values for people. Not a rounding library:
//! what is printed on hover has five significant digits, the data files have the rest.

/// A coordinate in pixels with at most two decimals, no trailing zeros, never `-0`.
pub(crate) fn coordinate(value: f64) -> String {
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" || text.is_empty() { "0".to_owned() } else { text.to_owned() }
}

/// A value for people: five significant digits, thousands separated, a true minus sign.
pub(crate) fn value(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let size = value.abs();
    if !(1e-4..1e7).contains(&size) {
        return scientific(value, 4);
    }
    let exponent = size.log10().floor() as i32;
    let decimals = usize::try_from((4 - exponent).clamp(0, 8)).unwrap_or(0);
    let text = format!("{size:.decimals$}");
    let text = if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    };
    signed(value < 0.0, &grouped(&text))
}

/// A value with exactly `decimals` decimals, thousands separated, a true minus sign.
pub(crate) fn fixed(value: f64, decimals: usize) -> String {
    let text = format!("{:.decimals$}", value.abs());
    let zero = text.bytes().all(|b| b == b'0' || b == b'.');
    signed(value < 0.0 && !zero, &grouped(&text))
}

/// `m·10ᵉ` with at most `digits` decimals in the mantissa, which is left out when it is 1.
pub(crate) fn scientific(value: f64, digits: usize) -> String {
    let text = format!("{:.digits$e}", value.abs());
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let mantissa = if mantissa.contains('.') {
        mantissa.trim_end_matches('0').trim_end_matches('.')
    } else {
        mantissa
    };
    let power: String = exponent.chars().map(superscript).collect();
    let body =
        if mantissa == "1" { format!("10{power}") } else { format!("{mantissa}·10{power}") };
    signed(value < 0.0, &body)
}

fn superscript(c: char) -> char {
    match c {
        '-' => '⁻',
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        '0' | '4'..='9' => char::from_u32(0x2070 + (c as u32 - '0' as u32)).unwrap_or(c),
        other => other,
    }
}

fn signed(negative: bool, text: &str) -> String {
    if negative { format!("−{text}") } else { text.to_owned() }
}

/// Commas between groups of three digits before the point, from 10,000 up.
fn grouped(text: &str) -> String {
    let (whole, rest) = text.find('.').map_or((text, ""), |at| text.split_at(at));
    if whole.len() < 5 {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len() + 4);
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coordinates_are_short_and_never_minus_zero() {
        for (given, expected) in [
            (1.0, "1"),
            (1.25, "1.25"),
            (0.001, "0"),
            (-0.001, "0"),
            (-3.5, "-3.5"),
            (100.0, "100"),
        ] {
            assert_eq!(coordinate(given), expected);
        }
    }

    #[test]
    fn values_read_as_people_write_them() {
        for (given, expected) in [
            (0.0, "0"),
            (1.5, "1.5"),
            (-0.25, "−0.25"),
            (12345.678, "12,346"),
            (1000.0, "1000"),
            (5e-7, "5·10⁻⁷"),
            (1e9, "10⁹"),
            (1.234_56, "1.2346"),
        ] {
            assert_eq!(value(given), expected);
        }
        assert_eq!(fixed(-0.0001, 2), "0.00");
        assert_eq!(fixed(-1.005e4, 1), "−10,050.0");
    }
}
