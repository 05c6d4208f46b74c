//! netstrap's developer commands: `cargo xtask COMMAND`. The one table of them; each has
//! its own file. In: words. Out: short lines of what is being done, and an exit code:
//! 0 done, 1 failed, 64 not understood.

mod args;
mod bench;
mod demo;
mod deviations;
mod diff;
mod dist;
mod fuzz;
mod golden;
mod mutate;
mod namespaces;
mod packages;
mod probe;
mod process;
mod replay;
mod size;
mod sweep;
mod sys;
mod test;
mod tidy;
mod traffic;
mod tree;
mod uml;
mod vm;
mod walkthrough;

use std::process::ExitCode;

use process::{Failure, Outcome};

/// A command's entry point: the words after its name.
type Run = fn(Vec<String>) -> Outcome;

/// A command that `cargo xtask` knows.
struct Command {
    name: &'static str,
    words: &'static str,
    about: &'static str,
    run: Run,
}

const COMMANDS: &[Command] = &[
    Command {
        name: "demo",
        words: "[--uml] [--tiny] [--binary FILE]",
        about: "build the static binary and run the walkthrough with it in a sandbox",
        run: demo::run,
    },
    Command {
        name: "test",
        words: "[--uml] [CARGO TEST ARGS...]",
        about: "run all tests, after getting or naming the tools that they compare with",
        run: test::run,
    },
    Command {
        name: "dist",
        words: "[--tiny] [--target x86_64|aarch64|TRIPLE]",
        about: "build the static release binary; its path is the last line",
        run: dist::run,
    },
    Command {
        name: "size",
        words: "",
        about: "build for every target and hold the sizes against xtask/size-budget.tsv",
        run: size::run,
    },
    Command { name: "tidy", words: "", about: "check the rules of the source tree", run: tidy::run },
    Command {
        name: "bench",
        words: "[--runs N] [--only ip|nat] [--tiny] [--binary FILE]",
        about: "time the binary against iproute2, busybox, nft and iptables-nft, in turn",
        run: bench::run,
    },
    Command {
        name: "bench apply",
        words: "[--n N,...] [--runs N] [--pings N] [--only NAME,...] [--realtime] [--tiny] [--binary FILE]",
        about: "time apply and down of N namespaces beside the lower bound and ip -batch, in turn",
        run: bench::apply::run,
    },
    Command {
        name: "fuzz",
        words: "[--seconds N] [TARGET...]",
        about: "run the fuzz targets for N seconds in all (60)",
        run: fuzz::run,
    },
    Command {
        name: "sem",
        words: "[--all] [--binary FILE] [--under COMMAND]",
        about: "a session of command lines: every answer as iproute2's, to the letter",
        run: replay::sem::run,
    },
    Command {
        name: "argv",
        words: "[--sample N] [--mutants N] [--examples N] [--binary FILE] [--under COMMAND]",
        about: "recorded command lines and mutants of them: refused and accepted as iproute2 does",
        run: replay::argv::run,
    },
    Command {
        name: "selftests",
        words: "[--tool ours|theirs] [--seconds N] [--binary FILE] [--under COMMAND] [SCRIPT...]",
        about: "scripts of the kernel's own tests with our binary as ip, and with iproute2",
        run: replay::selftests::run,
    },
    Command {
        name: "golden",
        words: "[--bless] [--binary FILE]",
        about: "compare what is sent with what iproute2 sends, attribute by attribute; or record the latter",
        run: golden::run,
    },
    Command {
        name: "forms",
        words: "[--missing] [--binary FILE]",
        about: "count the forms of ip command lines that send what iproute2 sends",
        run: golden::forms,
    },
    Command {
        name: "decode",
        words: "HEX",
        about: "print an rtnetlink message, one attribute per line",
        run: golden::decode,
    },
    Command {
        name: "vm",
        words: "[--tiny] [--binary FILE] [--kernel PACKAGE] [--boot NAME,...]",
        about: "boot the binary in an initramfs on distribution kernels: the walkthrough, and traffic translated",
        run: vm::run,
    },
    Command {
        name: "mutate",
        words: "[NAME...]",
        about: "make builds that are wrong on purpose, and see that the tests which are named beside them fail",
        run: mutate::run,
    },
    Command {
        name: "faults",
        words: "[--twice|--persist] [--points N] [--only SCENE,...] [--jobs N] [--careless|--binary FILE]",
        about: "make each system call of a run fail, and see that all is as asked or as before",
        run: sweep::faults,
    },
    Command {
        name: "kill",
        words: "[--random N] [--seed S] [--points N] [--only SCENE,...] [--jobs N] [--careless|--binary FILE]",
        about: "kill a run at each system call and at N moments (1000), and see that the next one finds its way",
        run: sweep::kill,
    },
    Command {
        name: "race",
        words: "[--rounds N] [--points N] [--only SCENE,...] [--jobs N] [--careless|--binary FILE]",
        about: "16 runs at once, N times (100); a stranger's object and a signal at each system call of a run",
        run: sweep::race,
    },
    Command {
        name: "drift",
        words: "[--points N] [--only reup,wide] [--jobs N] [--binary FILE]",
        about: "a second run changes nothing; one after somebody's change puts that right, and nothing else",
        run: sweep::drift,
    },
    Command {
        name: "sweeps",
        words: "[--jobs N] [--binary FILE] [PART...]",
        about: "faults, kill, race, drift and soak, each in a form that takes seconds",
        run: sweep::quick,
    },
    Command {
        name: "soak",
        words: "[--rounds N] [--namespaces N] [--binary FILE]",
        about: "a thousand namespaces come and go, ten times, and nothing is left",
        run: sweep::soak,
    },
    Command {
        name: "uml",
        words: "[--emulated] COMMAND [WORDS...]",
        about: "run a command under user-mode Linux (or in QEMU), on this file system, with a network of its own",
        run: uml::command,
    },
    Command {
        name: "diff",
        words: "ip [--topologies N] [--seconds N] [--seed S] [--share PERCENT] [--show N] [--refusals] [--vm] [--binary FILE]",
        about: "show generated topologies with iproute2 and with the binary, and compare",
        run: diff::run,
    },
];

/// Commands that the ones above call in another process, in a namespace or in a virtual machine.
const INNER: &[(&str, Run)] = &[
    ("demo-inside", demo::inside),
    ("argv-inside", replay::argv::inside),
    ("bench-inside", bench::inside),
    (bench::apply::INSIDE, bench::apply::inside),
    ("bench-walk", bench::walk),
    (namespaces::ASK, namespaces::ask),
    ("faults-inside", sweep::faults_inside),
    ("kill-inside", sweep::kill_inside),
    ("race-inside", sweep::race_inside),
    ("drift-inside", sweep::drift_inside),
    ("soak-inside", sweep::soak_inside),
    ("golden-inside", golden::inside),
    ("probe", probe::run),
    ("selftests-inside", replay::selftests::inside),
    ("sem-inside", replay::sem::inside),
    ("vm-init", vm::init::run),
    ("diff-inside", diff::worker::inside),
];

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let name = words.next();
    // As process 1 of the virtual machine there is nobody to give words; that of a sandbox is given them.
    let is_inner = INNER.iter().any(|(inner, _)| name.as_deref() == Some(inner));
    let name = if std::process::id() == 1 && !is_inner { Some("vm-init".to_string()) } else { name };
    let Some(name) = name else {
        help();
        return ExitCode::SUCCESS;
    };
    if matches!(name.as_str(), "help" | "--help" | "-h") {
        help();
        return ExitCode::SUCCESS;
    }
    let known = COMMANDS.iter().map(|command| (command.name, command.run)).chain(INNER.iter().copied());
    let outcome = match known.into_iter().find(|(known, _)| *known == name) {
        Some((_, run)) => run(words.collect()),
        None => Err(Failure::usage(format!("{name}: no such command; cargo xtask lists them"))),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("xtask: {}", failure.text);
            ExitCode::from(failure.code)
        }
    }
}

fn help() {
    println!("usage: cargo xtask COMMAND [WORDS...]\n");
    for command in COMMANDS {
        println!("  {:<12}{}", command.name, command.about);
        if !command.words.is_empty() {
            println!("              {}", command.words);
        }
    }
}
