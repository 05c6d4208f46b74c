//! Translations of a lab as a script for nft(8) that makes the same tables as our own batch, comments included.

use crate::model::ip::Family;
use crate::model::lab::Lab;
use crate::model::translation::leg::{Act, Hook, Leg, State};
use crate::model::translation::{TCP, Translation, endpoint, key, ports, prefix};

/// A chain's name, and what it is.
const CHAINS: [(&str, &str); 3] = [
    ("prerouting", "hook prerouting priority -100"),
    ("postrouting", "hook postrouting priority 100"),
    (OUTPUT, "hook output priority -100"),
];
const OUTPUT: &str = "output";

/// The script that makes these the only translations of a lab; without any, its tables go. In one transaction, and
/// rule by rule in their order: by that they are known again.
pub fn script(lab: &Lab, translations: &[Translation]) -> String {
    let mut text = String::new();
    let name = ["netstrap-", lab.name()].concat();
    for family in [Family::V4, Family::V6] {
        let table = [if family == Family::V6 { "ip6 " } else { "ip " }, &name].concat();
        // So that there is one to delete.
        line(&mut text, &["add table ", &table]);
        line(&mut text, &["delete table ", &table]);
        let of_family = || translations.iter().filter(move |translation| translation.family == family);
        if of_family().next().is_none() {
            continue;
        }
        line(&mut text, &["add table ", &table, " { comment \"netstrap\"; }"]);
        let mut chains = CHAINS.iter();
        let mut make = |text: &mut String, count: usize| {
            for (chain, base) in chains.by_ref().take(count) {
                line(text, &["add chain ", &table, " ", chain, " { type nat ", base, "; }"]);
            }
        };
        make(&mut text, 2);
        for translation in of_family() {
            let whole = translation.key();
            let cut = key::cut(whole.as_bytes()).and_then(|cut| String::from_utf8(cut).ok());
            for leg in translation.legs(None, false) {
                let chain = match leg.hook {
                    Hook::Prerouting => CHAINS[0].0,
                    Hook::Postrouting => CHAINS[1].0,
                    _ => OUTPUT,
                };
                if chain == OUTPUT {
                    make(&mut text, 1);
                }
                let comment = cut.as_deref().unwrap_or(&whole);
                line(&mut text, &["add rule ", &table, " ", chain, &rule(&leg, family), " comment \"", comment, "\""]);
            }
        }
    }
    text
}

#[inline(never)]
fn line(text: &mut String, pieces: &[&str]) {
    pieces.iter().for_each(|piece| text.push_str(piece));
    text.push('\n');
}

/// Conditions and what is done, each with a blank in front.
fn rule(leg: &Leg, family: Family) -> String {
    let mut text = String::new();
    let mut say = |word: &str, value: &str| {
        if !value.is_empty() {
            for piece in [" ", word, value] {
                text.push_str(piece);
            }
        }
    };
    let name = |name: Option<crate::model::name::IfName>| {
        name.map(|name| ["\"", &name.to_string(), "\""].concat()).unwrap_or_default()
    };
    say("iifname ", &name(leg.input));
    say("oifname ", &name(leg.output));
    let protocol = match leg.protocol {
        0 => "",
        TCP => "tcp",
        _ => "udp",
    };
    say("meta l4proto ", protocol);
    let own = if family == Family::V6 { "ip6" } else { "ip" };
    let of = |what: &str| [own, what].concat();
    say(&of(" saddr "), &prefix(leg.source));
    say(&of(" daddr "), &prefix(leg.destination));
    for excluded in leg.excluded {
        say(&of(" daddr != "), &prefix(excluded));
    }
    say(&[protocol, " sport "].concat(), &ports(leg.source_ports));
    say(&[protocol, " dport "].concat(), &ports(leg.ports));
    say("fib daddr type ", if leg.local { "local" } else { "" });
    say(
        "ct ",
        match leg.state {
            State::Any => "",
            State::Dnat => "status dnat",
            State::Established => "state established,related",
        },
    );
    say("", "counter");
    say(
        "",
        match leg.act {
            Act::Accept => "accept",
            Act::Return => "return",
            Act::Masquerade => "masquerade",
            Act::Snat => "snat",
            Act::Dnat => "dnat",
            Act::Redirect => "redirect",
        },
    );
    match leg.addrs {
        Some(_) => say("to ", &endpoint(leg.addrs, leg.new_ports)),
        None => say("to :", &ports(leg.new_ports)),
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::translation::parse;

    #[test]
    fn a_script_has_a_line_for_each_rule() {
        let rule = |words: &str| parse(&words.split(' ').collect::<Vec<_>>()).unwrap();
        let rules = [
            rule("masquerade from 10.0.0.0/8 out eth0"),
            rule("forward tcp in eth0 80-90 to 10.0.0.1:8080 hairpin 10.0.0.0/24"),
        ];
        assert_eq!(
            script(&Lab::new("a"), &rules),
            "add table ip netstrap-a\n\
             delete table ip netstrap-a\n\
             add table ip netstrap-a { comment \"netstrap\"; }\n\
             add chain ip netstrap-a prerouting { type nat hook prerouting priority -100; }\n\
             add chain ip netstrap-a postrouting { type nat hook postrouting priority 100; }\n\
             add rule ip netstrap-a postrouting oifname \"eth0\" ip saddr 10.0.0.0/8 ip daddr != 10.0.0.0/8 \
             ip daddr != 224.0.0.0/4 ip daddr != 255.255.255.255 counter masquerade comment \"ns1 masquerade from 10.0.0.0/8 out eth0\"\n\
             add rule ip netstrap-a prerouting iifname \"eth0\" meta l4proto tcp tcp dport 80-90 fib daddr type local counter \
             dnat to 10.0.0.1:8080 comment \"ns1 forward tcp in eth0 80-90 to 10.0.0.1:8080 hairpin 10.0.0.0/24\"\n\
             add rule ip netstrap-a postrouting meta l4proto tcp ip saddr 10.0.0.0/24 ip daddr 10.0.0.1 ct status dnat counter \
             masquerade comment \"ns1 forward tcp in eth0 80-90 to 10.0.0.1:8080 hairpin 10.0.0.0/24\"\n\
             add table ip6 netstrap-a\n\
             delete table ip6 netstrap-a\n"
        );
    }
}
