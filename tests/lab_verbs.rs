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
    ("plan", "which FILE?"),
    ("plan ''", "which FILE?"),
    ("plan --json", "which FILE?"),
    ("plan a.toml b.toml", "\"b.toml\" is a word too many"),
    ("plan - -", "\"-\" is a word too many"),
    ("plan -- -x y", "\"y\" is a word too many"),
    ("plan -j a.toml", "the option -j is not known"),
    ("plan --jsn a.toml", "the option --jsn is not known; did you mean \"--json\"?"),
    ("plan --frobnicate a.toml", "the option --frobnicate is not known"),
    ("plan --json=yes a.toml", "--json takes no value"),
    ("plan --as a.toml", "--as: a.toml is not ip"),
    ("plan --as", "--as lacks its value: ip"),
    ("plan --as=nft a.toml", "--as: nft is not ip"),
    ("plan --as ip --json a.toml", "--json and --as are two shapes of one thing"),
    ("plan --prune a.toml", "--prune: a.toml is neither on nor off"),
    ("plan --prune= a.toml", "--prune:  is neither on nor off"),
    ("plan --confirm 5s a.toml", "the option --confirm is none of this verb"),
    ("plan --lock-wait 5s a.toml", "the option --lock-wait is none of this verb"),
    ("plan -n red a.toml", "the option -n is none of this verb"),
    ("plan '--\u{1b}[31m' a.toml", "the option --\\x1b[31m is not known"),
    ("apply", "which FILE?"),
    ("apply --json a.toml", "the option --json is none of this verb"),
    ("apply --confirm a.toml", "--confirm: a.toml is no time up to 86400s (10s, 500ms)"),
    ("apply --confirm 0s a.toml", "--confirm: 0s is no time up to 86400s (10s, 500ms)"),
    ("apply --confirm 86401s a.toml", "--confirm: 86401s is no time up to 86400s (10s, 500ms)"),
    ("apply --confirm 1m a.toml", "--confirm: 1m is no time up to 86400s (10s, 500ms)"),
    ("apply --lock-wait -1s a.toml", "--lock-wait: -1s is no time up to 86400s (10s, 500ms)"),
    ("apply --lock-wait 5 a.toml", "--lock-wait: 5 is no time up to 86400s (10s, 500ms)"),
    ("apply --lock-wait", "--lock-wait lacks its value: TIME"),
    ("down", "which FILE|NAME?"),
    ("down --adopt lab", "the option --adopt is none of this verb"),
    ("down Lab", "\"Lab\" is not a name as files have them ([a-z0-9._-]); a FILE has a / or ends in .toml or .json"),
    ("down ..", "\"..\" is not a name as files have them ([a-z0-9._-]); a FILE has a / or ends in .toml or .json"),
    ("down 'a b'", "\"a b\" is not a name as files have them ([a-z0-9._-]); a FILE has a / or ends in .toml or .json"),
    (
        "status 123456789012345678901234567890123",
        "\"123456789012345678901234567890123\" is not a name as files have them ([a-z0-9._-]); a FILE has a / or ends in .toml or .json",
    ),
    ("status", "which FILE|NAME?"),
    ("status --as ip lab", "the option --as is none of this verb"),
    ("export lab", "\"lab\" is a word too many"),
    ("export -n", "-n lacks its value: NAME"),
    ("export --host=1", "--host takes no value"),
    ("export --adopt", "the option --adopt is none of this verb"),
    ("recover", "which NAME?"),
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
        assert_eq!((ran.code, ran.err.as_str()), (1, "-:1:1: cannot be read: -: Bad file descriptor\n"), "{verb}");
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
        let may_not = "cannot be read: NAME: others than its owner may write it; take that away by chmod go-w, or pass --allow-writable-plan";
        for (mode, is_refused) in [(0o644, false), (0o600, false), (0o664, true), (0o646, true), (0o666, true)] {
            std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
            for verb in ["plan", "apply", "down", "status"] {
                let ran = ours(&[verb, &name]);
                let refused = format!("{name}:1:1: {}\n", may_not.replace("NAME", &name));
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
            assert_eq!(ran.err, format!("{odd}:1:1: cannot be read: {odd}: {text}\n"));
        }
        for (path, why) in [
            ("/proc", "Is a directory"),
            ("/nowhere/x.toml", "No such file or directory"),
            ("/dev/null/x", "Not a directory"),
        ] {
            let ran = ours(&["down", path]);
            // A word with a / is a file.
            assert_eq!((ran.code, ran.err), (1, format!("{path}:1:1: cannot be read: {path}: {why}\n")));
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
