//! The walkthrough as a plain shell script for the virtual machine: steps in, text out. It
//! first proves that every command it uses is netstrap, and uses shell builtins otherwise.

use crate::demo::APPLETS;
use crate::process::Outcome;
use crate::walkthrough::Step;

/// What the steps are written with.
const HEAD: &str = r#"#!/bin/sh
# Every command but /init (the outside's reporter) is netstrap or built into the shell.
steps=0 bad=0 out= code=0
wrong() { bad=$((bad + 1)); echo "FAILED: $1"; }
show() { if [ -n "$out" ]; then echo "$out"; fi; }
try() { steps=$((steps + 1)) fine=yes; echo "\$ $*"; out=$("$@" 2>&1); code=$?; show; }
once() { if [ $fine = yes ]; then fine=no; wrong "$1"; fi; }
ok() { try "$@"; if [ $code != 0 ]; then once "exit code $code"; fi; }
fails() { try "$@"; if [ $code = 0 ]; then once "exit code 0"; fi; }
has() { case $out in *"$1"*) ;; *) once "\"$1\" is not in the output" ;; esac; }
lacks() { case $out in *"$1"*) once "\"$1\" is in the output" ;; esac; }
answer() { steps=$((steps + 1)) ns=$1; shift; ip netns exec "$ns" /init probe answer "$@" & }
sees() {
    steps=$((steps + 1)) fine=yes
    echo "(ask $2 from $1: which source address did you see?)"
    out=$(ip netns exec "$1" /init probe ask "$2" 2>&1); show
    if [ "$out" != "$3" ]; then once "the outside saw \"$out\", not $3"; fi
}
"#;

/// The script.
pub fn text(steps: &[Step]) -> Outcome<String> {
    let mut text = HEAD.to_string();
    text += &format!("for name in {}; do\n", APPLETS.join(" "));
    text += "    where=$(command -v $name)\n";
    text += "    if ! { [ \"$where\" = /bin/$name ] && [ /bin/$name -ef /bin/netstrap ]; }; then\n";
    text += "        echo \"$name is not netstrap, but: $where\"; exit 1\n    fi\n";
    text += "    echo \"$where is /bin/netstrap\"\ndone\n";
    for step in steps {
        text += &match step {
            Step::Heading(heading) => format!("\necho; echo '=== '{}\n", quoted(heading)),
            Step::Run(run) => {
                let words: Vec<String> = run.words.iter().map(|word| quoted(word)).collect();
                let mut lines = format!("{} {}\n", if run.succeeds { "ok" } else { "fails" }, words.join(" "));
                run.has.iter().for_each(|text| lines += &format!("has {}\n", quoted(text)));
                run.lacks.iter().for_each(|text| lines += &format!("lacks {}\n", quoted(text)));
                lines
            }
            Step::Answer { ns, addresses } => format!("answer {ns} {}\n", addresses.join(" ")),
            Step::Sees { ns, address, source } => format!("sees {ns} {address} {source}\n"),
        };
    }
    text += "\necho\necho \"walkthrough: $steps steps, $((steps - bad)) ok, $bad FAILED\"\nexit $((bad > 0))\n";
    Ok(text)
}

/// A word as the shell reads it back; plain ones stay plain.
fn quoted(word: &str) -> String {
    let plain = |char: char| char.is_ascii_alphanumeric() || "-_./:=+,@%".contains(char);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_string()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::walkthrough::parse;
    use std::process::Command;

    /// Runs a script with the applet check taken out (there are no applets here).
    fn shell(steps: &str) -> (bool, String) {
        let text = text(&parse(steps).unwrap()).unwrap();
        let (head, rest) = text.split_once("for name in").unwrap();
        let (_, rest) = rest.split_once("done\n").unwrap();
        let output = Command::new("sh").arg("-c").arg(format!("{head}{rest}")).output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
    }

    #[test]
    fn the_script_counts_as_the_runner_does() {
        let (fine, text) = shell("= it's\n$ echo a b\n> a b\n< c\n! false\n");
        assert!(fine && text.ends_with("walkthrough: 2 steps, 2 ok, 0 FAILED\n"), "{text}");
        assert!(text.contains("=== it's\n$ echo a b\na b\n"), "{text}");
        for wrong in ["$ false\n", "! true\n", "$ echo a\n> b\n", "$ echo a\n< a\n", "$ false\n> x\n> y\n"] {
            let (fine, text) = shell(wrong);
            assert!(!fine && text.ends_with("walkthrough: 1 steps, 0 ok, 1 FAILED\n"), "{text}");
        }
    }

    #[test]
    fn a_command_that_is_not_netstrap_stops_the_script() {
        let text = text(&parse("$ ip link\n").unwrap()).unwrap();
        let output = Command::new("sh").arg("-c").arg(text).output().unwrap();
        let words = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(1));
        assert!(words.contains("ip is not netstrap") && !words.contains("walkthrough:"), "{words}");
    }

    #[test]
    fn words_are_quoted_only_where_needed() {
        assert_eq!(quoted("192.168.15.0/24"), "192.168.15.0/24");
        assert_eq!(quoted("a b"), "'a b'");
        assert_eq!(quoted("it's"), "'it'\\''s'");
    }
}
