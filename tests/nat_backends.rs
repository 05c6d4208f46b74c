//! `netstrap nat` on kernels that lack parts of nf_tables: what it writes instead is listed
//! by the real iptables, found again and taken away. Every test works in a sandbox of its own.
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::io;

use netstrap::model::translation::{Translation, parse};
use netstrap::socket::Socket;
use netstrap::sys::nl::{Datagram, NlSocket, Transport};
use netstrap::translations::{Entry, Listed, Missing, Translations};
use netstrap::wire::build::{Netfilter, Protocol};
use support::{Ran, ours, sandboxed, split, theirs};

/// Runs a line of words behind `netstrap nat`.
fn nat(line: &str) -> Ran {
    let words = split(line);
    let words: Vec<&str> = ["nat"].into_iter().chain(words.iter().map(String::as_str)).collect();
    ours(&words)
}

/// The whole rule set, as nft tells it.
fn ruleset() -> String {
    theirs(&["nft", "list", "ruleset"]).ok()
}

fn iptables(line: &str) -> String {
    theirs(&split(&format!("iptables {line}")).iter().map(String::as_str).collect::<Vec<_>>()).ok()
}

fn sorted_lines(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines
}

/// A kernel that lacks expressions: their names are changed on the way, so that the real one answers as to
/// names that it does not know.
struct Lacking {
    socket: NlSocket,
    names: &'static [&'static str],
}

impl Transport for Lacking {
    fn port(&self) -> u32 {
        self.socket.port()
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut bytes = bytes.to_vec();
        for name in self.names {
            // The attribute of an expression's (or xtables extension's) name, with its NUL.
            let mut attr = u16::try_from(name.len() + 5).unwrap().to_ne_bytes().to_vec();
            attr.extend_from_slice(&[1, 0]);
            attr.extend_from_slice(name.as_bytes());
            attr.push(0);
            for at in 0..bytes.len().saturating_sub(attr.len()) {
                // Inside an expression, or in an extension's data: a table is named by the same attribute.
                let nested = at > 4 && bytes[at - 1] == 0x80 && matches!(bytes[at - 2], 1 | 2);
                if nested && bytes[at..].starts_with(&attr) {
                    bytes[at + 4] = b'?';
                }
            }
        }
        self.socket.send(&bytes)
    }

    fn recv(&mut self, buf: &mut [u8]) -> io::Result<Datagram> {
        self.socket.recv(buf)
    }

    fn reserve(&mut self, send: usize, recv: usize) {
        self.socket.reserve(send, recv);
    }
}

fn on_a_kernel_without(names: &'static [&'static str]) -> Translations<Lacking> {
    let socket = NlSocket::open(Netfilter::NUMBER).unwrap();
    Translations::over(Socket::over(Lacking { socket, names }, 77))
}

fn rule(line: &str) -> Translation {
    parse(&line.split(' ').collect::<Vec<_>>()).unwrap()
}

fn entries(lines: &str) -> Vec<Entry> {
    lines.lines().map(|line| Entry { translation: rule(line), allow_forward: false }).collect()
}

/// The words of all rules, and whether all of them are xtables extensions.
fn listed<T: Transport>(rules: &mut Translations<T>) -> (Vec<String>, bool) {
    let mut all = true;
    let words = rules.list().unwrap().into_iter().map(|listed| match listed {
        Listed::Rule { entry, xtables, .. } => {
            all &= xtables;
            entry.translation.words()
        }
        Listed::Foreign { .. } => panic!("a foreign rule"),
    });
    (words.collect(), all)
}

#[test]
fn without_native_translations_the_rules_are_iptables_own() {
    sandboxed("without_native_translations_the_rules_are_iptables_own", || {
        let mut rules = on_a_kernel_without(&["masq", "nat", "redir"]);
        let lines = "masquerade from 192.168.15.0/24\nmasquerade from 10.0.0.0/8 to 0.0.0.0/0 out eth0 ports 100-200\nsnat from 10.0.0.0/8 to 1.2.3.4-1.2.3.9 random\nforward tcp 8080-8081 to 192.168.15.11:80\nredirect udp in br0 53 to 5353";
        for entry in entries(lines) {
            assert!(rules.add(&entry).unwrap());
            assert!(!rules.add(&entry).unwrap());
        }
        assert_eq!(rules.missing(), Missing::MASQ | Missing::NAT | Missing::REDIR);
        assert!(!ruleset().contains("table ip netstrap"));
        let comment = |words: &str| format!("-m comment --comment \"ns1 {words}\"");
        let [one, two, three, four, five] = lines.lines().map(comment).collect::<Vec<_>>().try_into().unwrap();
        let expected = format!("\
-P PREROUTING ACCEPT
-P INPUT ACCEPT
-P OUTPUT ACCEPT
-P POSTROUTING ACCEPT
-N NETSTRAP-OUT
-N NETSTRAP-POST
-N NETSTRAP-PRE
-A PREROUTING -m comment --comment \"ns1 jump\" -j NETSTRAP-PRE
-A OUTPUT -m comment --comment \"ns1 jump\" -j NETSTRAP-OUT
-A POSTROUTING -m comment --comment \"ns1 jump\" -j NETSTRAP-POST
-A NETSTRAP-OUT ! -d 127.0.0.0/8 -p tcp -m tcp --dport 8080:8081 -m addrtype --dst-type LOCAL {four} -j DNAT --to-destination 192.168.15.11:80
-A NETSTRAP-POST -s 192.168.15.0/24 -d 224.0.0.0/4 {one} -j RETURN
-A NETSTRAP-POST -s 192.168.15.0/24 -d 255.255.255.255/32 {one} -j RETURN
-A NETSTRAP-POST -s 192.168.15.0/24 ! -d 192.168.15.0/24 {one} -j MASQUERADE
-A NETSTRAP-POST -s 10.0.0.0/8 -o eth0 -p tcp {two} -j MASQUERADE --to-ports 100-200
-A NETSTRAP-POST -s 10.0.0.0/8 -o eth0 -p udp {two} -j MASQUERADE --to-ports 100-200
-A NETSTRAP-POST -s 10.0.0.0/8 -o eth0 {two} -j MASQUERADE
-A NETSTRAP-POST -s 10.0.0.0/8 -d 224.0.0.0/4 {three} -j RETURN
-A NETSTRAP-POST -s 10.0.0.0/8 -d 255.255.255.255/32 {three} -j RETURN
-A NETSTRAP-POST -s 10.0.0.0/8 ! -d 10.0.0.0/8 {three} -j SNAT --to-source 1.2.3.4-1.2.3.9 --random
-A NETSTRAP-POST -s 192.168.15.0/24 -d 192.168.15.11/32 -p tcp -m conntrack --ctstate DNAT {four} -j MASQUERADE
-A NETSTRAP-PRE -p tcp -m tcp --dport 8080:8081 -m addrtype --dst-type LOCAL {four} -j DNAT --to-destination 192.168.15.11:80
-A NETSTRAP-PRE -i br0 -p udp -m udp --dport 53 {five} -j REDIRECT --to-ports 5353
");
        assert_eq!(sorted_lines(&iptables("-t nat -S")), sorted_lines(&expected));
        let (words, xtables) = listed(&mut rules);
        assert_eq!((sorted_lines(&words.join("\n")), xtables), (sorted_lines(lines), true));
        // The same rules, by a program that does not know yet what is missing, are unchanged.
        assert!(!on_a_kernel_without(&["masq", "nat", "redir"]).replace(&entries(lines)).unwrap());
        assert!(nat("list -j").ok().contains("\"backend\":\"xtables\""));
        assert_eq!(nat("add masquerade from 192.168.15.0/24").ok(), "unchanged\n");
        assert!(rules.delete(&rule("forward tcp 8080-8081 to 192.168.15.11:80")).unwrap());
        assert!(!iptables("-t nat -S").contains("8080"));
        // A replacement on a kernel that has them moves the rules to our own table.
        std::fs::write("/run/rules", "masquerade from 192.168.15.0/24").unwrap();
        assert_eq!(nat("replace /run/rules").ok(), "");
        assert_eq!(
            (nat("list").ok().as_str(), iptables("-t nat -S").contains("MASQUERADE")),
            ("masquerade from 192.168.15.0/24\n", false)
        );
        let mut rules = on_a_kernel_without(&["masq"]);
        assert!(rules.add(&entries("masquerade from 10.0.0.0/8")[0]).unwrap());
        // What is flushed by hand, with what led there, is led to again.
        theirs(&["iptables", "-t", "nat", "-F"]).ok();
        assert!(rules.add(&entries("masquerade from 10.0.0.0/8")[0]).unwrap());
        assert_eq!(iptables("-t nat -S").matches("-j NETSTRAP-POST").count(), 1);
        assert_eq!(nat("flush").ok(), "");
        let left = "-P PREROUTING ACCEPT\n-P INPUT ACCEPT\n-P OUTPUT ACCEPT\n-P POSTROUTING ACCEPT\n";
        assert_eq!((iptables("-t nat -S").as_str(), nat("list").ok().as_str()), (left, ""));
    });
}

#[test]
fn the_way_to_our_chains_is_put_back() {
    sandboxed("the_way_to_our_chains_is_put_back", || {
        let lines = "masquerade from 192.168.15.0/24\nforward tcp 80 to 192.168.15.11";
        let mut rules = on_a_kernel_without(&["masq", "nat"]);
        assert!(rules.replace(&entries(lines)).unwrap());
        let before = sorted_lines(&iptables("-t nat -S")).join("\n");
        for chain in ["POSTROUTING", "PREROUTING", "OUTPUT"] {
            let now = || sorted_lines(&iptables("-t nat -S")).join("\n");
            iptables(&format!("-t nat -F {chain}"));
            assert_ne!(now(), before);
            // By a program that does not know what is missing, and by one that does.
            assert_eq!(nat("add masquerade from 192.168.15.0/24").ok(), "", "{chain}");
            assert_eq!(nat("add masquerade from 192.168.15.0/24").ok(), "unchanged\n");
            assert_eq!(now(), before);
            iptables(&format!("-t nat -F {chain}"));
            assert!(rules.replace(&entries(lines)).unwrap(), "{chain}");
            assert!(!rules.replace(&entries(lines)).unwrap());
            assert_eq!(now(), before);
        }
        // What is asked for is not there, but the way to the others is lost.
        iptables("-t nat -F POSTROUTING");
        assert!(rules.add(&entries("masquerade from 10.0.0.0/8")[0]).unwrap());
        assert_eq!(iptables("-t nat -S POSTROUTING").matches("-j NETSTRAP-POST").count(), 1);
    });
}

#[test]
fn without_native_translations_ipv6_does_the_same() {
    sandboxed("without_native_translations_ipv6_does_the_same", || {
        let mut rules = on_a_kernel_without(&["masq", "nat", "redir"]);
        let lines = "masquerade from fd00::/64\nsnat from fd00::/64 to fd01::1\nforward tcp 80 to [fd00::5]:81\nredirect tcp listen [::]:80 to 3128";
        assert!(rules.replace(&entries(lines)).unwrap());
        assert!(!rules.replace(&entries(lines)).unwrap());
        let text = theirs(&["ip6tables", "-t", "nat", "-S"]).ok();
        for part in [
            "-s fd00::/64 ! -d fd00::/64 ",
            "-s fd00::/64 -d ff00::/8 ",
            "--to-source fd01::1",
            "--to-destination [fd00::5]:81",
            "-j REDIRECT --to-ports 3128",
            "--ctstate DNAT",
            "! -d ::1/128 -p tcp",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert_eq!(listed(&mut rules).0.len(), 4);
        assert!(rules.flush().unwrap());
        assert!(!rules.flush().unwrap());
    });
}

#[test]
fn without_native_matches_only_those_are_iptables_own() {
    sandboxed("without_native_matches_only_those_are_iptables_own", || {
        let mut rules = on_a_kernel_without(&["fib", "ct"]);
        assert!(rules.add(&entries("forward tcp 8080 to 192.168.15.11:80")[0]).unwrap());
        assert_eq!(rules.missing(), Missing::FIB | Missing::CT);
        assert_eq!(listed(&mut rules), (vec!["forward tcp 8080 to 192.168.15.11:80".into()], false));
        let text = ruleset();
        assert!(
            text.contains("table ip netstrap")
                && text.contains("fib daddr type local")
                && text.contains("ct status dnat"),
            "{text}"
        );
        assert!(!text.contains("table ip nat"));
        // Neither form: the rule is refused, and nothing changes.
        let before = ruleset();
        let fault =
            on_a_kernel_without(&["fib", "match"]).add(&entries("forward tcp 9 to 192.168.15.11")[0]).unwrap_err();
        assert_eq!((fault.entry, fault.failure.error.errno()), (Some(0), Some(libc::ENOENT)));
        let fault =
            on_a_kernel_without(&["masq", "MASQUERADE"]).add(&entries("masquerade from 10.0.0.0/8")[0]).unwrap_err();
        assert_eq!(fault.failure.error.refusal().and_then(|refusal| refusal.attr), Some("target expression"));
        let two = entries("masquerade from 10.0.0.0/8\nredirect tcp 80 to 81");
        let fault = on_a_kernel_without(&["redir", "REDIRECT"]).replace(&two).unwrap_err();
        assert_eq!(fault.entry, Some(1));
        assert_eq!(ruleset(), before);
        // iptables' chain gets nftables' own match where there is no other.
        iptables("-P FORWARD DROP");
        let mut entry = entries("masquerade from 10.0.0.0/8")[0];
        entry.allow_forward = true;
        let mut rules = on_a_kernel_without(&["match"]);
        assert!(rules.add(&entry).unwrap());
        assert_eq!(rules.missing(), Missing::XT);
        assert!(
            theirs(&["nft", "list", "chain", "ip", "filter", "FORWARD"]).ok().contains("ct state established,related")
        );
    });
}
