//! `netstrap plan`: it says what apply does, always in the same order, changes nothing, and its `--as ip` lines
//! lead the real tools to the same state.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;
#[path = "support/topologies.rs"]
mod topologies;

use support::json::Json;
use support::lab::{WALKTHROUGH, alike, apply, down, exactly, file, planned_nothing, refused, sh, unchanged, verb};
use support::snapshot::same;
use support::{ours, sandboxed};

/// How many lines of a plan begin with a sign.
fn signed(plan: &str, sign: &str) -> usize {
    plan.lines().filter(|line| line.trim_start().split(' ').next() == Some(sign)).count()
}

/// What apply is to say after this plan.
fn to_be_said(plan: &str) -> String {
    let parts = [("+", "made"), ("~", "changed"), ("-/+", "made anew"), ("-", "taken away")];
    let counted = parts.iter().map(|(sign, what)| (signed(plan, sign), what)).filter(|part| part.0 > 0);
    let text: Vec<String> = counted.map(|(count, what)| format!("{count} {what}")).collect();
    if text.is_empty() { "unchanged\n".to_owned() } else { format!("changed: {}\n", text.join(", ")) }
}

#[test]
fn plan_equals_apply() {
    sandboxed("plan_equals_apply", || {
        let changed = WALKTHROUGH
            .replace("192.168.15.1/24", "192.168.15.3/24")
            .replace("[netns.blue", "[netns.green")
            .replace("[bridge.v-net-0]", "[bridge.v-net-0]\nageing_time = 100");
        let moved = changed.replace("master = \"v-net-0\" }", "netns = \"green\" }");
        let steps = [(WALKTHROUGH, "+"), (WALKTHROUGH, ""), (&changed, "+ - ~"), (&moved, "-/+"), (WALKTHROUGH, "+ -")];
        for (text, signs) in steps {
            let before = exactly();
            let plan = verb(&["plan", "--replace"], text);
            same("planning", &before, &exactly());
            let code = if signs.is_empty() { 0 } else { 2 };
            assert_eq!((plan.code, plan.err.as_str()), (code, ""), "{plan:?}");
            for sign in signs.split_whitespace() {
                assert!(signed(&plan.out, sign) > 0, "no {sign} in {}", plan.out);
            }
            let applied = verb(&["apply", "--replace"], text);
            assert_eq!(applied.ok(), to_be_said(&plan.out), "{}", plan.out);
            planned_nothing(text);
        }
    });
}

#[test]
fn plan_json_stable_order() {
    sandboxed("plan_json_stable_order", || {
        let (first, second) = topologies::pair(3);
        for text in [WALKTHROUGH, &first, &second] {
            let plan = || {
                let ran = verb(&["plan", "--json", "--replace"], text);
                assert_eq!((ran.code, ran.err.as_str()), (2, ""), "{ran:?}");
                ran.out
            };
            let said = plan();
            for _ in 0..4 {
                assert_eq!(plan(), said);
            }
            let json = Json::read(&said);
            assert!(!json.line(&[]).is_empty());
            // The text and the tools' lines too.
            for form in [&["plan", "--replace"][..], &["plan", "--replace", "--as", "ip"]] {
                assert_eq!(verb(form, text), verb(form, text));
            }
            assert_eq!(verb(&["apply", "--replace"], text).code, 0);
            assert_eq!(verb(&["plan", "--json"], text).code, 0);
            down(if text == WALKTHROUGH { "walkthrough" } else { topologies::NAME });
        }
    });
}

/// Runs the lines that a plan gives for the real tools.
#[track_caller]
fn by_the_real_tools(text: &str, passes: usize) {
    let mut scripts = String::new();
    for pass in 0..passes {
        let plan = verb(&["plan", "--as", "ip", "--replace"], text);
        if pass > 0 && plan.code == 0 {
            break;
        }
        assert_eq!(plan.code, 2, "{plan:?}");
        std::fs::write("/run/script", &plan.out).unwrap();
        let ran = support::run(
            std::process::Command::new("sh").args(["-ex", "/run/script"]).env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"),
        );
        assert_eq!(ran.code, 0, "{}: {ran:?}\n{}", text, plan.out);
        scripts += &plan.out;
    }
    let again = verb(&["plan"], text);
    assert_eq!((again.code, again.err.as_str()), (0, ""), "{}{}\nafter:\n{scripts}", again.out, again.err);
}

#[test]
fn as_ip_leads_the_real_tools_to_the_same_state() {
    sandboxed("as_ip_leads_the_real_tools_to_the_same_state", || {
        let bare = exactly();
        for name in ["walkthrough", "lab-a", "lab-b"] {
            let text = std::fs::read_to_string(format!("{}/examples/{name}.toml", env!("CARGO_MANIFEST_DIR"))).unwrap();
            by_the_real_tools(&text, 1);
            let theirs = alike();
            down(name);
            // What forwarding was before they came, nobody has written down.
            sh("sysctl -qw net.ipv4.ip_forward=0");
            same("after down of what the real tools made", &bare, &exactly());
            apply(&text);
            same(name, &theirs, &alike());
            down(name);
        }
    });
}

#[test]
fn as_ip_says_changes_too() {
    sandboxed("as_ip_says_changes_too", || {
        for seed in [1, 4, 5, 8, 10, 11] {
            let (first, second) = topologies::pair(seed);
            apply(&first);
            if verb(&["plan", "--replace"], &second).code == 2 {
                // What a change takes along, such as routes of a link that goes down, the next plan has: as apply, which
                // looks up to three times.
                by_the_real_tools(&second, 3);
            }
            let theirs = alike();
            ours(&["down", topologies::NAME]).ok();
            apply(&second);
            same(&format!("seed {seed}"), &theirs, &alike());
            down(topologies::NAME);
        }
    });
}

#[test]
fn exit_codes_of_what_cannot_be_planned() {
    sandboxed("exit_codes_of_what_cannot_be_planned", || {
        let before = exactly();
        for verb in ["plan", "apply"] {
            refused(&ours(&[verb, "/run/nothing.toml"]), 1, &["/run/nothing.toml"]);
            let bad = file("bad", "name = \"bad\"\n[bridge.b]\nadress = [\"10.0.0.1/24\"]\nmtu = \"x\"\n");
            refused(
                &ours(&[verb, &bad]),
                1,
                &["/run/bad.toml:3:1: ", "did you mean", "address", "/run/bad.toml:4:7: "],
            );
            refused(&ours(&[verb]), 64, &["netstrap ", " --help"]);
            refused(&ours(&[verb, "--nosuch", &bad]), 64, &["--nosuch"]);
        }
        same("what is refused", &before, &exactly());
        // A file from standard input, by apply and by plan.
        let fed = |word: &str, text: &str| {
            let script = format!("\"$NETSTRAP\" {word} - <<'END'\n{text}\nEND\n");
            let ran =
                support::run(std::process::Command::new("sh").args(["-c", &script]).env("NETSTRAP", support::NETSTRAP));
            (ran.code, ran.out)
        };
        assert_eq!(fed("plan", WALKTHROUGH).0, 2);
        assert!(fed("apply", WALKTHROUGH).1.starts_with("changed: "));
        assert_eq!(fed("apply", WALKTHROUGH), (0, "unchanged\n".into()));
        unchanged(WALKTHROUGH);
        assert_eq!(sh("ls /run/netns"), "blue\nred\n");
    });
}
