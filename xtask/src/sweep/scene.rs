//! What sweeps have the program do, and where: each scene is a world, what was done in it before, and the
//! command that is tried. In: a name. Out: words for the program, and a world made.

use std::path::{Path, PathBuf};

use super::place::{self, DESK, Ran};
use super::state::State;
use crate::process::{About, Failure, Outcome};

/// Files that say what should be, by the names that scenes have for them.
const FILES: &[(&str, &str)] = &[
    ("walk", include_str!("scenes/walk.toml")),
    ("changed", include_str!("scenes/changed.toml")),
    ("wide", include_str!("scenes/wide.toml")),
];
/// The program that the harness itself is tried on.
pub const CARELESS: &str = include_str!("scenes/careless.sh");

/// What strangers have: none of it is ever to change. `x-dev` is there to be asked for as a device.
const STRANGERS: &[&str] = &[
    "ip netns add x-other",
    "ip link add x-br address 02:5a:00:00:66:01 type bridge",
    "ip address add 10.66.0.1/24 dev x-br",
    "ip link set x-br up",
    "ip link add x-a address 02:5a:00:00:66:0a master x-br up type veth peer name x-b address 02:5a:00:00:66:0b netns x-other",
    "ip -n x-other link set x-b up",
    "ip -n x-other link set lo up",
    "ip -n x-other address add 10.66.0.2/24 dev x-b",
    "ip -n x-other route add default via 10.66.0.1",
    "ip link add x-dev address 02:5a:00:00:66:0c up type veth peer name x-dev-end address 02:5a:00:00:66:0d",
    "ip link set x-dev-end up",
    "ip address add 10.66.9.1/24 dev x-dev",
    "ip route add blackhole 10.67.0.0/16 proto static",
    "ip route add 10.68.0.0/16 via 10.66.0.2 proto static",
    "ip rule add from 10.67.0.0/16 table 99 priority 500",
    // Of the protocol that is every lab's mark, too.
    "ip route add 10.69.0.0/16 via 10.66.0.2 proto 110",
    "ip rule add from 10.69.0.0/16 table 99 priority 501 protocol 110",
    "ip neighbour add 10.66.0.9 lladdr 02:5a:00:00:66:09 dev x-br nud permanent",
    "sysctl -q -w net.ipv4.conf.x-br.rp_filter=2",
    "nft add table ip x-table",
    "nft add chain ip x-table post { type nat hook postrouting priority 100 ; }",
    "nft add rule ip x-table post ip saddr 10.66.0.0/24 masquerade",
    "mkdir -p /etc/netns/x-other",
    "cp /etc/hostname /etc/netns/x-other/resolv.conf",
];

/// A bridge that somebody made by hand, as a file wants it but for what is on it besides.
const BY_HAND: &[&str] = &[
    "ip link add v-net-0 address 02:5a:00:00:15:05 type bridge",
    // As a command of its own: one given at birth goes with the first port, and is another one once it is put back.
    "ip link set v-net-0 mtu 1400",
    "ip address add 192.168.15.5/24 dev v-net-0",
    "ip address add 10.63.0.1/24 dev v-net-0",
    "ip link set v-net-0 up",
    "ip route add 10.64.0.0/16 via 10.63.0.9 proto static",
];

/// A command of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Makes what a file says.
    Apply(&'static str),
    /// The same, and takes over what is there.
    Adopt(&'static str),
    /// Takes a lab away.
    Down(&'static str),
    /// Goes back to before a run that was killed.
    Recover(&'static str),
    /// Says what is to be done.
    Plan(&'static str),
}

/// A world, and what is tried in it.
#[derive(Debug, Clone, Copy)]
pub struct Scene {
    /// Its name.
    pub name: &'static str,
    /// Whether strangers are there.
    pub company: bool,
    /// What strangers make besides.
    pub there: &'static [&'static str],
    /// What was done before, without a fault.
    pub before: &'static [Act],
    /// What is tried.
    pub tried: Act,
    /// Whose it is.
    pub lab: &'static str,
}

/// All scenes.
pub const SCENES: &[Scene] = &[
    Scene { name: "up", company: false, there: &[], before: &[], tried: Act::Apply("walk"), lab: "walk" },
    Scene {
        name: "reup",
        company: true,
        there: &[],
        before: &[Act::Apply("walk")],
        tried: Act::Apply("walk"),
        lab: "walk",
    },
    Scene {
        name: "change",
        company: true,
        there: &[],
        before: &[Act::Apply("walk")],
        tried: Act::Apply("changed"),
        lab: "walk",
    },
    Scene {
        name: "down",
        company: true,
        there: &[],
        before: &[Act::Apply("walk")],
        tried: Act::Down("walk"),
        lab: "walk",
    },
    Scene { name: "wide", company: true, there: &[], before: &[], tried: Act::Apply("wide"), lab: "wide" },
    Scene {
        name: "wide-down",
        company: true,
        there: &[],
        before: &[Act::Apply("wide")],
        tried: Act::Down("wide"),
        lab: "wide",
    },
    Scene { name: "adopt", company: true, there: BY_HAND, before: &[], tried: Act::Adopt("walk"), lab: "walk" },
];

/// The scene of a name.
pub fn named(name: &str) -> Outcome<&'static Scene> {
    let known = || SCENES.iter().map(|scene| scene.name).collect::<Vec<_>>().join(", ");
    SCENES
        .iter()
        .find(|scene| scene.name == name)
        .ok_or_else(|| Failure::usage(format!("no scene is named {name}; there are: {}", known())))
}

/// The program under trial.
#[derive(Debug, Clone)]
pub struct Program {
    /// Its file.
    pub file: PathBuf,
}

impl Program {
    /// Its words for a command.
    pub fn words(&self, act: Act) -> Vec<String> {
        let (verb, object) = match act {
            Act::Apply(file) => ("apply", path(file)),
            Act::Adopt(file) => ("apply", path(file)),
            Act::Plan(file) => ("plan", path(file)),
            Act::Down(lab) => ("down", lab.to_string()),
            Act::Recover(lab) => ("recover", lab.to_string()),
        };
        let mut words = vec![self.file.display().to_string(), verb.to_string(), object];
        if matches!(act, Act::Adopt(_)) {
            words.push("--adopt".to_string());
        }
        words
    }

    /// Runs a command to its end.
    pub fn run(&self, act: Act) -> Outcome<Ran> {
        let words = self.words(act);
        place::run(std::process::Command::new(&words[0]).args(&words[1..]))
    }

    /// Runs a command that must end with 0.
    pub fn must(&self, act: Act) -> Outcome<Ran> {
        let ran = self.run(act)?;
        if ran.is_fine() { Ok(ran) } else { Err(place::failure(&self.words(act).join(" "), &ran)) }
    }
}

/// Where a file of [`FILES`] is in the sandbox.
pub fn path(file: &str) -> String {
    format!("{DESK}/{file}.toml")
}

/// States of a scene before the trial.
#[derive(Debug)]
pub struct Set {
    /// Before the program did anything.
    pub bare: State,
    /// Just before the trial.
    pub before: State,
}

impl Scene {
    /// Makes the world in the sandbox that this process has entered.
    pub fn set(&self, program: &Program) -> Outcome<Set> {
        place::enter()?;
        for (name, text) in FILES {
            write(Path::new(&path(name)), text)?;
        }
        if self.company {
            STRANGERS.iter().try_for_each(|line| place::must(line))?;
        }
        self.there.iter().try_for_each(|line| place::must(line))?;
        // What the kernel does by and by after a link is made (addresses of the link, carriers) is done soon.
        let bare = State::look()?;
        for act in self.before {
            program.must(*act)?;
        }
        let before = if self.before.is_empty() { bare.clone() } else { State::look()? };
        Ok(Set { bare, before })
    }
}

fn write(file: &Path, text: &str) -> Outcome {
    std::fs::write(file, text).about(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scenes_use_files_that_are_there() {
        for scene in SCENES {
            for act in scene.before.iter().chain([&scene.tried]) {
                let (Act::Apply(name) | Act::Adopt(name) | Act::Plan(name) | Act::Down(name) | Act::Recover(name)) =
                    act;
                assert!(FILES.iter().any(|(file, _)| file == name), "{}: {name}", scene.name);
            }
            let lab = format!("name    = \"{}\"", scene.lab);
            assert!(FILES.iter().any(|(_, text)| text.lines().any(|line| line == lab)), "{}", scene.name);
        }
        assert_eq!(named("nowhere").unwrap_err().code, 64);
    }

    #[test]
    fn what_strangers_have_is_named_so() {
        for line in STRANGERS {
            assert!(line.contains("x-") || line.contains("10.6"), "{line}");
        }
    }
}
