//! Targets that are drawn, as far as the chain and the protocol take them.

use super::generate::{Making, USER_CHAINS};

impl Making<'_> {
    /// The words of a target that the place takes.
    pub fn target(&mut self) -> Vec<String> {
        let mut kinds: Vec<&str> = vec!["ACCEPT", "RETURN", "chain", "-", "LOG"];
        match self.table {
            "nat" => {
                // The interesting ones more often than the verdicts.
                kinds.truncate(4);
                if self.chain == "POSTROUTING" {
                    kinds.extend(["MASQUERADE", "MASQUERADE", "MASQUERADE", "SNAT", "SNAT", "SNAT"]);
                } else if self.chain == "INPUT" {
                    kinds.extend(["SNAT", "SNAT"]);
                } else if self.chain == "USER-A" {
                    kinds.push("MARK");
                } else {
                    kinds.extend(["DNAT", "DNAT", "DNAT", "DNAT", "REDIRECT", "REDIRECT"]);
                }
            }
            "filter" => kinds.extend(["DROP", "ACCEPT", "REJECT", "REJECT", "LOG"]),
            "mangle" => {
                kinds.extend(["DROP", "MARK", "MARK", "MARK"]);
                // The packet's path has a size only where it is sent from.
                if matches!(self.chain, "FORWARD" | "OUTPUT" | "POSTROUTING" | "USER-A") {
                    kinds.extend(["TCPMSS", "TCPMSS", "TCPMSS"]);
                }
            }
            _ => kinds.push("DROP"),
        }
        let kind = self.draw.one(&kinds);
        let text = match kind {
            "-" => return Vec::new(),
            "ACCEPT" | "RETURN" | "DROP" => format!("-j {kind}"),
            "chain" => {
                let to = if self.user() { USER_CHAINS[1] } else { self.draw.one(&USER_CHAINS) };
                format!("{} {to}", self.draw.one(&["-j", "-j", "-g", "--jump", "--goto"]))
            }
            "MASQUERADE" => format!("-j MASQUERADE{}", self.nat_flags(&[" --random", " --random-fully"], "--to-ports")),
            "SNAT" => {
                let to = self.draw.one(&["--to-source", "--to"]);
                let new = self.new_address(true);
                format!("-j SNAT {to} {new}{}", self.flags(&[" --random", " --random-fully", " --persistent"]))
            }
            "DNAT" => {
                let to = self.draw.one(&["--to-destination", "--to"]);
                let new = self.new_address(false);
                format!("-j DNAT {to} {new}{}", self.flags(&[" --random", " --persistent"]))
            }
            "REDIRECT" => format!("-j REDIRECT{}", self.nat_flags(&[" --random"], "--to-ports")),
            "REJECT" => self.reject(),
            "LOG" => self.log(),
            "MARK" => {
                let option = self.draw.one(&["--set-mark", "--set-xmark", "--and-mark", "--or-mark", "--xor-mark"]);
                let value = self.draw.one(&["1", "0x4000", "0", "0xffffffff", "99", "0xca6c"]);
                let mask = if option.starts_with("--set") {
                    self.draw.one(&["", "/0xff", "/0xffff0000", "/0x4000"])
                } else {
                    ""
                };
                format!("-j MARK {option} {value}{mask}")
            }
            _ => self.tcpmss(),
        };
        text.split(' ').map(|word| word.replace('\u{a0}', " ")).collect()
    }

    fn flags(&mut self, flags: &[&str]) -> String {
        flags.iter().filter(|_| self.draw.chance(20)).copied().collect()
    }

    pub fn has_ports(&self) -> bool {
        matches!(self.protocol, Some("tcp" | "udp" | "sctp"))
    }

    fn nat_flags(&mut self, flags: &[&str], option: &str) -> String {
        let mut text = String::new();
        if self.has_ports() && self.draw.chance(60) {
            text = format!(" {option} {}", self.draw.one(&["8080", "1024-65535", "1-1", "3128"]));
        }
        text + &self.flags(flags)
    }

    fn new_address(&mut self, source: bool) -> String {
        let ports = self.has_ports() && self.draw.chance(50);
        let port = self.draw.one(&["80", "1024-2048", "65535", "1-65535"]);
        let range = self.draw.chance(30);
        if self.six {
            let address =
                if range { "fd00::10-fd00::1f" } else { self.draw.one(&["fd00::1", "2001:db8:1:2:3:4:5:6", "::1"]) };
            // Brackets go around the whole range.
            return if ports { format!("[{address}]:{port}") } else { address.to_owned() };
        }
        let address =
            if range { "10.99.0.9-10.99.0.20" } else { self.draw.one(&["10.99.0.9", "203.0.113.5", "127.0.0.1"]) };
        match (ports, source || self.draw.chance(80)) {
            (true, true) => format!("{address}:{port}"),
            (true, false) => format!(":{port}"),
            (false, _) => address.to_owned(),
        }
    }

    fn reject(&mut self) -> String {
        let reset = self.protocol == Some("tcp");
        let four: &[&str] = &[
            "icmp-port-unreachable",
            "icmp-host-prohibited",
            "icmp-admin-prohibited",
            "icmp-net-unreachable",
            "icmp-proto-unreachable",
            "icmp-host-unreachable",
            "icmp-net-prohibited",
            "host-prohib",
        ];
        let six: &[&str] =
            &["icmp6-adm-prohibited", "icmp6-no-route", "icmp6-addr-unreachable", "icmp6-port-unreachable"];
        match (self.draw.chance(25), reset && self.draw.chance(50)) {
            (true, _) => "-j REJECT".to_owned(),
            (_, true) => "-j REJECT --reject-with tcp-reset".to_owned(),
            _ => format!("-j REJECT --reject-with {}", self.draw.one(if self.six { six } else { four })),
        }
    }

    fn log(&mut self) -> String {
        let mut text = "-j LOG".to_owned();
        if self.draw.chance(70) {
            // A blank that is no end of a word.
            let prefix = [
                "IPT:\u{a0}",
                "[UFW\u{a0}BLOCK]\u{a0}",
                "a\"b\\c'",
                "x",
                "29\u{a0}characters\u{a0}long\u{a0}prefix\u{a0}!!",
            ];
            text += &format!(" --log-prefix {}", self.draw.one(&prefix));
        }
        if self.draw.chance(50) {
            text += &format!(" --log-level {}", self.draw.one(&["4", "7", "0", "debug", "warning", "info", "crit"]));
        }
        text + &self.flags(&[
            " --log-tcp-sequence",
            " --log-tcp-options",
            " --log-ip-options",
            " --log-uid",
            " --log-macdecode",
        ])
    }

    /// Only for packets with SYN, which the rule has to say.
    fn tcpmss(&mut self) -> String {
        let has = |words: &[String], list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
        if !has(&self.words, &["-p", "--protocol", "--proto"]) {
            self.add("-p tcp");
            self.protocol = Some("tcp");
        }
        if self.protocol != Some("tcp") || has(&self.words, &["--tcp-flags", "--syn", "--tcp-option"]) {
            return "-j ACCEPT".to_owned();
        }
        let named = has(&self.words, &["tcp", "--sport", "--dport"]);
        let flags = if named && has(&self.words, &["-m"]) { "--tcp-flags" } else { "-m tcp --tcp-flags" };
        let value = self.draw.one(&["--clamp-mss-to-pmtu", "--set-mss 1380", "--set-mss 65495", "--set-mss 0"]);
        format!("{flags} SYN,RST SYN -j TCPMSS {value}")
    }
}
