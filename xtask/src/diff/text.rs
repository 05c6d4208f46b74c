//! How two listings differ as text: where, and a cause that is the same for every device.

/// The first difference of two texts.
#[derive(Debug, PartialEq, Eq)]
pub struct Difference {
    /// Number of the line, from 0.
    pub line: usize,
    /// What is wrong, with numbers, addresses and names of devices made equal.
    pub cause: String,
    /// The line wanted.
    pub theirs: String,
    /// The line found.
    pub ours: String,
}

/// All lines that differ, or the first one if there are more on one side.
pub fn compare(theirs: &str, ours: &str) -> Vec<Difference> {
    let (theirs, ours): (Vec<&str>, Vec<&str>) = (theirs.split('\n').collect(), ours.split('\n').collect());
    let mut found = Vec::new();
    for line in 0..theirs.len().max(ours.len()) {
        let (one, other) = (theirs.get(line).unwrap_or(&"<end>"), ours.get(line).unwrap_or(&"<end>"));
        if one == other {
            continue;
        }
        let cause = cause(one, other);
        found.push(Difference { line, cause, theirs: one.to_string(), ours: other.to_string() });
        if theirs.len() != ours.len() {
            break;
        }
    }
    found
}

/// `after WORD: WANTED, not FOUND`.
fn cause(theirs: &str, ours: &str) -> String {
    let (theirs, ours): (Vec<&str>, Vec<&str>) = (theirs.split(' ').collect(), ours.split(' ').collect());
    let same = theirs.iter().zip(&ours).take_while(|(one, other)| one == other).count();
    let word = |words: &[&str]| match words.get(same) {
        None => "end of line".to_string(),
        Some(&"") => "a blank".to_string(),
        Some(word) => general(word),
    };
    let before = theirs[..same].iter().rev().find(|word| !word.is_empty()).map(|word| general(word));
    format!("after {}: {}, not {}", before.unwrap_or_else(|| "start".to_string()), word(&theirs), word(&ours))
}

/// A word without what is of one device only: digits and what stands between them.
pub fn general(word: &str) -> String {
    if word.contains(|c: char| c.is_ascii_digit()) {
        let hex = |c: char| c.is_ascii_hexdigit() || ".:/".contains(c);
        if word.chars().all(hex) && word.contains([':', '.']) {
            return "ADDRESS".to_string();
        }
    }
    let mut out = String::new();
    for c in word.chars() {
        match c.is_ascii_digit() {
            false => out.push(c),
            true if out.ends_with('N') => {}
            true => out.push('N'),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn causes(theirs: &str, ours: &str) -> Vec<String> {
        compare(theirs, ours).into_iter().map(|difference| difference.cause).collect()
    }

    #[test]
    fn a_cause_does_not_name_one_device() {
        assert_eq!(causes("mtu 1500 qdisc x\n", "mtu 1500 qdisc x\n"), [""; 0]);
        assert_eq!(causes("a mtu 1500 q", "a mtu 1501 q"), ["after mtu: N, not N"]);
        assert_eq!(causes("inet 10.0.0.1/8 brd", "inet 10.0.0.1/8"), ["after ADDRESS: brd, not end of line"]);
        assert_eq!(causes("x \ny", "x\ny"), ["after x: a blank, not end of line"]);
        assert_eq!(causes("a\nb", "a"), ["after start: b, not <end>"]);
        assert_eq!(
            causes("veta3: up\nz 1\n", "veta3: down\nz 2\n"),
            ["after vetaN:: up, not down", "after z: N, not N"]
        );
    }

    #[test]
    fn words_are_generalised() {
        assert_eq!(general("2001:db8::1/64"), "ADDRESS");
        assert_eq!(general("dead"), "dead");
        assert_eq!(general("vxl12@if34:"), "vxlN@ifN:");
    }
}
