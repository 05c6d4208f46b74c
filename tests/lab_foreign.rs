//! What lies on links that are not ours, of ours and of others: planner and socket layer alone, in a sandbox.

#![allow(clippy::unwrap_used, clippy::panic)]

mod nets;
mod support;

use nets::Host;
use support::{ours, sandboxed};

/// Two labs on a link that is nobody's, beside what a stranger made.
#[test]
fn on_foreign_links_only_what_is_ours_is_touched() {
    sandboxed("on_foreign_links_only_what_is_ours_is_touched", || {
        ours(&["ip", "link", "add", "eth7", "type", "bridge"]).ok();
        // Its link-local address would change by itself.
        ours(&["ip", "link", "set", "eth7", "addrgenmode", "none"]).ok();
        ours(&["ip", "link", "set", "eth7", "up"]).ok();
        ours(&["ip", "addr", "add", "10.7.0.1/24", "dev", "eth7", "metric", "9"]).ok();
        ours(&["ip", "route", "add", "10.70.0.0/16", "via", "10.7.0.9"]).ok();
        ours(&["ip", "rule", "add", "to", "10.99.0.0/16", "priority", "99", "table", "99"]).ok();
        let state = || {
            let lists: [&[&str]; 4] = [
                &["ip", "addr", "show", "eth7"],
                &["ip", "route"],
                &["ip", "rule"],
                &["ip", "neigh", "show", "nud", "permanent"],
            ];
            lists.map(|words| ours(words).ok()).concat()
        };
        let stranger = state();
        let file = |name: &str, net: &str| {
            format!(
                "name = \"{name}\"\nroute = [\"10.{net}.9.0/24 via 10.7.0.8\", \"blackhole 10.{net}.8.0/24\"]\n\
                 rule = [\"to 10.{net}.0.0/16 table 77\"]\nneigh = [\"10.7.0.{net} lladdr 02:00:00:00:00:01 dev eth7\"]\n\
                 [device.eth7]\naddress = [\"10.7.0.1{net}/24\", \"fd07::{net}/64\"]\n"
            )
        };
        let (first, second) = (file("one", "11"), file("two", "12"));
        let (mut one, mut two) = (Host::new("one"), Host::new("two"));
        one.must(&first);
        let with_one = state();
        assert_ne!(with_one, stranger);
        two.known.others.push(nets::topology(&first));
        two.must(&second);
        one.known.others.push(nets::topology(&second));
        one.known.own = Some(nets::topology(&first));
        two.known.own = Some(nets::topology(&second));
        // Each sees only its own.
        assert!(one.must(&first).is_empty() && two.must(&second).is_empty());
        two.must("name = \"two\"\n");
        assert_eq!(state(), with_one);
        one.known.others.clear();
        one.must("name = \"one\"\n");
        assert_eq!(state(), stranger);
        // Without a state file, nobody knows whose a mark is; with the file that is known again.
        one.must(&first);
        let with_one = state();
        one.known.own = None;
        assert!(one.must("name = \"one\"\n").is_empty());
        assert_eq!(state(), with_one);
        (one.known.own, one.known.told) = (Some(nets::topology(&first)), true);
        one.must("name = \"one\"\n");
        assert_eq!(state(), stranger);
        (one.known.own, one.known.told) = (None, false);
        // What is there as asked for stays the stranger's.
        one.must(
            "name = \"one\"\nroute = [\"10.70.0.0/16 via 10.7.0.9\"]\n[device.eth7]\naddress = [\"10.7.0.1/24\"]\n",
        );
        one.must("name = \"one\"\n");
        assert_eq!(state(), stranger);
        // What differs is in the way, until it is adopted.
        for (text, conflict) in [
            (
                "name = \"one\"\nroute = [\"10.70.0.0/16 via 10.7.0.8\"]\n",
                "the route to 10.70.0.0/16 on the host is there, is not ours and differs: via 10.7.0.9 -> 10.7.0.8; --adopt changes it and takes it over",
            ),
            (
                "name = \"one\"\n[device.eth7]\naddress = [\"10.7.0.1/24 scope link\"]\n",
                "10.7.0.1/24 of eth7 on the host is there, is not ours and differs: scope global -> link; --adopt changes it and takes it over",
            ),
        ] {
            let topology = nets::topology(text);
            let world = one.look(&topology);
            let conflicts = netstrap::plan::plan(&topology, &world, &one.known, one.options).unwrap_err();
            assert_eq!(conflicts.iter().map(|conflict| conflict.text.as_str()).collect::<Vec<_>>(), [conflict]);
            one.options.adopt = true;
            one.must(text);
            one.options.adopt = false;
            assert!(one.must(text).is_empty());
        }
        one.must("name = \"one\"\n");
        assert!(!state().contains("10.7.0.1/24") && !state().contains("10.70.0.0"), "{}", state());
    });
}
