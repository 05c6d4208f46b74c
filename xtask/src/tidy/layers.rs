//! The one direction of the library: a module uses only layers below its own. In: a source
//! file. Out: a breach for each use of a layer above.

use super::Findings;
use super::text::code;

/// The layers, lowest first; modules of one layer may use each other.
const LAYERS: &[&[&str]] = &[
    &["error"],
    &["model"],
    &["wire"],
    &["sys", "folder"],
    &["socket"],
    &["netns", "resolve", "ruleset", "sysctl", "translations", "ping", "exec", "sandbox"],
    &["file", "plan", "export"],
    &["lab"],
    &["cli", "show"],
];

/// Uses that the order of layers would allow and that are refused all the same: `show`
/// prints models and never asks the kernel; `file`, `plan` and `export` make models and never ask it either. What a file
/// has words for, `export` asks the words of `file`.
const REFUSED: &[(&str, &str)] = &[
    ("show", "sys"),
    ("show", "socket"),
    ("show", "cli"),
    ("file", "wire"),
    ("file", "sys"),
    ("file", "socket"),
    ("file", "netns"),
    ("plan", "sys"),
    ("plan", "socket"),
    ("plan", "netns"),
    ("plan", "file"),
    ("export", "sys"),
    ("export", "socket"),
    ("export", "netns"),
    ("show", "lab"),
];

/// Checks one file; files outside the library have no layer.
pub fn check(file: &str, text: &str, findings: &mut Findings) {
    let Some((layer, at_top)) = layer(file) else { return };
    let Some(own) = rank(&layer) else {
        findings.breach(file, 0, format!("{layer} is in no layer; xtask/src/tidy/layers.rs lists them"));
        return;
    };
    for (number, line) in (1..).zip(text.lines()) {
        // Tests may build worlds of their own.
        if line.trim() == "#[cfg(test)]" {
            return;
        }
        for used in uses(&code(line), at_top) {
            let Some(other) = rank(&used) else { continue };
            let refused = REFUSED.iter().any(|(from, to)| *from == layer && *to == used);
            if other > own || refused {
                findings.breach(file, number, format!("{layer} uses {used}, which is above it or not for it"));
            }
        }
    }
}

/// The layer that a file is in, and whether `super` is the root of the library there.
fn layer(file: &str) -> Option<(String, bool)> {
    let path = file.strip_prefix("src/")?.strip_suffix(".rs")?;
    let (layer, rest) = path.split_once('/').unwrap_or((path, "mod"));
    match layer {
        "main" | "lib" => None,
        layer => Some((layer.to_string(), rest == "mod")),
    }
}

fn rank(layer: &str) -> Option<usize> {
    LAYERS.iter().position(|names| names.contains(&layer))
}

/// Modules at the library's root that a line names: `crate::x`, `crate::{x, y::z}`, `super::x` at the top.
fn uses(line: &str, at_top: bool) -> Vec<String> {
    let roots: &[&str] = if at_top { &["crate::", "super::"] } else { &["crate::"] };
    let mut found = Vec::new();
    for root in roots {
        for (at, _) in line.match_indices(root) {
            let rest = &line[at + root.len()..];
            match rest.strip_prefix('{') {
                None => found.push(word(rest)),
                Some(list) => {
                    let list = list.split("};").next().unwrap_or_default();
                    found.extend(list.split(',').map(|item| word(item.trim())));
                }
            }
        }
    }
    found
}

/// The identifier that a text starts with.
fn word(text: &str) -> String {
    text.chars().take_while(|char| char.is_alphanumeric() || *char == '_').collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(file: &str, text: &str) -> usize {
        let mut findings = Findings::default();
        check(file, text, &mut findings);
        findings.breaches.len()
    }

    #[test]
    fn downwards_is_fine_upwards_is_not() {
        assert_eq!(count("src/wire/link.rs", "use crate::model::name::IfName;\n"), 0);
        assert_eq!(count("src/model/name.rs", "use crate::wire::build;\n"), 1);
        assert_eq!(count("src/wire/link.rs", "fn f(s: &crate::socket::Socket) {}\n"), 1);
        assert_eq!(count("src/wire/link.rs", "use crate::{error::Error, sys, model};\n"), 1);
        assert_eq!(count("src/cli/ip.rs", "use crate::show::text;\nuse super::io::Io;\n"), 0);
        assert_eq!(count("src/main.rs", "use netstrap::cli;\n"), 0);
    }

    #[test]
    fn super_is_the_root_in_a_file_at_the_top() {
        assert_eq!(count("src/socket.rs", "use super::cli::io;\n"), 1);
        assert_eq!(count("src/wire/mod.rs", "use super::socket;\n"), 1);
        assert_eq!(count("src/wire/nft/batch.rs", "use super::socket;\n"), 0, "wire::nft::socket, if there is one");
    }

    #[test]
    fn show_never_asks_the_kernel() {
        assert_eq!(count("src/show/text.rs", "use crate::socket::Socket;\n"), 1);
        assert_eq!(count("src/show/text.rs", "use crate::model::link::Link;\n"), 0);
    }

    #[test]
    fn comments_strings_and_tests_do_not_count() {
        assert_eq!(count("src/wire/link.rs", "// crate::socket sends it\nlet x = \"crate::socket\";\n"), 0);
        assert_eq!(count("src/wire/link.rs", "#[cfg(test)]\nmod tests { use crate::socket; }\n"), 0);
    }

    #[test]
    fn a_new_module_must_be_given_a_layer() {
        assert_eq!(count("src/novel/mod.rs", ""), 1);
    }
}
