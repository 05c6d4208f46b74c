//! What differs from run to run, made equal. In: output of `ip` or `ping`. Out: the same text
//! with hardware and link-local addresses, timers and counters replaced.

/// Before numbers that tell the time or count.
const KEYS: &[&str] = &[
    "valid_lft",
    "preferred_lft",
    "\"valid_life_time\":",
    "\"preferred_life_time\":",
    "expires",
    "\"expires\":",
    "used",
    "probes",
    "\"used\":",
    "\"confirmed\":",
    "\"updated\":",
    "\"probes\":",
    "time=",
    ", time",
    "mdev =",
    "_timer",
    "_timer\":",
    "pid",
];

/// The text with a mask over what differs from run to run.
pub fn masked(text: &str) -> String {
    let text = statistics(&addresses(text));
    let lines: Vec<String> =
        text.split('\n').map(|line| if counts(line) { "COUNTERS".into() } else { numbers(line) }).collect();
    lines.join("\n")
}

/// Hardware and link-local addresses.
fn addresses(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let inside = out.ends_with(|before: char| before.is_ascii_hexdigit() || before == ':');
        let end = rest.find(|char: char| !(char.is_ascii_hexdigit() || char == ':')).unwrap_or(rest.len());
        let word = &rest[..end];
        if !inside && is_mac(word) {
            out += if matches!(word, "ff:ff:ff:ff:ff:ff" | "00:00:00:00:00:00") { word } else { "MAC" };
            rest = &rest[end..];
        } else if !inside && word.starts_with("fe80::") {
            out += "LINKLOCAL";
            rest = &rest[end..];
        } else {
            out.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    out
}

fn is_mac(word: &str) -> bool {
    word.len() == 17 && word.split(':').all(|part| part.len() == 2)
}

/// Whether a line holds counters only.
fn counts(line: &str) -> bool {
    line.split_whitespace().count() > 2 && line.chars().all(|char| char.is_ascii_digit() || char == ' ')
}

/// The numbers of JSON's `"stats64":{"rx":{...},"tx":{...}}`.
fn statistics(text: &str) -> String {
    let mut parts = text.split("\"stats64\":");
    let mut out = parts.next().unwrap_or_default().to_string();
    for part in parts {
        let end = part.find("}}").unwrap_or(part.len());
        out += "\"stats64\":";
        out.extend(part[..end].chars().filter(|char| !char.is_ascii_digit()));
        out += &part[end..];
    }
    out
}

/// The numbers after the keys.
fn numbers(line: &str) -> String {
    let mut out = line.to_string();
    for key in KEYS {
        let mut from = 0;
        while let Some(at) = out[from..].find(key) {
            let start = from + at + key.len();
            let blank = out[start..].len() - out[start..].trim_start_matches(' ').len();
            let number = out[start + blank..].find(|char: char| !(char.is_ascii_digit() || "./".contains(char)));
            let end = start + blank + number.unwrap_or(out.len() - start - blank);
            if end > start + blank {
                out.replace_range(start..end, " N");
            }
            from = start;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_masked_where_they_are_whole() {
        assert_eq!(
            masked("link/ether 3a:4a:25:df:42:13 brd ff:ff:ff:ff:ff:ff"),
            "link/ether MAC brd ff:ff:ff:ff:ff:ff"
        );
        assert_eq!(masked("bridge_id 8000.3a:4a:25:df:42:13 x"), "bridge_id 8000.MAC x");
        assert_eq!(masked("inet6 fe80::384a:25ff:fedf:4213/64"), "inet6 LINKLOCAL/64");
        assert_eq!(masked("2001:db8::1"), "2001:db8::1");
    }

    #[test]
    fn timers_and_counters() {
        assert_eq!(masked("valid_lft 98sec preferred_lft forever"), "valid_lft Nsec preferred_lft forever");
        assert_eq!(masked("gc_timer   12.34 x"), "gc_timer N x");
        assert_eq!(masked("ref 1 used 0/0/0probes 4 REACHABLE"), "ref 1 used Nprobes N REACHABLE");
        assert_eq!(masked("    RX:  bytes\n     90   1   0\n"), "    RX:  bytes\nCOUNTERS\n");
        assert_eq!(masked("\"stats64\":{\"rx\":{\"bytes\":12}},\"x\":1"), "\"stats64\":{\"rx\":{\"bytes\":}},\"x\":1");
        assert_eq!(masked("usedbcqueuelen 1000 mtu 1500"), "usedbcqueuelen 1000 mtu 1500");
    }
}
