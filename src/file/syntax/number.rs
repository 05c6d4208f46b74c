//! The numbers of TOML and JSON: a word in, an integer out, or what it is instead.

use crate::file::tree::Value;

/// A number of a word; dates and fractions are told apart, but nobody wants their value.
pub fn number(word: &str, is_json: bool) -> Option<Value<'static>> {
    let digits = word.strip_prefix(['-', '+']).unwrap_or(word);
    let (radix, digits) = match digits.get(..2) {
        Some("0x") if !is_json && digits == word => (16, &digits[2..]),
        Some("0o") if !is_json && digits == word => (8, &digits[2..]),
        Some("0b") if !is_json && digits == word => (2, &digits[2..]),
        _ => (10, digits),
    };
    if word.starts_with('+') && is_json {
        return None;
    }
    let (mut value, mut fits, mut was_digit) = (0_i64, true, false);
    for (at, byte) in digits.bytes().enumerate() {
        let digit = char::from(byte).to_digit(radix);
        match digit {
            Some(digit) => {
                // The least number has no positive counterpart.
                let digit = if word.starts_with('-') { -i64::from(digit) } else { i64::from(digit) };
                let next = value.checked_mul(radix.into()).and_then(|value| value.checked_add(digit));
                (value, fits) = (next.unwrap_or(0), fits && next.is_some());
            }
            None if byte == b'_' && was_digit && !is_json => {}
            None if at > 0 && radix == 10 => return other(digits, at),
            None => return None,
        }
        was_digit = digit.is_some();
    }
    let is_padded = radix == 10 && digits.len() > 1 && digits.starts_with('0');
    match (was_digit && !is_padded, fits) {
        (false, _) => None,
        (true, true) => Some(Value::Number(value)),
        (true, false) => Some(Value::Other("a number of more than 63 bits")),
    }
}

/// What begins with digits and is no whole number.
fn other(word: &str, at: usize) -> Option<Value<'static>> {
    let rest = word.as_bytes().get(at + 1..).unwrap_or_default();
    let ends = [rest.first(), rest.last()].map(|byte| byte.is_some_and(u8::is_ascii_digit));
    match word.as_bytes()[at] {
        b'-' | b':' if at == 4 || at == 2 => Some(Value::Other("a date")),
        b'.' if !ends[0] => None,
        b'.' | b'e' | b'E' if ends[1] && rest.iter().all(|byte| byte.is_ascii_digit() || b"eE+-_".contains(byte)) => {
            Some(Value::Other("a number with a fraction"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_are_numbers() {
        let of = |word, is_json| match number(word, is_json) {
            Some(Value::Number(number)) => number.to_string(),
            Some(value) => value.noun().to_owned(),
            None => "none".to_owned(),
        };
        for (word, toml, json) in [
            ("0", "0", "0"),
            ("-0", "0", "0"),
            ("+5", "5", "none"),
            ("1_000", "1000", "none"),
            ("0xfF", "255", "none"),
            ("-0x1", "none", "none"),
            ("0b12", "none", "none"),
            ("01", "none", "none"),
            ("1__0", "none", "none"),
            ("1_", "none", "none"),
            ("-9223372036854775808", "-9223372036854775808", "-9223372036854775808"),
            ("9223372036854775808", "a number of more than 63 bits", "a number of more than 63 bits"),
            ("1.5", "a number with a fraction", "a number with a fraction"),
            ("1e-7", "a number with a fraction", "a number with a fraction"),
            ("1.", "none", "none"),
            ("1.e5", "none", "none"),
            ("1979-05-27", "a date", "a date"),
            ("07:32:00", "a date", "a date"),
            ("5x", "none", "none"),
            ("-", "none", "none"),
        ] {
            assert_eq!((of(word, false).as_str(), of(word, true).as_str()), (toml, json), "{word}");
        }
    }
}
