//! One `ip` command line taken apart as far as a replay needs. In: words. Out: where the
//! object and the verb stand, in which namespace they act, and which program is started.

/// Objects in the order in which iproute2 6.1 tries an abbreviation.
const OBJECTS: &[&str] = &[
    "address",
    "addrlabel",
    "maddress",
    "route",
    "rule",
    "neighbor",
    "neighbour",
    "ntable",
    "ntbl",
    "link",
    "l2tp",
    "fou",
    "ila",
    "macsec",
    "tunnel",
    "tunl",
    "tuntap",
    "tap",
    "token",
    "tcpmetrics",
    "tcp_metrics",
    "monitor",
    "xfrm",
    "mroute",
    "mrule",
    "netns",
    "netconf",
    "vrf",
    "sr",
    "nexthop",
    "mptcp",
    "ioam",
    "help",
    "stats",
];

/// What a verb does to its object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Makes it: it must not be there.
    Add,
    /// Makes it or takes the one that is there.
    Replace,
    /// Needs one that is there.
    Change,
    /// Removes one that is there.
    Delete,
    /// Changes a device.
    Set,
    /// Reads many.
    Show,
    /// Reads one.
    Get,
    /// Starts a program.
    Exec,
    /// Anything else.
    Other,
}

/// A command line, its words without the program's own name.
#[derive(Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// All words.
    pub words: &'a [String],
    /// Namespaces entered from outside to inside: by `-n` and by `netns exec`.
    pub spaces: Vec<&'a str>,
    /// The object's full name; empty if there is none that iproute2 knows.
    pub object: &'static str,
    /// What is done to it.
    pub verb: Verb,
    /// Where the verb stands, or would.
    pub verb_at: usize,
    /// Where a program stands that is not `ip`.
    pub program: Option<usize>,
}

/// Whether an option is followed by a value of its own.
fn takes_value(option: &str) -> bool {
    let name = option.strip_prefix("--").or(option.strip_prefix('-')).unwrap_or_default();
    let is = |keyword: &str| !name.is_empty() && keyword.starts_with(name);
    is("family") || is("loops") || is("batch") || is("netns") || (is("rcvbuf") && name.len() > 1)
}

/// The verb that a word stands for.
fn verb(object: &str, word: &str) -> Verb {
    let is = |keyword: &str| keyword.starts_with(word);
    match object {
        "netns" if is("exec") => Verb::Exec,
        "vrf" if is("exec") => Verb::Exec,
        _ if is("add") || is("append") || is("prepend") || is("attach") => Verb::Add,
        _ if word == "chg" || is("change") => Verb::Change,
        _ if is("replace") => Verb::Replace,
        _ if is("delete") => Verb::Delete,
        "link" | "netns" | "token" if is("set") => Verb::Set,
        _ if is("show") || is("list") || word == "ls" || is("lst") || is("pids") || is("identify") => Verb::Show,
        _ if is("get") || is("test") => Verb::Get,
        _ => Verb::Other,
    }
}

impl<'a> Line<'a> {
    /// Takes a command line apart.
    pub fn of(words: &'a [String]) -> Self {
        let mut line =
            Line { words, spaces: Vec::new(), object: "", verb: Verb::Show, verb_at: words.len(), program: None };
        line.read(0);
        line
    }

    fn read(&mut self, mut at: usize) {
        let words = self.words;
        while let Some(option) = words.get(at).filter(|word| word.starts_with('-')) {
            at += 1;
            if takes_value(option) {
                if let Some(space) = words.get(at).filter(|_| option.trim_start_matches('-').starts_with('n')) {
                    self.spaces.push(space);
                }
                at += 1;
            }
        }
        let Some(object) = words.get(at) else { return };
        self.object = OBJECTS.iter().find(|known| known.starts_with(object.as_str())).copied().unwrap_or_default();
        self.verb_at = at + 1;
        let Some(word) = words.get(at + 1) else { return };
        self.verb = verb(self.object, word);
        let (Verb::Exec, Some(name)) = (self.verb, words.get(at + 2)) else { return };
        if self.object == "netns" {
            self.spaces.push(name);
        }
        match words.get(at + 3) {
            Some(program) if program == "ip" => self.read(at + 4),
            Some(_) => self.program = Some(at + 3),
            None => {}
        }
    }

    /// The words after the verb.
    pub fn rest(&self) -> &'a [String] {
        self.words.get(self.verb_at + 1..).unwrap_or_default()
    }

    /// How many words `ip` itself judges: those of a program that is started are its own.
    pub fn judged(&self) -> usize {
        self.program.map_or(self.words.len(), |at| at + 1)
    }

    /// Whether a success leaves everything as it was.
    pub fn only_reads(&self) -> bool {
        self.object == "help" || matches!(self.verb, Verb::Show | Verb::Get | Verb::Exec)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_string).collect()
    }

    #[test]
    fn abbreviations_and_options() {
        let words = words("-6 -n red -br ro d 10.0.0.0/8 dev x");
        let line = Line::of(&words);
        assert_eq!((line.object, line.verb, line.verb_at), ("route", Verb::Delete, 5));
        assert_eq!(line.spaces, ["red"]);
        assert_eq!(line.rest(), ["10.0.0.0/8", "dev", "x"]);
        assert!(!line.only_reads());
    }

    #[test]
    fn a_command_within_a_namespace() {
        let inner = words("netns exec blue ip -4 li set x up");
        let line = Line::of(&inner);
        assert_eq!((line.object, line.verb, line.verb_at), ("link", Verb::Set, 6));
        assert_eq!((line.spaces.as_slice(), line.judged()), (&["blue"][..], 9));
        let other = words("netns exec blue ping -c 1 x");
        let line = Line::of(&other);
        assert_eq!((line.program, line.judged(), line.only_reads()), (Some(3), 4, true));
    }

    #[test]
    fn what_is_missing() {
        assert_eq!(Line::of(&[]).object, "");
        let nothing = words("foo bar");
        assert_eq!((Line::of(&nothing).object, Line::of(&nothing).verb_at), ("", 1));
        let lone = words("-n");
        assert_eq!(Line::of(&lone).verb_at, 1);
    }
}
