//! The `bridge` applet beside iproute2: the same command lines in two equal sandboxes, and every answer the same.

mod support;

use support::{ours, sandboxed};

#[test]
fn answers_are_iproute2s() {
    support::same_answers("answers_are_iproute2s", include_str!("data/bridge.txt"));
}

#[test]
fn what_is_not_built_says_so() {
    sandboxed("what_is_not_built_says_so", || {
        for (words, named) in [
            (&["bridge", "mdb"][..], "object \"mdb\""),
            (&["bridge", "monitor"], "object \"monitor\""),
            (&["bridge", "vlan", "global"], "verb \"global\""),
            (&["bridge", "-s", "vlan"], "option \"-s\""),
            (&["bridge", "link", "show", "master", "br0"], "argument \"master\""),
            (&["bridge", "fdb", "flush", "dev", "lo", "perm"], "argument \"perm\""),
        ] {
            let ran = ours(words);
            assert!(ran.code == 1 && ran.out.is_empty(), "{ran:?}");
            assert!(ran.err.starts_with("bridge: ") && ran.err.contains(named), "{words:?}: {ran:?}");
            assert!(ran.err.ends_with(" is not supported by netstrap\n"), "{words:?}: {ran:?}");
        }
    });
}
