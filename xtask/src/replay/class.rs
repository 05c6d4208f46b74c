//! What kind of answer standard error is. In: the text. Out: a class that is the same for the
//! same kind of complaint, whatever names and numbers it has.

/// Starts of messages, and their class.
const CLASSES: &[(&str, &str)] = &[
    ("Usage:", "usage"),
    ("RTNETLINK answers: ", "RTNETLINK answers"),
    ("Cannot find device", "Cannot find device"),
    ("Error: argument \"", "Error: argument"),
    ("Error: duplicate \"", "Error: duplicate"),
    ("Error: either \"", "Error: garbage"),
    ("Error: an ", "Error: address"),
    ("Error: any valid", "Error: address"),
    ("Error: inet", "Error: address"),
    ("Error: Invalid", "Error: <ext-ack>"),
    ("Not enough information", "Not enough information"),
    ("Command line is not complete", "Command line is not complete"),
    ("Cannot open network namespace", "Cannot open network namespace"),
];

/// The class of what was written to standard error by a command that ended with a code.
pub fn class(err: &str, code: i32) -> String {
    let Some(first) = err.lines().find(|line| !line.trim().is_empty()) else { return "nothing".into() };
    if first.ends_with("not supported by netstrap") {
        return "not supported".into();
    }
    if let Some((_, class)) = CLASSES.iter().find(|(start, _)| first.starts_with(start)) {
        return class.to_string();
    }
    if code == 2 && first.starts_with("Error: ") {
        return "Error: <ext-ack>".into();
    }
    masked(first)
}

/// A message without what it quotes and without its numbers.
pub fn masked(text: &str) -> String {
    let mut out = String::new();
    for (number, part) in text.split('"').enumerate() {
        match number % 2 {
            1 => out += "\"_\"",
            _ => out.extend(part.chars().filter(|char| !char.is_ascii_digit())),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes() {
        assert_eq!(class("", 0), "nothing");
        assert_eq!(class("\nUsage: ip link\n", 255), "usage");
        assert_eq!(class("RTNETLINK answers: File exists\n", 2), "RTNETLINK answers");
        assert_eq!(class("Error: argument \"x\" is wrong: y\n\n", 255), "Error: argument");
        assert_eq!(class("Error: ipv4: FIB table does not exist.\nDump terminated\n", 2), "Error: <ext-ack>");
        assert_eq!(class("ip: \"xfrm\" is not supported by netstrap\n", 1), "not supported");
        assert_eq!(class("Command \"a\" is unknown, try 1", 255), class("Command \"b\" is unknown, try 2", 255));
        assert_ne!(class("Object \"a\" is unknown", 1), class("Option \"a\" is unknown", 1));
    }
}
