//! Numbers in, their digits as C's `printf` writes them out.

/// `%g` of `value` units of 10^-`places`: six digits that count, no zeros at the end.
pub fn percent_g(mut value: u64, mut places: i32) -> String {
    while value >= 10_000_000 {
        value /= 10;
        places -= 1;
    }
    if value >= 1_000_000 {
        value = (value + 5) / 10;
        places -= 1;
    }
    while value != 0 && value.is_multiple_of(10) {
        value /= 10;
        places -= 1;
    }
    let mut digits = value.to_string();
    let zeros = usize::try_from(-places).unwrap_or(0);
    if value != 0 && digits.len() + zeros > 6 {
        let exponent = format!("e+{:02}", digits.len() - 1 + zeros);
        if digits.len() > 1 {
            digits.insert(1, '.');
        }
        return digits + &exponent;
    }
    if value != 0 {
        digits.extend(std::iter::repeat_n('0', zeros));
    }
    let places = usize::try_from(places).unwrap_or(0);
    if value != 0 && places != 0 {
        while digits.len() <= places {
            digits.insert(0, '0');
        }
        digits.insert(digits.len() - places, '.');
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_digits_count() {
        for (value, places, expected) in [
            (0, 2, "0"),
            (1, 2, "0.01"),
            (700, 2, "7"),
            (12_345, 2, "123.45"),
            (1_234_567, 3, "1234.57"),
            (99_999_950, 2, "1e+06"),
            (123_456_700, 2, "1.23457e+06"),
            (10_000_000, 2, "100000"),
            (4_294_967_200, 2, "4.29497e+07"),
            (1500, 3, "1.5"),
        ] {
            assert_eq!(percent_g(value, places), expected, "{value}");
        }
    }
}
