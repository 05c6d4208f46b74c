//! Rule specs from a seed: every match and target of tiers 1 and 2, where iptables takes it, with addresses,
//! interfaces, protocols, ports, inversions and comments drawn from what people and the corners of the formats have.

use super::matches;

/// A rule that is to be written.
pub struct Spec {
    /// `iptables` or `ip6tables`.
    pub tool: &'static str,
    pub table: &'static str,
    pub chain: &'static str,
    /// What comes after the chain.
    pub words: Vec<String>,
}

impl Spec {
    /// The words of a command, `-A` or another with the same words.
    pub fn command<'a>(&'a self, verb: &'a str) -> Vec<&'a str> {
        let mut words = vec![self.tool, "-t", self.table, verb, self.chain];
        words.extend(self.words.iter().map(String::as_str));
        words
    }
}

/// Numbers that are the same for the same seed (xorshift64*).
pub struct Draw(pub u64);

impl Draw {
    /// Below `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % limit
    }

    pub fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
}

/// User chains that every table has.
pub const USER_CHAINS: [&str; 2] = ["USER-A", "user_b.with:odd/name"];

/// Tables with their chains, those twice that more rules shall go to.
const PLACES: &[(&str, &[&str])] = &[
    ("filter", &["INPUT", "FORWARD", "OUTPUT", "USER-A"]),
    ("nat", &["PREROUTING", "OUTPUT", "POSTROUTING", "POSTROUTING", "INPUT", "USER-A"]),
    ("filter", &["INPUT", "FORWARD", "OUTPUT", "USER-A"]),
    ("mangle", &["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING", "USER-A"]),
    ("nat", &["PREROUTING", "OUTPUT", "POSTROUTING", "USER-A"]),
    ("raw", &["PREROUTING", "OUTPUT", "USER-A"]),
];

const NETS_4: &[&str] = &[
    "10.0.0.0/8",
    "192.168.15.0/24",
    "192.168.15.77/24",
    "172.16.0.0/12",
    "1.2.3.4",
    "1.2.3.4/32",
    "10.1.2.3/20",
    "10.1.2.3/31",
    "128.0.0.0/1",
    "10.1.2.3/255.255.255.0",
    "1.2.3.4/0.255.0.255",
    "1.2.3.4/255.255.255.254",
    "0/0",
    "0.0.0.0/0",
    "255.255.255.255",
    "224.0.0.0/4",
    "10/8",
    "0.0.0.0",
    "127.0.0.1/8",
];

const NETS_6: &[&str] = &[
    "fd00::/8",
    "2001:db8::1",
    "2001:db8::1/128",
    "2001:db8:1:2::/64",
    "2001:db8:1:2:3:4:5:6/65",
    "fe80::/10",
    "::/0",
    "::1",
    "::",
    "2001:db8::ff00/120",
    "2001:db8::1/ffff:ffff::ffff",
    "8000::/1",
    "::ffff:1.2.3.4",
    "ff02::1:ff00:0/104",
    "2001:db8::1/127",
];

pub const INTERFACES: &[&str] = &[
    "eth0",
    "wg0",
    "lo",
    "eth+",
    "e+",
    "+",
    "abcdefghijklmno",
    "abcdefghijklmn+",
    "veth:1",
    "br-1a2b3c",
    "a.100",
    "1",
];

const PORTS: &[&str] =
    &["22", "0", "65535", "80:443", ":1023", "1024:", "0:65535", "1:1", "53:53", "ssh", "domain:853", "0x50", "8080"];

const COMMENTS: &[&str] = &[
    "plain",
    "two words",
    "",
    "it's",
    "a \"quoted\" word",
    "back\\slash",
    "-leading dash",
    "! not",
    "tab\there",
    "100% $HOME `x` {} [] ; | & # *",
    "umlaut äöü 漢字 🦀",
    " blanks around ",
    "name: \"podman\" id: \"8d2f4f0a\"",
    "trailing\\",
    "/* c */",
    "-j DROP",
];

/// A rule being drawn.
pub struct Making<'a> {
    pub draw: &'a mut Draw,
    pub six: bool,
    pub table: &'static str,
    pub chain: &'static str,
    pub protocol: Option<&'static str>,
    pub words: Vec<String>,
}

/// The specs of a seed.
pub fn specs(seed: u64, count: usize) -> Vec<Spec> {
    let mut draw = Draw(seed);
    let mut specs: Vec<Spec> = Vec::new();
    while specs.len() < count {
        let turn = specs.len();
        let six = draw.chance(35);
        let (table, chains) = PLACES[turn % PLACES.len()];
        let chain = draw.one(chains);
        let mut making = Making { draw: &mut draw, six, table, chain, protocol: None, words: Vec::new() };
        making.rule();
        let words = making.words;
        let tool = if six { "ip6tables" } else { "iptables" };
        if !specs.iter().any(|s| s.tool == tool && (s.table, s.chain, &s.words) == (table, chain, &words)) {
            specs.push(Spec { tool, table, chain, words });
        }
    }
    specs
}

impl Making<'_> {
    pub fn add(&mut self, words: &str) {
        self.words.extend(words.split(' ').map(str::to_owned));
    }

    pub fn maybe_not(&mut self, percent: usize) {
        if self.draw.chance(percent) {
            self.add("!");
        }
    }

    pub fn user(&self) -> bool {
        self.chain == "USER-A"
    }

    /// Whether the chain is one of these, or reached from anywhere.
    fn in_any(&self, chains: &[&str]) -> bool {
        self.user() || chains.contains(&self.chain)
    }

    fn rule(&mut self) {
        self.addresses();
        self.interfaces();
        self.protocol();
        let target = self.target();
        for _ in 0..self.draw.one(&[0, 1, 1, 1, 2, 3]) {
            let kind = self.draw.below(matches::MATCHES.len());
            // What iptables takes once only, and what would be the same option again, is not drawn twice.
            let name = matches::MATCHES[kind].0;
            if !self.words.iter().any(|word| word == name) {
                matches::MATCHES[kind].1(self);
            }
        }
        let comment = self.draw.chance(20);
        let comment_last = self.draw.chance(30);
        if comment && !comment_last {
            self.comment();
        }
        self.words.extend(target);
        if comment && comment_last {
            self.comment();
        }
    }

    fn comment(&mut self) {
        let text = self.draw.one(COMMENTS);
        self.add("-m comment --comment");
        self.words.push(text.to_owned());
    }

    fn net(&mut self) -> &'static str {
        let nets = if self.six { NETS_6 } else { NETS_4 };
        self.draw.one(nets)
    }

    pub fn addresses(&mut self) {
        for option in [["-s", "--source", "--src"], ["-d", "--destination", "--dst"]] {
            if self.draw.chance(35) {
                let net = self.net();
                // All addresses inverted is refused.
                if !net.ends_with("/0") {
                    self.maybe_not(25);
                }
                let option = self.draw.one(&option);
                self.add(option);
                self.add(net);
            }
        }
    }

    fn interfaces(&mut self) {
        let input = self.in_any(&["PREROUTING", "INPUT", "FORWARD"]);
        let output = self.in_any(&["POSTROUTING", "OUTPUT", "FORWARD"]);
        for (fits, option) in [(input, ["-i", "--in-interface"]), (output, ["-o", "--out-interface"])] {
            if fits && self.draw.chance(30) {
                self.maybe_not(25);
                let (option, name) = (self.draw.one(&option), self.draw.one(INTERFACES));
                self.add(option);
                self.add(name);
            }
        }
    }

    fn protocol(&mut self) {
        let icmp = if self.six { "icmpv6" } else { "icmp" };
        let protocol = self.draw.one(&[
            None,
            None,
            Some("tcp"),
            Some("tcp"),
            Some("tcp"),
            Some("udp"),
            Some("udp"),
            Some(icmp),
            Some("sctp"),
            Some("esp"),
            Some("47"),
            Some("all"),
            Some("99"),
        ]);
        let Some(protocol) = protocol else { return };
        let has_options = matches!(protocol, "tcp" | "udp" | "icmp" | "icmpv6");
        let inverted = protocol != "all" && self.draw.chance(if has_options { 5 } else { 20 });
        if inverted {
            self.add("!");
        } else {
            self.protocol = Some(protocol);
        }
        let option = self.draw.one(&["-p", "-p", "--protocol", "--proto"]);
        self.add(option);
        self.add(protocol);
        if has_options && !inverted && self.draw.chance(75) {
            let named = self.draw.chance(50);
            if named {
                self.add("-m");
                self.add(if protocol == "icmpv6" { "icmp6" } else { protocol });
            }
            match protocol {
                "tcp" | "udp" => self.ports(protocol == "tcp"),
                // An ICMP match that is named needs its type.
                _ => self.icmp(),
            }
        }
    }

    fn ports(&mut self, tcp: bool) {
        for option in [["--sport", "--source-port"], ["--dport", "--destination-port"]] {
            if self.draw.chance(50) {
                let (option, port) = (self.draw.one(&option), self.draw.one(PORTS));
                // iptables-nft writes "no port at all" as no condition, which is the contrary.
                self.maybe_not(if port == "0:65535" { 0 } else { 20 });
                self.add(option);
                // iptables reads hexadecimal ports for TCP only.
                self.add(if tcp || port != "0x50" { port } else { "80" });
            }
        }
        if tcp && self.draw.chance(35) {
            self.maybe_not(25);
            let flags = ["--syn", "--syn", "--tcp-flags SYN,RST SYN", "--tcp-flags ALL NONE", "--tcp-flags ALL ALL"];
            let more = ["--tcp-flags SYN,ACK,FIN,RST SYN", "--tcp-flags ALL FIN,URG,PSH", "--tcp-flags FIN FIN"];
            let all: Vec<&str> = flags.into_iter().chain(more).collect();
            let flags = self.draw.one(&all);
            self.add(flags);
        }
        if tcp && self.draw.chance(8) {
            self.maybe_not(50);
            self.add("--tcp-option 8");
        }
    }

    fn icmp(&mut self) {
        self.maybe_not(20);
        if self.six {
            let kind = self.draw.one(&["echo-request", "128", "router-advertisement", "1/4", "135/0", "no-route", "2"]);
            self.add("--icmpv6-type");
            self.add(kind);
        } else {
            let kind =
                self.draw.one(&["echo-request", "8", "0", "3/4", "any", "fragmentation-needed", "network-redirect"]);
            self.add("--icmp-type");
            self.add(kind);
        }
    }
}
