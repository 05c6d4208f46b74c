//! Changes of what runs: in place where that can be, without a packet lost; made anew where it cannot, if that is wanted.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use support::lab::{
    WALKTHROUGH, alike, apply, down, exactly, identities, planned_nothing, refused, sh, unchanged, verb,
};
use support::snapshot::same;
use support::traffic::{Stream, answer, ask};
use support::{ours, sandboxed};

/// An edit of a file: what is replaced, and by what.
type Edit<'a> = (&'a str, &'a str);

/// Changes under which packets between red and blue, and from red to the world through the host, go on.
const IN_PLACE: &[Edit<'static>] = &[
    ("address = [\"192.168.15.5/24\"]", "address = [\"192.168.15.5/24\", \"192.168.15.6/24\", \"10.1.1.1/24\"]"),
    ("\"192.168.15.5/24\", \"192.168.15.6/24\", \"10.1.1.1/24\"", "\"192.168.15.5/24\", \"10.1.1.2/24\""),
    ("address = [\"192.168.15.2/24\"]", "address = [\"192.168.15.2/24\", \"192.168.15.22/24\"]"),
    (
        "route = [\"default via 192.168.15.5\"]\n[netns.red.veth",
        "route = [\"default via 192.168.15.5 mtu 1400\", \"10.3.0.0/16 via 192.168.15.2\"]\n[netns.red.veth",
    ),
    ("10.3.0.0/16 via 192.168.15.2", "10.3.0.0/16 via 192.168.15.5"),
    ("[[masquerade]]", "[[forward-port]]\nlisten = \"tcp/8080\"\nto = \"192.168.15.1:80\"\n[[masquerade]]"),
    ("tcp/8080", "tcp/8081"),
    ("[[masquerade]]", "[[masquerade]]\nfrom = \"10.1.1.0/24\"\n[[masquerade]]"),
    ("forward = [\"ipv4\"]", "forward = [\"ipv4\", \"ipv6\"]\nsysctl = { \"net.ipv4.ip_default_ttl\" = 62 }"),
    ("[bridge.v-net-0]", "[bridge.v-net-0]\nageing_time = 20000\nmcast_snooping = false\ntxqueuelen = 99"),
    ("[netns.red.veth.veth-red]", "[netns.red.veth.veth-red]\nmtu = 1450\nalias = \"red\""),
    (
        "[netns.blue]",
        "[netns.green.veth.g]\naddress = [\"192.168.15.9/24\"]\npeer = { name = \"g-br\", master = \"v-net-0\" }\n[netns.blue]",
    ),
    ("address = [\"192.168.15.9/24\"]\n", ""),
    ("[netns.red.veth.veth-red]", "[netns.red.bridge.extra]\n[netns.red.veth.veth-red]"),
];

#[test]
fn ping_stream_survives() {
    sandboxed("ping_stream_survives", || {
        sh("ip netns add world; ip link add up0 type veth peer name eth0 netns world
            ip addr add 198.51.100.1/24 dev up0; ip link set up0 up
            ip -n world addr add 198.51.100.2/24 dev eth0; ip -n world link set eth0 up");
        let mut text = WALKTHROUGH.to_owned();
        apply(&text);
        answer("blue", "192.168.15.2");
        answer("world", "198.51.100.2");
        assert_eq!(ask("red", "198.51.100.2"), "198.51.100.1");
        let links = [identities("red"), identities("blue")];
        let mut lost = Vec::new();
        // And all of it back in one step.
        let edits = IN_PLACE.iter().copied().map(Some).chain([None]);
        for edit in edits {
            if let Some((from, to)) = edit {
                assert!(text.contains(from), "{from} in {text}");
                text = text.replacen(from, to, 1);
            } else {
                text = WALKTHROUGH.to_owned();
            }
            let streams = ["192.168.15.2", "198.51.100.2"].map(|address| (address, Stream::start("red", address)));
            let ran = verb(&["apply"], &text);
            let again = verb(&["plan"], &text);
            for (address, stream) in streams {
                let (sent, count) = stream.end();
                assert!(sent > 3, "{sent}");
                if count > 0 {
                    lost.push(format!("{count} of {sent} to {address}: {edit:?}"));
                }
            }
            if (ran.code, again.code) != (0, 0) {
                lost.push(format!("{edit:?}: {ran:?} {again:?}"));
            }
        }
        assert!(lost.is_empty(), "{}", lost.join("\n"));
        assert!(!sh("ip netns").contains("green"));
        let now = [identities("red"), identities("blue")];
        assert_eq!(now, links, "made anew");
        unchanged(WALKTHROUGH);
        down("walkthrough");
    });
}

/// A file, an edit that cannot be done in place, and the link that is made anew.
const ANEW: &[(&str, Edit<'static>, &str)] = &[
    ("[vxlan.x]\nid = 5\nremote = \"192.0.2.1\"", ("id = 5", "id = 6"), "x"),
    ("[vxlan.x]\nid = 5\nremote = \"192.0.2.1\"", ("[vxlan.x]", "[vxlan.x]\nlocal = \"192.0.2.7\""), "x"),
    ("[vxlan.x]\nid = 5\nremote = \"192.0.2.1\"", ("[vxlan.x]", "[vxlan.x]\ndstport = 8472"), "x"),
    ("[tap.x]", ("[tap.x]", "[bridge.x]"), "x"),
    ("[tap.x]", ("[tap.x]", "[tap.x]\nmulti_queue = true"), "x"),
    ("[bridge.b]\n[bridge.c]\n[macvlan.x]\nlink = \"b\"", ("link = \"b\"", "link = \"c\""), "x"),
    ("[netns.{a,b}]\n[veth.x]\npeer = { name = \"y\", netns = \"a\" }", ("netns = \"a\"", "netns = \"b\""), "x"),
    ("[netns.{a,b}]\n[veth.x]\npeer = { name = \"y\", netns = \"a\" }", ("name = \"y\"", "name = \"z\""), ""),
];

#[test]
fn replace_needs_flag() {
    sandboxed("replace_needs_flag", || {
        let bare = exactly();
        for (text, (from, to), link) in ANEW {
            let first = format!(
                "name = \"anew\"\n{}\n[bridge.stays]\naddress = [\"10.8.0.1/24\"]\n",
                text.replace("[netns.{a,b}]", "[netns.\"{a,b}\"]")
            );
            let second = first.replacen(from, to, 1);
            apply(&first);
            let before = exactly();
            if link.is_empty() {
                // A name can be changed where it is.
                apply(&second);
            } else {
                for verb in ["plan", "apply"] {
                    refused(&support::lab::verb(&[verb], &second), 1, &[link, "--replace"]);
                }
                same("refused", &before, &exactly());
                let plan = verb(&["plan", "--replace"], &second);
                assert!(plan.code == 2 && plan.out.contains("-/+ ") && plan.out.contains(link), "{plan:?}");
                let stays = identities("").into_iter().find(|one| one.0 == "stays");
                let ran = verb(&["apply", "--replace"], &second);
                assert!(ran.code == 0 && ran.out.contains("made anew"), "{to}: {ran:?}");
                assert_eq!(identities("").into_iter().find(|one| one.0 == "stays"), stays);
            }
            planned_nothing(&second);
            ours(&["down", "anew"]).ok();
            same(to, &bare, &exactly());
        }
    });
}

#[test]
fn a_replaced_port_is_a_port_again_with_all_that_is_on_it() {
    sandboxed("a_replaced_port_is_a_port_again_with_all_that_is_on_it", || {
        let text = "name = \"port\"
            [bridge.b]
            address = [\"10.8.0.1/24\"]
            [netns.\"{one,two}\"]
            [veth.v]
            master = \"b\"
            mtu = 1400
            peer = { name = \"w\", netns = \"one\", address = [\"10.8.0.2/24\"], route = [\"default via 10.8.0.1\"] }
            ";
        apply(text);
        answer("", "10.8.0.1");
        assert_eq!(ask("one", "10.8.0.1"), "10.8.0.2");
        let moved = text.replace("netns = \"one\"", "netns = \"two\"");
        assert_eq!(verb(&["apply", "--replace"], &moved).code, 0);
        planned_nothing(&moved);
        assert_eq!(ask("two", "10.8.0.1"), "10.8.0.2");
        assert!(sh("ip link show v").contains("mtu 1400") && !sh("ip -n one -br link").contains("w@"));
        down("port");
    });
}

/// Pairs of files; the second one with `--replace` where there is a word for it.
const PAIRS: &[(&str, &str, bool)] = &[
    // Names, and with them marks, pass from one link to the other.
    (
        "[netns.a.veth.e]\npeer.name='p1'\n[netns.b.veth.e]\npeer.name='p2'",
        "[netns.a.veth.e]\npeer.name='p2'\n[netns.b.veth.e]\npeer.name='p1'",
        false,
    ),
    ("[bridge.d]\n[veth.v]\npeer.name='w'", "[bridge.e]\n[veth.v]\npeer.name='d'", false),
    ("[veth.a]\npeer.name='b'", "[veth.a]\npeer.name='c'\n[veth.x]\npeer.name='b'", false),
    // All four ends have one index.
    (
        "[netns.b]\n[netns.d]\n[netns.a.veth.e]\npeer={name='e',netns='b'}\n[netns.c.veth.e]\npeer={name='e',netns='d'}",
        "[netns.b]\n[netns.d]\n[netns.a.veth.e]\npeer={name='e',netns='d'}\n[netns.c.veth.e]\npeer={name='e',netns='b'}",
        true,
    ),
    // IPv6 comes and goes, by itself and with the room for it.
    (
        "[netns.a.veth.e]\naddress='10.0.0.1/24'\nroute='default via fe80::1'\npeer.name='p'",
        "[netns.a.veth.e]\naddress='10.0.0.1/24'\npeer.name='p'",
        false,
    ),
    (
        "[veth.e]\naddress='fd00::1/64'\nroute='fd07::/64 via fd00::2'\npeer.name='f'",
        "[veth.e]\nmtu=1200\npeer={name='f',mtu=1200}",
        false,
    ),
    ("[bridge.b]", "[bridge.b]\n[netns.n.veth.e]\nmtu=1200\npeer={name='p',mtu=1200,master='b'}", false),
    // What is said no more.
    (
        "[veth.u]\nmtu=9000\npeer={name='w',mtu=9000}\n[macvlan.m]\nlink='w'\nmtu=1400\n[tap.t]\ntxqueuelen=50",
        "[veth.u]\nmtu=9000\npeer={name='w',mtu=9000}\n[macvlan.m]\nlink='w'\n[tap.t]",
        false,
    ),
    // Two names whose marks were one in 32 bits.
    ("[bridge.v-c5zx]", "[bridge.v-c5zx]\n[bridge.v-1pcd]", false),
];

#[test]
fn a_second_file_leads_to_what_it_says_alone() {
    sandboxed("a_second_file_leads_to_what_it_says_alone", || {
        for (from, to, replace) in PAIRS {
            for (one, other) in [(from, to), (to, from)] {
                let [one, other] = [one, other].map(|text| ["name = \"two\"\n", text].concat());
                apply(&one);
                let words: &[&str] = if *replace { &["apply", "--replace"] } else { &["apply"] };
                assert_eq!(verb(words, &other).code, 0, "{one}\n{other}");
                unchanged(&other);
                let found = alike();
                down("two");
                apply(&other);
                same(&other, &found, &alike());
                down("two");
            }
        }
    });
}

#[test]
fn crossed_cables_are_seen() {
    sandboxed("crossed_cables_are_seen", || {
        let (one, other, _) = PAIRS[3];
        let [one, other] = [one, other].map(|text| ["name = \"two\"\n", text].concat());
        apply(&one);
        refused(&verb(&["apply"], &other), 1, &["link e in a", "its other end", "--replace"]);
        let plan = verb(&["plan", "--replace"], &other).out;
        assert!(plan.contains("peer e in b -> e in d"), "{plan}");
    });
}
