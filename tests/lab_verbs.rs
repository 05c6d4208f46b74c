//! `netstrap plan`, `apply`, `down`, `status`, `export`, `recover`, `confirm` as commands: words, exit codes, what is said
//! of bad words and bad files, which change nothing. What they do is tested beside.
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use support::{Folder, NETSTRAP, Ran, ours, run, sandboxed, split, tool};

/// Runs a line of words.
fn line(line: &str) -> Ran {
    let words = split(line);
    ours(&words.iter().map(String::as_str).collect::<Vec<_>>())
}

/// Runs a line of words with a text on its standard input.
fn fed(line: &str, input: &[u8]) -> Ran {
    let mut child = Command::new(NETSTRAP)
        .args(split(line))
        .env_remove("NETSTRAP_HINTS")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = child.stdin.take().unwrap();
    // A child that refuses before it reads has closed the other end.
    let _ = pipe.write_all(input);
    drop(pipe);
    Ran::of(child.wait_with_output().unwrap())
}

/// Wrong words, the verb's complaint, and that nothing is printed beside it.
const WRONG_WORDS: &[(&str, &str)] = &[
    ("plan", "FILE is missing"),
    ("plan ''", "FILE is missing"),
    ("plan --json", "FILE is missing"),
    ("plan a.toml b.toml", "\"b.toml\" is a word too many"),
    ("plan - -", "\"-\" is a word too many"),
    ("plan -- -x y", "\"y\" is a word too many"),
    ("plan -j a.toml", "the option -j is not known"),
    ("plan --jsn a.toml", "the option --jsn is not known; did you mean \"--json\"?"),
    ("plan --frobnicate a.toml", "the option --frobnicate is not known"),
    ("plan --json=yes a.toml", "--json takes no value"),
    ("plan --as a.toml", "--as: \"a.toml\" is not ip"),
    ("plan --as", "--as lacks its value: ip"),
    ("plan --as=nft a.toml", "--as: \"nft\" is not ip"),
    ("plan --as ip --json a.toml", "--json and --as are two shapes of one thing"),
    ("plan --prune a.toml", "--prune: \"a.toml\" is neither on nor off"),
    ("plan --prune= a.toml", "--prune: \"\" is neither on nor off"),
    ("plan --confirm 5s a.toml", "the option --confirm is none of this verb"),
    ("plan --lock-wait 5s a.toml", "the option --lock-wait is none of this verb"),
    ("plan -n red a.toml", "the option -n is none of this verb"),
    ("plan '--\u{1b}[31m' a.toml", "the option --\\x1b[31m is not known"),
    ("apply", "FILE is missing"),
    ("apply --json a.toml", "the option --json is none of this verb"),
    ("apply --confirm a.toml", "--confirm: \"a.toml\" is no time up to 86400s (10s, 500ms)"),
    ("apply --confirm 0s a.toml", "--confirm: \"0s\" is no time up to 86400s (10s, 500ms)"),
    ("apply --confirm 86401s a.toml", "--confirm: \"86401s\" is no time up to 86400s (10s, 500ms)"),
    ("apply --confirm 1m a.toml", "--confirm: \"1m\" is no time up to 86400s (10s, 500ms)"),
    ("apply --lock-wait -1s a.toml", "--lock-wait: \"-1s\" is no time up to 86400s (10s, 500ms)"),
    ("apply --lock-wait 5 a.toml", "--lock-wait: \"5\" is no time up to 86400s (10s, 500ms)"),
    ("apply --lock-wait", "--lock-wait lacks its value: TIME"),
    ("down", "FILE|NAME is missing"),
    ("down --adopt lab", "the option --adopt is none of this verb"),
    ("down Lab", "\"Lab\" is not a name as files have them ([a-z0-9._-]); a FILE has a / or ends in .toml or .json"),
    ("down ..", "\"..\" is not a name as files have them ([a-z0-9._-]); a FILE has a / or ends in .toml or .json"),
    ("down 'a b'", "\"a b\" is not a name as files have them ([a-z0-9._-]); a FILE has a / or ends in .toml or .json"),
    (
        "status 123456789012345678901234567890123",
        "\"123456789012345678901234567890123\" is not a name as files have them ([a-z0-9._-]); a FILE has a / or ends in .toml or .json",
    ),
    ("status", "FILE|NAME is missing"),
    ("status --as ip lab", "the option --as is none of this verb"),
    ("export lab", "\"lab\" is a word too many"),
    ("export -n", "-n lacks its value: NAME"),
    ("export -n ''", "-n: \"\" is no name of a namespace"),
    ("export -n red -n ../red", "-n: \"../red\" is no name of a namespace"),
    ("export --host=1", "--host takes no value"),
    ("export --adopt", "the option --adopt is none of this verb"),
    ("recover", "NAME is missing"),
    ("recover a.toml/", "\"a.toml/\" is not a name as files have them ([a-z0-9._-])"),
    ("recover a b", "\"b\" is a word too many"),
    ("recover --json a", "the option --json is none of this verb"),
    ("confirm a b", "\"b\" is a word too many"),
    ("confirm _a", "\"_a\" is not a name as files have them ([a-z0-9._-])"),
    ("confirm --lock-wait 1s", "the option --lock-wait is none of this verb"),
];

#[test]
fn wrong_words_are_told_in_one_line() {
    for (words, expected) in WRONG_WORDS {
        let verb = words.split(' ').next().unwrap();
        let ran = line(words);
        assert_eq!((ran.code, ran.out.as_str()), (64, ""), "{words}");
        assert_eq!(ran.err, format!("netstrap: {verb}: {expected}; see: netstrap {verb} --help\n"), "{words}");
    }
}

#[test]
fn every_verb_has_help() {
    let all = line("--help").ok();
    for verb in ["plan", "apply", "down", "status", "export", "recover", "confirm"] {
        assert!(all.lines().any(|line| line.trim_start().starts_with(&format!("{verb} "))), "{verb}");
        for flag in ["--help", "-h", "--help x", "x --help"] {
            if verb == "export" && flag.contains('x') {
                continue;
            }
            let help = line(&format!("{verb} {flag}")).ok();
            assert!(help.starts_with(&format!("usage: netstrap {verb}")), "{help}");
            assert!(help.contains("exit codes: 0 ") && help.ends_with("64 wrong words.\n"), "{help}");
            // Of an option the help says what it does.
            assert!(help.lines().all(|line| line.len() <= 110), "{help}");
        }
    }
}

/// What is wrong with a file, and what is said of it; `-` is standard input.
const WRONG_FILES: &[(&[u8], &str)] = &[
    (b"", "-:1:1: a key is missing: the file needs \"name\""),
    (b"name = \"A\"", "-:1:8: not a name: \"A\" ([a-z0-9][a-z0-9._-]{0,31})"),
    (b"name = 'a'\nname = 'b'\n", "-:2:1: already set: \"name\" is said at -:1:1"),
    (b"name = 'a'\nfoo = 1\n", "-:2:1: unknown key \"foo\" of the file"),
    (b"name = 'a'\n[brigde.b]\n", "-:2:2: unknown key \"brigde\" of the file; did you mean \"bridge\"?"),
    (b"name = 'a'\n[dummy.d]\nmtu = 20\n", "-:3:7: out of range: 20, mtu is from 68 to 65535 bytes"),
    (b"name = 'a'\n[dummy.toolongforalinux]\n", "-:2:8: "),
    (b"name = 'a'\nroute = ['default']\n", "-:2:10: "),
    (b"name = 'a'\n[dummy.d]\naddress = ['10.0.0.1']\n", "-:3:12: "),
    (b"name = 'a'\n[dummy.d]\nmaster = 'b'\n", "-:3:10: "),
    (b"name = 'a'\ninclude = ['nowhere.toml']\n", "-:2:12: cannot be read: nowhere.toml: No such file or directory"),
    (b"name = \"\xff\"", "-:1:9: not UTF-8"),
    (b"name = 'a", "-:1:"),
    (b"{\"name\": \"a\", \"x\": 1}", "-:1:15: unknown key \"x\" of the file"),
    (b"name = 'a'\n[netns.a.dummy.d]\nnetem = 'delay 1ms'\n", "-:3:1: "),
    (b"\0", "-:1:1: "),
];

#[test]
fn wrong_files_are_told_with_their_places() {
    for (text, expected) in WRONG_FILES {
        for verb in ["plan", "apply", "status", "down"] {
            let ran = fed(&format!("{verb} -"), text);
            let shown = String::from_utf8_lossy(text);
            assert_eq!((ran.code, ran.out.as_str()), (1, ""), "{verb} {shown}: {ran:?}");
            assert!(ran.err.starts_with(expected), "{verb} {shown}: {:?}", ran.err);
        }
    }
    // All at once, in the order of the text.
    let ran = fed("apply -", b"name = 'a'\nfoo = 1\n[dummy.d]\nmtu = 1\nup = 3\n");
    let places: Vec<_> = ran.err.lines().map(|line| line.split(": ").next().unwrap()).collect();
    assert_eq!((ran.code, places), (1, vec!["-:2:1", "-:4:7", "-:5:6"]));
}

#[test]
fn a_closed_standard_input_is_an_error() {
    for verb in ["plan", "apply", "down", "status"] {
        let ran = run(Command::new("sh").args(["-c", "exec \"$0\" \"$1\" - <&-", NETSTRAP, verb]));
        assert_eq!((ran.code, ran.err.as_str()), (1, "-:1:1: cannot be read: Bad file descriptor\n"), "{verb}");
    }
}

#[test]
fn files_are_regular_and_no_others_may_write_them() {
    sandboxed("files_are_regular_and_no_others_may_write_them", || {
        let folder = Folder::new("lab-verbs-files");
        let path = folder.0.join("lab.toml");
        let name = path.display().to_string();
        // Wrong on purpose: it is seen to be read by what is said of it.
        std::fs::write(&path, "x = 1\n").unwrap();
        let may_not = "cannot be read: others than its owner may write it; take that away by chmod go-w, or pass --allow-writable-plan";
        for (mode, is_refused) in [(0o644, false), (0o600, false), (0o664, true), (0o646, true), (0o666, true)] {
            std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
            for verb in ["plan", "apply", "down", "status"] {
                let ran = ours(&[verb, &name]);
                let refused = format!("{name}:1:1: {may_not}\n");
                assert_eq!((ran.code, ran.err == refused), (1, is_refused), "{mode:o} {verb}: {}", ran.err);
                let ran = ours(&[verb, "--allow-writable-plan", &name]);
                assert!(ran.err.contains("unknown key \"x\""), "{mode:o} {verb}: {}", ran.err);
            }
        }
        // What is included is looked at too.
        let main = folder.0.join("main.toml").display().to_string();
        std::fs::write(&main, "name = 'a'\ninclude = ['lab.toml']\n").unwrap();
        assert!(ours(&["plan", &main]).err.starts_with(&format!("{main}:2:12: cannot be read: {name}: others")));

        let pipe = folder.0.join("pipe.toml").display().to_string();
        run(Command::new(tool("mkfifo")).arg(&pipe)).ok();
        for odd in [pipe.as_str(), "/dev/zero", "/dev/null"] {
            let ran = ours(&["plan", "--allow-writable-plan", odd]);
            let text = "it is no regular file; pass it on standard input, as -";
            assert_eq!(ran.err, format!("{odd}:1:1: cannot be read: {text}\n"));
        }
        for (path, why) in [
            ("/proc", "Is a directory"),
            ("/nowhere/x.toml", "No such file or directory"),
            ("/dev/null/x", "Not a directory"),
        ] {
            let ran = ours(&["down", path]);
            // A word with a / is a file.
            assert_eq!((ran.code, ran.err), (1, format!("{path}:1:1: cannot be read: {why}\n")));
        }
        let ran = fed("plan -", &vec![b'#'; (4 << 20) + 1]);
        assert_eq!((ran.code, ran.err.as_str()), (1, "-:1:1: the files are longer than 4 MiB together\n"));
        let ran = run(Command::new("sh").args(["-c", "exec \"$0\" plan - < /dev/zero", NETSTRAP]));
        assert_eq!((ran.code, ran.err.as_str()), (1, "-:1:1: the files are longer than 4 MiB together\n"));
    });
}

#[test]
fn a_file_name_that_is_no_text_is_refused() {
    use std::os::unix::ffi::OsStrExt;
    let ran = run(Command::new(NETSTRAP).arg("plan").arg(std::ffi::OsStr::from_bytes(b"\xff.toml")));
    let says = "netstrap: plan: \"\\xff.toml\" is not UTF-8, as names of files must be; see: netstrap plan --help\n";
    assert_eq!((ran.code, ran.err.as_str()), (64, says));
}

const LAB: &str = "\
name = 'lab'
[bridge.br]
address = ['10.0.0.1/24']
[netns.n]
route = ['default via 10.0.0.1']
[netns.n.veth.a]
address = ['10.0.0.2/24']
peer = { name = 'p', master = 'br' }
";

/// A command of the system.
fn sh(line: &str) -> String {
    run(Command::new(tool("sh")).args(["-c", line]).env("NETSTRAP", NETSTRAP)).ok()
}

#[test]
fn what_is_said_from_plan_to_down() {
    sandboxed("what_is_said_from_plan_to_down", || {
        std::fs::write("/run/lab.toml", LAB).unwrap();
        let plan = line("plan /run/lab.toml");
        assert_eq!((plan.code, plan.err.as_str()), (2, ""));
        let lines: Vec<&str> = plan.out.lines().filter(|line| !line.contains("sysctl")).collect();
        assert_eq!(
            lines[..6],
            [
                "+ netns n",
                "+ bridge br",
                "+ veth p, peer a in n",
                "+ address 10.0.0.1/24 dev br",
                "+ address 10.0.0.2/24 dev a in n",
                "+ route default via 10.0.0.1 in n"
            ]
        );
        let made = plan.out.lines().last().unwrap().strip_suffix(" to make").unwrap().to_owned();
        assert_eq!(line("apply /run/lab.toml").ok(), format!("changed: {made} made\n"));
        assert_eq!(line("apply /run/lab.toml").ok(), "unchanged\n");
        assert_eq!(fed("apply -", LAB.as_bytes()).ok(), "unchanged\n");
        for words in ["status lab", "status /run/lab.toml"] {
            assert_eq!(line(words).ok(), "as asked\n");
        }
        assert_eq!(line("status --json lab").ok(), "[]\n");
        sh("ip -n n address delete 10.0.0.2/24 dev a; ip link set dev p mtu 1400");
        for words in ["status lab", "status /run/lab.toml", "plan /run/lab.toml"] {
            let ran = line(words);
            assert_eq!(ran.code, 2);
            for part in
                ["~ veth p: mtu 1400 -> 1500\n", "+ address 10.0.0.2/24 dev a in n\n", " to make, 1 to change\n"]
            {
                assert!(ran.out.contains(part), "{words}: {}", ran.out);
            }
        }
        let json = line("status --json /run/lab.toml");
        let part = concat!(
            r#"{"sign":"+","kind":"address","object":"10.0.0.2/24 dev a","netns":"n","#,
            r#""at":{"file":"/run/lab.toml","line":7,"column":12},"differences":[]}"#
        );
        assert!(json.code == 2 && json.out.contains(part), "{json:?}");
        // What was applied is known without its file, but not where that said it.
        assert!(
            line("status --json lab")
                .out
                .contains(&part.replace(r#""at":{"file":"/run/lab.toml","line":7,"column":12},"#, ""))
        );
        let healed = line("apply /run/lab.toml").ok();
        assert!(healed.starts_with("changed: ") && healed.ends_with(" made, 1 changed\n"), "{healed}");
        let export = line("export -n n").ok();
        assert!(export.starts_with("name = \"exported\"\n") && export.contains("[netns.n]"), "{export}");
        assert!(line("export --json").ok().contains("\"10.0.0.1/24\""));
        let down = line("down lab").ok();
        assert!(down.starts_with("changed: ") && down.ends_with(" taken away\n"), "{down}");
        for words in ["down lab", "down /run/lab.toml", "recover lab"] {
            assert_eq!(line(words).ok(), "unchanged\n");
        }
        for (words, says) in [
            (
                "status lab",
                "netstrap: status: lab: what it should be is not known here (/run/netstrap); name its FILE\n",
            ),
            ("export -n n", "netstrap: export: n: there is no such namespace; see: ip netns\n"),
            ("confirm", "netstrap: confirm: nothing waits to be confirmed\n"),
            ("confirm lab", "netstrap: confirm: nothing waits to be confirmed\n"),
        ] {
            let ran = line(words);
            assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (1, "", says), "{words}");
        }
    });
}

#[test]
fn what_is_in_the_way_is_told_with_its_place() {
    sandboxed("what_is_in_the_way_is_told_with_its_place", || {
        std::fs::write("/run/lab.toml", LAB).unwrap();
        sh("ip link add name br type bridge; ip netns add n; ip link add name p type veth peer name q");
        for verb in ["plan", "apply"] {
            let ran = ours(&[verb, "/run/lab.toml"]);
            let places: Vec<_> = ran.err.lines().map(|line| line.split(": ").next().unwrap()).collect();
            assert_eq!((ran.code, ran.out.as_str()), (1, ""), "{verb}: {ran:?}");
            assert!(places.iter().all(|place| place.starts_with("/run/lab.toml:")), "{verb}: {}", ran.err);
            assert!(places.contains(&"/run/lab.toml:2:9") && ran.err.contains("--adopt"), "{verb}: {}", ran.err);
        }
        assert_eq!(line("plan --adopt --replace /run/lab.toml").code, 2);
    });
}

#[test]
fn a_run_waits_for_another_and_tells_who_it_was() {
    sandboxed("a_run_waits_for_another_and_tells_who_it_was", || {
        std::fs::write("/run/lab.toml", LAB).unwrap();
        // It holds the lock until it is confirmed.
        let mut first = Command::new(NETSTRAP)
            .args(["apply", "--confirm", "100s", "/run/lab.toml"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        while line("plan /run/lab.toml").code != 0 {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        for verb in ["apply", "down"] {
            let ran = ours(&[verb, "--lock-wait", "100ms", "/run/lab.toml"]);
            let says = [
                format!("netstrap: {verb}: another run (process "),
                ") held the lock for longer than 100ms; see --lock-wait\n".into(),
            ];
            assert!(ran.code == 5 && ran.err.starts_with(&says[0]) && ran.err.ends_with(&says[1]), "{ran:?}");
        }
        while line("confirm lab").code != 0 {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        assert!(first.wait().unwrap().success());
        assert!(line("down --lock-wait 5s lab").ok().starts_with("changed: "));
    });
}

#[test]
fn a_failure_says_what_where_and_that_all_is_as_it_was() {
    sandboxed("a_failure_says_what_where_and_that_all_is_as_it_was", || {
        std::fs::write("/run/lab.toml", LAB).unwrap();
        let mut file = std::fs::OpenOptions::new().append(true).open("/run/lab.toml").unwrap();
        file.write_all(b"[netns.m]\nsysctl = { 'net.ipv4.nosuch' = 1 }\n").unwrap();
        let ran = line("apply /run/lab.toml");
        let lines: Vec<&str> = ran.err.lines().collect();
        assert_eq!((ran.code, ran.out.as_str(), lines.len()), (3, "", 2), "{ran:?}");
        assert!(lines[0].starts_with("/run/lab.toml:10:12: set sysctl net.ipv4.nosuch in m: "), "{ran:?}");
        assert!(lines[0].contains(": No such file or directory"), "{ran:?}");
        assert_eq!(lines[1], "netstrap: apply: everything is as it was before");
        assert_eq!(sh("ip netns list; ip -br link show type bridge"), "");
    });
}

#[test]
fn a_long_run_tells_a_terminal_how_far_it_is() {
    sandboxed("a_long_run_tells_a_terminal_how_far_it_is", || {
        let many =
            "name = 'many'\n[netns.'m{1..200}'.veth.a]\naddress = ['10.0.0.0/16 + {i}']\npeer = { name = 'm{i}' }\n";
        std::fs::write("/run/many.toml", many).unwrap();
        let quiet = line("apply /run/many.toml");
        assert_eq!(quiet.err, "");
        line("down many").ok();
        // Longer than half a second on any machine.
        sh("script -qec \"strace -f -o /dev/null -e trace=unshare -e inject=unshare:delay_enter=7000 \
            $NETSTRAP apply /run/many.toml\" /run/typescript >/dev/null 2>&1 </dev/null");
        let seen = String::from_utf8(std::fs::read("/run/typescript").unwrap()).unwrap();
        assert!(seen.contains("changed: "), "{seen}");
        // Its lines are gone at the end.
        let drawn: Vec<&str> = seen.split("\r\u{1b}[K").collect();
        assert!(drawn[1..].iter().any(|line| line.starts_with("apply: ") && line.contains(" of ")), "{seen}");
        assert!(drawn.last().unwrap().starts_with("changed: "), "{seen}");
    });
}

#[test]
fn lost_output_does_not_say_that_nothing_was_done() {
    sandboxed("lost_output_does_not_say_that_nothing_was_done", || {
        std::fs::write("/run/lab.toml", "name = 'lab'\n[bridge.br0]\n").unwrap();
        for (words, code) in [("apply /run/lab.toml", 0), ("plan /run/lab.toml", 1), ("down lab", 0)] {
            let ran = run(Command::new("sh").args(["-c", &format!("exec \"$0\" {words} >/dev/full"), NETSTRAP]));
            assert_eq!((ran.code, ran.err.contains("write error")), (code, true), "{words}: {ran:?}");
        }
        assert_eq!(line("status lab").code, 1);
    });
}

#[test]
fn status_tells_what_differs_where_somebody_else_has_put_another_in_its_place() {
    sandboxed("status_tells_what_differs_where_somebody_else_has_put_another_in_its_place", || {
        let text =
            "name = 'lab'\n[bridge.br0]\naddress = ['192.0.2.1/24']\n[netns.a]\nroute = ['default via 192.0.2.1']
            [netns.a.veth.eth0]\naddress = ['192.0.2.2/24']\npeer = { name = 'v0', master = 'br0' }\n";
        std::fs::write("/run/lab.toml", text).unwrap();
        line("apply /run/lab.toml").ok();
        for harm in ["ip link del br0", "ip link add br0 type bridge", "ip -n a route del default"] {
            run(Command::new("sh").args(["-c", harm])).ok();
        }
        let ran = line("status lab");
        assert_eq!((ran.code, ran.err.as_str()), (2, ""), "{ran:?}");
        for expected in
            ["~ bridge br0: mark none -> nst-", "~ veth v0: master none -> br0", "+ route default via 192.0.2.1 in a"]
        {
            assert!(ran.out.contains(expected), "{}", ran.out);
        }
        assert_eq!(line("status --json lab").code, 2);
        // Apply is not that bold.
        assert!(line("apply /run/lab.toml").err.contains("--adopt takes it over"));
        // What stays in the way is what differs, too.
        run(Command::new("sh").args(["-c", "ip link set v0 name v1; ip link add v0 type veth peer name w0"])).ok();
        let ran = line("status lab");
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{ran:?}");
        assert!(ran.err.contains("the name is taken by another link"), "{ran:?}");
    });
}
