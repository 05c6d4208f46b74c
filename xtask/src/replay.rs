//! Command lines answered by iproute2 and by our binary, each in a sandbox of the same kind, and
//! what differs. Shared by the commands `sem`, `argv` and `selftests`: the two sides, their sandboxes.

pub mod answer;
pub mod argv;
mod class;
mod line;
mod mask;
mod mutate;
mod score;
pub mod selftests;
pub mod sem;
mod stage;
mod world;

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::args::Args;
use crate::namespaces;
use crate::packages;
use crate::process::{About, Outcome, find, own_binary, read, run};
use crate::tree;
use answer::Answer;

/// The two sides of a comparison.
pub struct Sides {
    /// Our binary.
    pub binary: PathBuf,
    /// A folder of this run.
    pub folder: PathBuf,
    /// A command that starts the sandboxes elsewhere, such as in a virtual machine with this file system.
    under: Vec<String>,
}

/// Before each line of what a side prints, which may come through a machine's console.
const MARK: &str = "answer: ";

impl Sides {
    /// The sides, with a folder each that holds nothing but its `ip`.
    pub fn new(name: &str, args: &mut Args) -> Outcome<Self> {
        packages::ensure(&[("ip", "iproute2"), ("unshare", "util-linux"), ("gzip", "gzip")])?;
        let under = match args.value("--under")? {
            Some(words) => words.split_whitespace().map(str::to_string).collect(),
            None if namespaces::usable() => Vec::new(),
            None => vec![own_binary()?.display().to_string(), "uml".to_string()],
        };
        let sides = Sides { binary: binary(args)?, folder: tree::scratch(name)?, under };
        let real = find("ip").ok_or("ip: not found")?;
        for (side, file) in [("ours", &sides.binary), ("theirs", &real)] {
            let dir = sides.folder.join(side);
            std::fs::create_dir_all(&dir).about(&dir)?;
            symlink(file, dir.join("ip")).about(&dir)?;
        }
        // The other tool of iproute2, where our binary stands for it too.
        let applets = read(Command::new(&sides.binary).arg("--help"));
        if applets.is_ok_and(|text| text.split(|char: char| !char.is_alphanumeric()).any(|word| word == "bridge")) {
            symlink(&sides.binary, sides.folder.join("ours/bridge")).about("bridge")?;
        }
        std::fs::create_dir_all(sides.folder.join("in")).about("in")?;
        Ok(sides)
    }

    /// Puts a program that does nothing in the place of another one, for both sides.
    pub fn harmless(&self, program: &str) -> Outcome {
        let nothing = find("true").ok_or("true: not found")?;
        let place = |dir: &str| self.folder.join(dir).join(program);
        let places = if program.contains('/') { vec![place("in")] } else { vec![place("ours"), place("theirs")] };
        if program.is_empty() || Path::new(program).is_absolute() || program.contains("..") {
            return Ok(());
        }
        for place in places.into_iter().filter(|place| !place.exists()) {
            if let Some(dir) = place.parent() {
                std::fs::create_dir_all(dir).about(dir)?;
            }
            symlink(&nothing, &place).about(&place)?;
        }
        Ok(())
    }

    /// What this program answers in a fresh sandbox, where it sees no process but its own.
    pub fn answers(&self, words: &[&str]) -> Outcome<Vec<Answer>> {
        let mut words: Vec<String> = words.iter().map(|word| word.to_string()).collect();
        words.insert(0, own_binary()?.to_string_lossy().into_owned());
        let first = self.binary.to_string_lossy().into_owned();
        let sandbox = ["sandbox", "--", "unshare", "--pid", "--fork", "--mount-proc", "--kill-child"];
        // As process 1 this program would be the first one of the virtual machine: a shell comes between.
        let shell = ["sh", "-c", "\"$@\"; exit $?", "sh"];
        let all: Vec<String> = (self.under.iter().cloned())
            .chain([first])
            .chain(sandbox.into_iter().chain(shell).map(str::to_string))
            .chain(words)
            .collect();
        let mut command = Command::new(&all[0]);
        command.args(&all[1..]).stdin(Stdio::null()).stderr(Stdio::inherit()).env_remove("NETSTRAP_HINTS");
        let output = command.output().about(&all[0])?;
        if !output.status.success() {
            return Err(format!("{}: {}", all.join(" "), output.status).into());
        }
        let text = String::from_utf8_lossy(&output.stdout);
        let parsed: Option<Vec<Answer>> =
            text.lines().filter_map(|line| line.strip_prefix(MARK)).map(Answer::parse).collect();
        parsed.ok_or_else(|| "a side printed what is no answer".into())
    }
}

/// Prints an answer for [`Sides::answers`].
fn print(answer: &Answer) {
    println!("{MARK}{}", answer.line());
}

/// The binary that `--binary FILE` names, else a new debug build.
fn binary(args: &mut Args) -> Outcome<PathBuf> {
    if let Some(file) = args.value("--binary")? {
        return std::fs::canonicalize(&file).about(&file);
    }
    run(tree::cargo().args(["build", "--quiet", "--package", "netstrap", "--bin", "netstrap"]))?;
    Ok(tree::target()?.join("debug/netstrap"))
}
