//! The words of a `ping` command line, as getopt takes them: options alone or in
//! clusters, arguments attached or next, options after the destination too. In goes
//! argv, out come [`Args`] or what to say instead.

use std::ffi::OsString;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::os::unix::ffi::OsStrExt;

use crate::cli::cursor::{shown, text};
use crate::model::ip::Family;
use crate::ping::{Fragments, Options};

/// A parsed command line.
#[derive(Debug, Default)]
pub struct Args<'a> {
    /// How to ping.
    pub options: Options,
    /// Addresses of this family only.
    pub family: Family,
    /// `-q`.
    pub quiet: bool,
    /// `-D`.
    pub timestamps: bool,
    /// `-O`.
    pub outstanding: bool,
    /// What to ping.
    pub target: &'a [u8],
}

/// Why nothing is pinged.
#[derive(Debug, PartialEq, Eq)]
pub enum Stop {
    /// Help was asked for, or an option is unknown (then its text comes first): exit code 2.
    Usage(Option<String>),
    /// `-V`.
    Version,
    /// Exit code and text.
    Fail(u8, String),
}

/// Options of iputils that we lack.
const LACKING: &[u8] = b"aACdefFlLmNpQrRSTUv";
/// Options that take an argument.
const WITH_ARGUMENT: &[u8] = b"cwWiIstM";

/// Reads a command line.
///
/// # Errors
/// What to say instead of pinging.
pub fn parse(argv: &[OsString]) -> Result<Args<'_>, Stop> {
    let (called, words) = match argv.split_first() {
        Some((called, words)) => (called.as_bytes(), words),
        None => (&b"ping"[..], argv),
    };
    let family = match called.last() {
        Some(b'4') => Family::V4,
        Some(b'6') => Family::V6,
        _ => Family::Unspec,
    };
    let mut args = Args { family, ..Args::default() };
    let mut targets = Vec::new();
    let mut words = words.iter().map(|word| word.as_bytes());
    while let Some(word) = words.next() {
        match word {
            b"--" => targets.extend(words.by_ref()),
            [b'-', cluster @ ..] if !cluster.is_empty() => args.cluster(cluster, &mut words)?,
            _ => targets.push(word),
        }
    }
    match targets[..] {
        [] => Err(Stop::Fail(1, "usage error: Destination address required".into())),
        [target] => {
            args.target = target;
            Ok(args)
        }
        _ => fail("more than one destination (a source route) is not supported by netstrap"),
    }
}

impl<'a> Args<'a> {
    fn cluster(&mut self, mut cluster: &'a [u8], words: &mut dyn Iterator<Item = &'a [u8]>) -> Result<(), Stop> {
        while let Some((&option, rest)) = cluster.split_first() {
            cluster = rest;
            let mut argument: &[u8] = b"";
            if WITH_ARGUMENT.contains(&option) {
                let next = if rest.is_empty() { words.next() } else { Some(rest) };
                let Some(next) = next else {
                    return Err(Stop::Usage(Some(format!("option requires an argument -- '{}'", char::from(option)))));
                };
                (argument, cluster) = (next, b"");
            }
            self.option(option, argument)?;
        }
        Ok(())
    }

    fn option(&mut self, option: u8, argument: &[u8]) -> Result<(), Stop> {
        let options = &mut self.options;
        match option {
            b'4' => return self.only(Family::V4),
            b'6' => return self.only(Family::V6),
            b'b' => options.broadcast = true,
            b'B' => options.sticky = true,
            b'c' => options.count = number(argument, 1, i64::MAX)?,
            b'D' => self.timestamps = true,
            b'i' => options.interval = millis(argument, "timing interval")?,
            b'I' => return self.source(argument),
            b'M' => options.fragments = Some(fragments(argument)?),
            // Names are never looked up from addresses.
            b'n' => {}
            b'O' => self.outstanding = true,
            b'q' => (self.quiet, options.quiet) = (true, true),
            b's' => options.size = narrow(number(argument, 0, i32::MAX.into())?),
            b't' => options.ttl = Some(narrow(number(argument, 0, 255)?)),
            b'w' => options.deadline = narrow(number(argument, 0, i32::MAX.into())?),
            b'W' => options.linger = millis(argument, "linger time")?,
            b'V' => return Err(Stop::Version),
            b'h' | b'?' => return Err(Stop::Usage(None)),
            _ if LACKING.contains(&option) => {
                return fail(format!("option -{} is not supported by netstrap", char::from(option)));
            }
            _ => return Err(Stop::Usage(Some(format!("invalid option -- '{}'", shown(&[option]))))),
        }
        Ok(())
    }

    fn only(&mut self, family: Family) -> Result<(), Stop> {
        if self.family != Family::Unspec && self.family != family {
            return fail("only one -4 or -6 option may be specified");
        }
        self.family = family;
        Ok(())
    }

    /// `-I`: an address, an IPv6 address with its interface, or an interface.
    fn source(&mut self, word: &[u8]) -> Result<(), Stop> {
        let options = &mut self.options;
        if !word.contains(&b':') {
            match text(word).parse::<Ipv4Addr>() {
                Ok(addr) => (options.source_v4, options.sticky) = (Some(addr), true),
                Err(_) => options.device = Some(word.to_vec()),
            }
            return Ok(());
        }
        let mut parts = word.splitn(2, |&b| b == b'%');
        let addr = parts.next().unwrap_or_default();
        if let Some(device) = parts.next() {
            options.device = Some(device.to_vec());
        }
        match text(addr).parse::<Ipv6Addr>() {
            Ok(addr) => (options.source_v6, options.sticky) = (Some(addr), true),
            Err(_) => return fail(format!("invalid source address: {}", shown(word))),
        }
        Ok(())
    }
}

fn fail<T>(text: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::Fail(2, text.into()))
}

fn fragments(word: &[u8]) -> Result<Fragments, Stop> {
    Ok(match word {
        b"do" => Fragments::Never,
        b"dont" => Fragments::Anywhere,
        b"want" => Fragments::Here,
        b"probe" => Fragments::NeverUnchecked,
        _ => return fail(format!("invalid -M argument: {}", shown(word))),
    })
}

/// A number that was checked to fit.
fn narrow<T: TryFrom<u64> + Default>(number: u64) -> T {
    T::try_from(number).unwrap_or_default()
}

/// A whole number as strtol reads it: blanks and a sign may come first.
fn number(word: &[u8], min: i64, max: i64) -> Result<u64, Stop> {
    let wrong = |why: String| Stop::Fail(1, format!("invalid argument: '{}'{why}", shown(word)));
    let (negative, digits) = sign(word);
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(wrong(String::new()));
    }
    let mut value = Some(0i64);
    for &digit in digits {
        value = value.and_then(|value| value.checked_mul(10)?.checked_add(i64::from(digit - b'0')));
    }
    let Some(value) = value.map(|value| if negative { -value } else { value }) else {
        return Err(wrong(": Numerical result out of range".into()));
    };
    if (min..=max).contains(&value) {
        return Ok(value.unsigned_abs());
    }
    Err(wrong(format!(": out of range: {min} <= value <= {max}")))
}

/// Seconds with a fraction, as milliseconds; what is shorter is cut off.
fn millis(word: &[u8], what: &str) -> Result<u32, Stop> {
    let bad = || Stop::Fail(2, format!("bad {what}: {}", shown(word)));
    let (negative, rest) = sign(word);
    let (mut value, mut power, mut digits, mut point) = (0u64, 3i32, 0, false);
    let mut rest = rest;
    while let Some((&byte, after)) = rest.split_first() {
        match byte {
            b'0'..=b'9' => {
                digits += 1;
                // Digits that no longer fit change nothing but the power.
                if value < u64::MAX / 100 {
                    value = value * 10 + u64::from(byte - b'0');
                    power -= i32::from(point);
                } else {
                    power += i32::from(!point);
                }
            }
            b'.' if !point => point = true,
            _ => break,
        }
        rest = after;
    }
    if digits == 0 {
        return Err(bad());
    }
    if let [b'e' | b'E', exponent @ ..] = rest
        && let Ok(exponent) = text(exponent).parse::<i16>()
    {
        (power, rest) = (power + i32::from(exponent), b"");
    }
    // iputils warns, and pings with what it could read (0 for ",5": a flood).
    if !rest.is_empty() {
        return fail(format!("option argument contains garbage: {}", shown(rest)));
    }
    let scaled = match (value, 10u64.checked_pow(power.unsigned_abs())) {
        (0, _) => 0,
        (_, Some(factor)) if power >= 0 => value.checked_mul(factor).ok_or_else(bad)?,
        (_, None) if power >= 0 => return Err(bad()),
        (_, factor) => factor.map_or(0, |factor| value / factor),
    };
    let max = u64::from(i32::MAX.unsigned_abs());
    if scaled > max || negative && value > 0 { Err(bad()) } else { Ok(narrow(scaled)) }
}

/// Takes blanks and a sign off a number; whether the sign is a minus.
fn sign(word: &[u8]) -> (bool, &[u8]) {
    match word.trim_ascii_start() {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] | rest => (false, rest),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        line.split(' ').map(OsString::from).collect()
    }

    fn stop(line: &str) -> Stop {
        parse(&words(line)).unwrap_err()
    }

    #[test]
    fn options_are_taken_as_getopt_takes_them() {
        for line in
            ["ping -c3 -q host", "ping -qc3 host", "ping -qc 3 host", "ping host -c 3 -q", "ping -c 3 -q -- host"]
        {
            let words = words(line);
            let args = parse(&words).unwrap();
            assert_eq!((args.options.count, args.quiet, args.target), (3, true, &b"host"[..]), "{line}");
        }
        assert_eq!(parse(&words("ping -- -c")).unwrap().target, b"-c");
        assert_eq!(parse(&words("ping -")).unwrap().target, b"-");
        assert_eq!(parse(&words("/bin/ping6 x")).unwrap().family, Family::V6);
        assert_eq!(stop("ping -qc"), Stop::Usage(Some("option requires an argument -- 'c'".into())));
        assert_eq!(stop("ping -qZc x"), Stop::Usage(Some("invalid option -- 'Z'".into())));
        assert_eq!(stop("ping --help"), Stop::Usage(Some("invalid option -- '-'".into())));
        assert_eq!(stop("ping -V -Z"), Stop::Version);
        assert_eq!(stop("ping6 -4 x"), Stop::Fail(2, "only one -4 or -6 option may be specified".into()));
        assert_eq!(stop("ping -f x"), Stop::Fail(2, "option -f is not supported by netstrap".into()));
        assert_eq!(stop("ping"), Stop::Fail(1, "usage error: Destination address required".into()));
    }

    #[test]
    fn every_option_of_iputils_is_known() {
        for option in b"h?4bRT6FNaABcCdDefiIlLmMnOpqQrsStUvVwW" {
            let line = format!("ping -{} 1 1", char::from(*option));
            let words = words(&line);
            let stopped = parse(&words);
            assert!(!matches!(stopped, Err(Stop::Usage(Some(_)))), "{line}: {stopped:?}");
        }
    }

    #[test]
    fn numbers() {
        let count = |word: &str| {
            parse(&[OsString::from("ping"), "-c".into(), word.into(), "x".into()]).map(|a| a.options.count)
        };
        assert_eq!(count(" +010"), Ok(10));
        for (word, why) in [
            ("5x", "'5x'"),
            ("", "''"),
            ("0x1", "'0x1'"),
            ("0", "'0': out of range: 1 <= value <= 9223372036854775807"),
            ("-1", "'-1': out of range: 1 <= value <= 9223372036854775807"),
            ("99999999999999999999", "'99999999999999999999': Numerical result out of range"),
        ] {
            assert_eq!(count(word), Err(Stop::Fail(1, format!("invalid argument: {why}"))));
        }
    }

    #[test]
    fn seconds() {
        for (word, expected) in [
            ("1", 1000),
            ("0.2", 200),
            (".057", 57),
            ("1.", 1000),
            ("0.0009", 0),
            ("1e-1", 100),
            ("2E1", 20_000),
            ("+0.25", 250),
            ("-0", 0),
            ("2147483.647", i32::MAX as u32),
            ("0.100000000000000000000000000000001", 100),
            ("1e-400", 0),
            ("0e400", 0),
        ] {
            assert_eq!(millis(word.as_bytes(), "x"), Ok(expected), "{word}");
        }
        for word in ["", "abc", "-1", ".", "2147484", "1e400", "1e20", "99999999999999999999999999999999", "inf", "nan"]
        {
            assert_eq!(millis(word.as_bytes(), "linger time"), Err(Stop::Fail(2, format!("bad linger time: {word}"))));
        }
        for (word, rest) in [("0,5", ",5"), ("1s", "s"), ("1.2.3", ".3"), ("1e", "e")] {
            let text = format!("option argument contains garbage: {rest}");
            assert_eq!(millis(word.as_bytes(), "x"), Err(Stop::Fail(2, text)), "{word}");
        }
    }

    #[test]
    fn sources() {
        let parsed = |word: &str| parse(&words(&format!("ping -I {word} x"))).map(|args| args.options);
        let options = parsed("fe80::1%eth0").unwrap();
        assert_eq!((options.source_v6, options.device.as_deref()), ("fe80::1".parse().ok(), Some(&b"eth0"[..])));
        assert_eq!(parsed("10.0.0.1").unwrap().source_v4, "10.0.0.1".parse().ok());
        assert_eq!(parsed("lo%x").unwrap().device.as_deref(), Some(&b"lo%x"[..]));
        assert_eq!(parsed(":x").unwrap_err(), Stop::Fail(2, "invalid source address: :x".into()));
    }
}
