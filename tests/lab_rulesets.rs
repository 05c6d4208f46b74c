//! Masquerading and forwarded ports of files as rule sets: read back as they were asked for, made alike by nft, and made
//! again when somebody has changed them. Planner and socket layer alone, in a sandbox.

#![allow(clippy::unwrap_used, clippy::panic)]

mod nets;
mod support;

use nets::{BASE, Host};
use netstrap::model::plan::{Act, Step};
use netstrap::show::plan::nft::tables;
use support::{ours, sandboxed, theirs};

/// Masquerading and forwarded ports, in all their forms.
const NAT: [&str; 9] = [
    "[[masquerade]]\nfrom = \"10.1.0.0/16\"\n",
    "[[masquerade]]\nfrom = [\"10.1.0.0/16\", \"fd01::/64\"]\nout = \"eth0.7\"\n",
    "[[masquerade]]\nfrom = \"10.1.0.0/16\"\nto = [\"10.0.0.0/14\", \"192.0.2.7\", \"0.0.0.0/0\"]\n[[masquerade]]\nfrom = \"fd01::/64\"\nto = \"::/0\"\n",
    "[[forward-port]]\nlisten = \"tcp/8080\"\nto = \"10.1.0.9:80\"\n[[masquerade]]\nfrom = \"10.1.0.0/16\"\n",
    "[[masquerade]]\nfrom = \"10.1.0.0/16\"\n[[forward-port]]\nlisten = \"udp/5000-5010\"\nto = \"10.9.0.9\"\nin = \"a\"\n",
    "[[forward-port]]\nlisten = \"tcp/192.0.2.1:80-90\"\nto = \"10.2.0.9:8080\"\n[[forward-port]]\nlisten = \"tcp/127.0.0.1:80\"\nto = \"10.1.0.9:80\"\n",
    "[[forward-port]]\nlisten = \"tcp/[fd07::1]:80\"\nto = \"[fd01::9]:8080\"\n[[forward-port]]\nlisten = \"udp/53\"\nto = \"fd02::9\"\n",
    "[[forward-port]]\nlisten = \"tcp/[2001:db8:1111:2222:3333:4444:5555:6661]:10000-10010\"\nto = \"[2001:db8:1111:2222:3333:4444:5555:6666]:20000\"\nin = \"abcdefghijklmno\"\n",
    "[[masquerade]]\nfrom = [\"2001:db8:1111:2222:3333:4444:5555:6660/127\"]\nto = [\"2001:db8:1111:2222:3333:4444:5555:6670/124\"]\nout = \"abcdefghijklmno\"\n",
];

#[test]
fn translations_are_read_back_and_nft_makes_the_same() {
    sandboxed("translations_are_read_back_and_nft_makes_the_same", || {
        let mut host = Host::new("a.b-c_d");
        host.must(BASE);
        // The rules of `netstrap nat` are nobody's business.
        ours(&["nat", "add", "masquerade", "from", "10.77.0.0/16"]).ok();
        let rules = || theirs(&["nft", "list", "ruleset"]).ok();
        let before = rules();
        for text in NAT {
            let text = format!("{BASE}{text}");
            let steps = host.must(&text);
            let made = rules();
            let translations = match &steps[..] {
                [Step { act: Act::Translations(list), .. }] => list,
                other => panic!("{other:#?}"),
            };
            host.must(BASE);
            assert_eq!(rules(), before, "{text}");
            // Twice: over nothing and over itself.
            for _ in 0..2 {
                nets::nft(&tables(translations, &[], false, "netstrap-a.b-c_d"));
                assert_eq!(rules(), made, "{text}");
                assert!(host.must(&text).is_empty(), "{text}");
            }
            nets::nft(&tables(&[], translations, false, "netstrap-a.b-c_d"));
            assert_eq!(rules(), before, "{text}");
        }
        assert_eq!(ours(&["nat", "list"]).ok(), "masquerade from 10.77.0.0/16\n");
    });
}

#[test]
fn translations_that_somebody_changed_are_made_again() {
    sandboxed("translations_that_somebody_changed_are_made_again", || {
        let mut host = Host::new("t");
        let text = format!("{BASE}{}", NAT[3]);
        host.must(&text);
        let rules = || theirs(&["nft", "list", "table", "ip", "netstrap-t"]).ok();
        let made = rules();
        for change in [
            "flush table ip netstrap-t",
            "delete table ip netstrap-t",
            "flush chain ip netstrap-t output",
            "flush chain ip netstrap-t prerouting",
            "flush chain ip netstrap-t postrouting",
            "add rule ip netstrap-t postrouting counter",
            "insert rule ip netstrap-t prerouting accept",
            "add chain ip netstrap-t x; add rule ip netstrap-t x drop",
            "flush chain ip netstrap-t output; delete chain ip netstrap-t output",
            "flush chain ip netstrap-t output; delete chain ip netstrap-t output; \
             add chain ip netstrap-t output { type nat hook output priority 7; }",
        ] {
            nets::nft(
                &change
                    .replace("; add", "\nadd")
                    .replace("; delete", "\ndelete")
                    .replace("{ type nat hook output priority 7\n", "{"),
            );
            let steps = host.must(&text);
            assert_eq!(steps.len(), 1, "{change}: {steps:#?}");
            assert_eq!(rules(), made, "{change}");
        }
        host.must("name = \"t\"\n");
        assert_eq!(theirs(&["nft", "list", "ruleset"]).ok(), "");
    });
}
