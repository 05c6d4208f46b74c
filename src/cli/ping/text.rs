//! The lines of iputils: in go events and statistics, out comes text.

use std::fmt::Write;
use std::net::SocketAddr;

use crate::cli::cursor::shown;
use crate::ping::{Event, Reply, TIMES, Tally};
use crate::sys::address::scope_name;
use crate::sys::icmp::Queued;

/// An address, with its interface if it means nothing without one.
pub fn address(addr: &SocketAddr) -> String {
    match addr {
        SocketAddr::V4(v4) => v4.ip().to_string(),
        SocketAddr::V6(v6) => match scope_name(v6) {
            Some(name) => format!("{}%{}", v6.ip(), shown(&name)),
            None => v6.ip().to_string(),
        },
    }
}

/// The line of an event on standard output; nothing for those that have none there.
pub fn event(event: &Event<'_>) -> String {
    match event {
        Event::Reply(reply) => self::reply(reply),
        Event::Refused { from, seq, error } => {
            let what = if from.is_ipv6() { icmpv6(error) } else { icmp(error) };
            format!("From {} icmp_seq={seq} {what}\n", address(from))
        }
        Event::Advice { from, seq, kind: 4, .. } => format!("From {}: icmp_seq={seq} Source Quench\n", address(from)),
        Event::Advice { from, seq, code, gateway, .. } => {
            let what = match code {
                0 => "Redirect Network",
                1 => "Redirect Host",
                2 => "Redirect Type of Service and Network",
                3 => "Redirect Type of Service and Host",
                _ => &format!("Redirect, Bad Code: {code}"),
            };
            format!("From {}: icmp_seq={seq} {what}(New nexthop: {gateway})\n", address(from))
        }
        Event::Outstanding(seq) => format!("no answer yet for icmp_seq={}\n", seq % (1 << 16)),
        _ => String::new(),
    }
}

fn reply(reply: &Reply<'_>) -> String {
    let len = reply.message.len();
    let mut line = format!("{len} bytes from {}: icmp_seq={}", address(&reply.from), reply.seq);
    if let Some(ttl) = reply.ttl {
        let _ = write!(line, " ttl={ttl}");
    }
    if len < reply.request.len() {
        return line + " (truncated)\n";
    }
    if let Some(time) = reply.time {
        line += " time=";
        round_trip(&mut line, time);
        line += " ms";
    }
    for (set, word) in
        [(reply.repeated, " (DUP!)"), (reply.corrupt, " (BAD CHECKSUM!)"), (reply.stranger, " (DIFFERENT ADDRESS!)")]
    {
        if set {
            line += word;
        }
    }
    compare(&mut line, reply);
    line.push('\n');
    line
}

/// A round-trip time in milliseconds: three digits after the point, or fewer if it is long.
fn round_trip(line: &mut String, time: u64) {
    let (divisor, places) = match time {
        99_950.. => (1000, 0),
        9_995.. => (100, 1),
        1_000.. => (10, 2),
        _ => (1, 3),
    };
    let rounded = time.saturating_add(divisor / 2) / divisor;
    let per_milli = 1000 / divisor;
    let _ = match places {
        0 => write!(line, "{rounded}"),
        _ => write!(line, "{}.{:02$}", rounded / per_milli, rounded % per_milli, places),
    };
}

/// Data that came back as other than they were sent.
fn compare(line: &mut String, reply: &Reply<'_>) {
    const START: usize = 8 + TIMES;
    let (sent, got) = (reply.request.get(START..), reply.message.get(START..));
    let (Some(sent), Some(got)) = (sent, got) else { return };
    let Some(wrong) = sent.iter().zip(got).position(|(sent, got)| sent != got) else { return };
    let number = TIMES + wrong;
    let _ = write!(line, "\nwrong data byte #{number} should be 0x{:x} but was 0x{:x}", sent[wrong], got[wrong]);
    for (number, byte) in (TIMES..).zip(got).take(sent.len()) {
        if number % 32 == TIMES {
            let _ = write!(line, "\n#{number}\t");
        }
        let _ = write!(line, "{byte:x} ");
    }
}

/// Codes of "destination unreachable" in their order (RFC 792, RFC 1122, RFC 1812); the fifth has a number
/// in it. One text, because a table of texts weighs more.
const UNREACHABLE: &str = "Destination Net Unreachable
Destination Host Unreachable
Destination Protocol Unreachable
Destination Port Unreachable
-
Source Route Failed
Destination Net Unknown
Destination Host Unknown
Source Host Isolated
Destination Net Prohibited
Destination Host Prohibited
Destination Net Unreachable for Type of Service
Destination Host Unreachable for Type of Service
Packet filtered
Precedence Violation
Precedence Cutoff";

/// The same of ICMPv6 (RFC 4443).
const UNREACHABLE_V6: &str = "No route
Administratively prohibited
Beyond scope of source address
Address unreachable
Port unreachable
Source address failed ingress/egress policy
Reject route to destination";

/// The line of a number, counted from 0. `None` past the last line.
fn nth(lines: &str, number: u8) -> Option<String> {
    lines.split('\n').nth(number.into()).map(str::to_owned)
}

/// Words of an ICMP error.
fn icmp(error: &Queued) -> String {
    let Queued { kind, code, info, .. } = *error;
    let (words, unknown) = match kind {
        3 if code == 4 => return format!("Frag needed and DF set (mtu = {info})"),
        3 => (nth(UNREACHABLE, code), "Dest Unreachable, Bad Code: "),
        11 => (nth("Time to live exceeded\nFrag reassembly time exceeded", code), "Time exceeded, Bad Code: "),
        12 => return format!("Parameter problem: pointer = {info}"),
        4 => return "Source Quench".into(),
        _ => return format!("Bad ICMP type: {kind}"),
    };
    words.unwrap_or_else(|| format!("{unknown}{code}"))
}

/// Words of an ICMPv6 error.
fn icmpv6(error: &Queued) -> String {
    let Queued { kind, code, info, .. } = *error;
    let (what, words, unknown) = match kind {
        1 => ("Destination unreachable: ", nth(UNREACHABLE_V6, code), "Unknown code "),
        2 if code == 0 => return format!("Packet too big: mtu={info}"),
        2 => return format!("Packet too big: mtu={info}, code={code}"),
        3 => ("Time exceeded: ", nth("Hop limit\nDefragmentation failure", code), "code "),
        4 => {
            let words = nth("Wrong header field\nUnknown header\nUnknown option", code);
            let words = words.unwrap_or_else(|| format!("code {code}"));
            return format!("Parameter problem: {words} at {info}");
        }
        _ => return format!("unknown icmp type: {kind}"),
    };
    what.to_owned() + &words.unwrap_or_else(|| format!("{unknown}{code}"))
}

/// The statistics at the end; `at_once` is interval 0.
pub fn statistics(host: &str, tally: &Tally, at_once: bool) -> String {
    let mut out = format!("\n--- {host} ping statistics ---\n");
    let _ = write!(out, "{} packets transmitted, {} received", tally.transmitted, tally.received);
    for (count, word) in [(tally.repeats, "duplicates"), (tally.corrupt, "corrupted"), (tally.errors, "errors")] {
        if count > 0 {
            let _ = write!(out, ", +{count} {word}");
        }
    }
    if tally.transmitted > 0 {
        out += ", ";
        percent(&mut out, tally.transmitted.saturating_sub(tally.received), tally.transmitted);
        let _ = write!(out, "% packet loss, time {}ms", (tally.elapsed + 500) / 1000);
    }
    out.push('\n');
    let mut comma = "";
    if let (Some(mean), Some(deviation)) = (tally.mean(), tally.deviation()) {
        out += "rtt min/avg/max/mdev = ";
        millis(&mut out, &[tally.times.min, mean, tally.times.max, deviation]);
        comma = ", ";
    }
    if tally.pipe > 1 {
        let _ = write!(out, "{comma}pipe {}", tally.pipe);
        comma = ", ";
    }
    if at_once && tally.received > 0 && tally.transmitted > 1 {
        let _ = write!(out, "{comma}ipg/ewma ");
        millis(&mut out, &[tally.elapsed / (tally.transmitted - 1), tally.times.moving / 8]);
    }
    out.push('\n');
    out
}

/// The line that `SIGQUIT` asks for, on standard error.
pub fn status(tally: &Tally) -> String {
    let lost = tally.transmitted.saturating_sub(tally.received);
    let loss = (lost * 100).checked_div(tally.transmitted).unwrap_or(0);
    let mut out = format!("\r{}/{} packets, {loss}% loss", tally.received, tally.transmitted);
    if let Some(mean) = tally.mean() {
        out += ", min/avg/ewma/max = ";
        millis(&mut out, &[tally.times.min, mean, tally.times.moving / 8, tally.times.max]);
    }
    out
}

/// Microseconds as milliseconds with three digits after the point, a `/` between each two.
fn millis(out: &mut String, times: &[u64]) {
    for (index, time) in times.iter().enumerate() {
        let slash = if index > 0 { "/" } else { "" };
        let _ = write!(out, "{slash}{}.{:03}", time / 1000, time % 1000);
    }
    *out += " ms";
}

/// `100 * part / whole` as `%g` prints it: six digits that count, no zeros at the end.
fn percent(out: &mut String, part: u64, whole: u64) {
    let scaled = |power: u64| (part.saturating_mul(100 * power) + whole / 2) / whole;
    let (mut power, mut places) = (1, 0);
    while places < 7 && scaled(power * 10) < 1_000_000 {
        (power, places) = (power * 10, places + 1);
    }
    let mut digits = scaled(power);
    while digits.is_multiple_of(10) && places > 0 {
        (digits, power, places) = (digits / 10, power / 10, places - 1);
    }
    *out += &(digits / power).to_string();
    if places > 0 {
        let fraction = (digits % power).to_string();
        out.push('.');
        *out += &"0".repeat(places - fraction.len());
        *out += &fraction;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_are_those_of_printf() {
        for (part, whole, expected) in [
            (0, 5, "0"),
            (5, 5, "100"),
            (1, 4, "25"),
            (1, 3, "33.3333"),
            (2, 3, "66.6667"),
            (154_687, 154_845, "99.898"),
            (1, 8, "12.5"),
            (1, 1000, "0.1"),
            (1, 999, "0.1001"),
            (1, 123_456, "0.00081"),
            (999_999, 1_000_000, "99.9999"),
            (9_999_999, 10_000_000, "100"),
        ] {
            let mut out = String::new();
            percent(&mut out, part, whole);
            assert_eq!(out, expected, "{part}/{whole}");
        }
    }

    #[test]
    fn round_trip_times_lose_digits_as_they_grow() {
        for (time, expected) in [
            (0, "0.000"),
            (37, "0.037"),
            (999, "0.999"),
            (1_000, "1.00"),
            (1_234, "1.23"),
            (1_235, "1.24"),
            (9_994, "9.99"),
            (9_995, "10.0"),
            (12_349, "12.3"),
            (99_949, "99.9"),
            (99_950, "100"),
            (1_234_567, "1235"),
        ] {
            let mut out = String::new();
            round_trip(&mut out, time);
            assert_eq!(out, expected, "{time}");
        }
    }

    fn request() -> Vec<u8> {
        (0..64).collect()
    }

    fn line(change: impl FnOnce(&mut Reply<'_>, &mut Vec<u8>)) -> String {
        let (request, mut message) = (request(), request());
        let mut changed = Reply {
            from: "10.0.0.1:0".parse().unwrap(),
            seq: 1,
            ttl: Some(64),
            time: Some(37),
            repeated: false,
            corrupt: false,
            stranger: false,
            message: &[],
            request: &request,
        };
        change(&mut changed, &mut message);
        reply(&Reply { message: &message, ..changed })
    }

    #[test]
    fn replies() {
        assert_eq!(line(|_, _| {}), "64 bytes from 10.0.0.1: icmp_seq=1 ttl=64 time=0.037 ms\n");
        assert_eq!(line(|_, m| m.truncate(20)), "20 bytes from 10.0.0.1: icmp_seq=1 ttl=64 (truncated)\n");
        let odd = line(|r, _| (r.repeated, r.corrupt, r.stranger) = (true, true, true));
        assert!(odd.ends_with("time=0.037 ms (DUP!) (BAD CHECKSUM!) (DIFFERENT ADDRESS!)\n"), "{odd}");
        assert!(!line(|r, _| r.time = None).contains("time"));
    }

    #[test]
    fn changed_data_are_shown() {
        let text = line(|_, message| message[30] = 0xff);
        let (first, dump) = text.split_once('\n').unwrap();
        assert_eq!(first, "64 bytes from 10.0.0.1: icmp_seq=1 ttl=64 time=0.037 ms");
        assert!(
            dump.starts_with("wrong data byte #22 should be 0x1e but was 0xff\n#16\t18 19 1a 1b 1c 1d ff 1f "),
            "{dump}"
        );
        assert!(dump.ends_with("\n#48\t38 39 3a 3b 3c 3d 3e 3f \n"), "{dump}");
        // The times are not compared: the request's are those of a later one.
        assert_eq!(line(|_, message| message[8..24].fill(0)), line(|_, _| {}));
    }

    #[test]
    fn errors_have_words() {
        let error = |kind, code, info| Queued { errno: 0, local: false, kind, code, info, offender: None };
        for (kind, code, expected) in [
            (3, 0, "Destination Net Unreachable"),
            (3, 1, "Destination Host Unreachable"),
            (3, 4, "Frag needed and DF set (mtu = 1400)"),
            (3, 13, "Packet filtered"),
            (3, 15, "Precedence Cutoff"),
            (3, 16, "Dest Unreachable, Bad Code: 16"),
            (11, 0, "Time to live exceeded"),
            (11, 2, "Time exceeded, Bad Code: 2"),
            (12, 0, "Parameter problem: pointer = 1400"),
            (99, 0, "Bad ICMP type: 99"),
        ] {
            assert_eq!(icmp(&error(kind, code, 1400)), expected);
        }
        for (kind, code, expected) in [
            (1, 0, "Destination unreachable: No route"),
            (1, 6, "Destination unreachable: Reject route to destination"),
            (1, 7, "Destination unreachable: Unknown code 7"),
            (2, 0, "Packet too big: mtu=1400"),
            (2, 1, "Packet too big: mtu=1400, code=1"),
            (3, 0, "Time exceeded: Hop limit"),
            (3, 2, "Time exceeded: code 2"),
            (4, 2, "Parameter problem: Unknown option at 1400"),
            (4, 3, "Parameter problem: code 3 at 1400"),
            (9, 0, "unknown icmp type: 9"),
        ] {
            assert_eq!(icmpv6(&error(kind, code, 1400)), expected);
        }
    }

    #[test]
    fn the_end() {
        let mut tally = Tally::new(true);
        for _ in 0..3 {
            tally.sent();
        }
        tally.elapsed = 409_400;
        assert_eq!(
            statistics("x", &tally, false),
            "\n--- x ping statistics ---\n3 packets transmitted, 0 received, 100% packet loss, time 409ms\n\n"
        );
        tally.errors = 1;
        tally.answer(1, Some(17));
        tally.answer(2, Some(43));
        tally.answer(2, Some(36));
        assert_eq!(
            statistics("x", &tally, true),
            "\n--- x ping statistics ---\n\
             3 packets transmitted, 2 received, +1 duplicates, +1 errors, 33.3333% packet loss, time 409ms\n\
             rtt min/avg/max/mdev = 0.017/0.032/0.043/0.010 ms, pipe 3, ipg/ewma 204.700/0.022 ms\n"
        );
        assert_eq!(status(&tally), "\r2/3 packets, 33% loss, min/avg/ewma/max = 0.017/0.032/0.022/0.043 ms");
    }

    #[test]
    fn nothing_sent_has_no_loss() {
        assert_eq!(
            statistics("x", &Tally::new(true), false),
            "\n--- x ping statistics ---\n0 packets transmitted, 0 received\n\n"
        );
        assert_eq!(status(&Tally::new(true)), "\r0/0 packets, 0% loss");
    }
}
