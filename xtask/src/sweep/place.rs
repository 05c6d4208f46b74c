//! A sandbox for one trial: user, network, mount and process namespaces of its own, with `/run` and
//! `/etc/netns` of its own. In: a command of this program. Out: what it printed; nothing it did is left.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::packages::{self, Program};
use crate::process::{About, Failure, Outcome, find, own_binary, read};
use crate::sys;

/// What sweeps need of others.
pub const TOOLS: &[Program] =
    &[("strace", "strace"), ("ip", "iproute2"), ("nft", "nftables"), ("unshare", "util-linux"), ("sysctl", "procps")];
/// A folder that is no part of the state: files asked for, outputs, traces.
pub const DESK: &str = "/run/.desk";
/// How long a command under trial may take before it hangs.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// How a sandbox is made.
#[derive(Debug, Clone, Copy)]
pub struct Sandbox {
    /// With a user namespace of its own, in which the kernel allows less.
    pub user: bool,
    /// Ahead of everything else that runs on the machine.
    pub realtime: bool,
}

/// This program in a new sandbox. Whatever it starts ends with it.
pub fn sandboxed(words: &[String]) -> Outcome<Command> {
    sandbox(words, Sandbox { user: true, realtime: false })
}

/// This program in a new sandbox of some kind.
pub fn sandbox(words: &[String], how: Sandbox) -> Outcome<Command> {
    packages::ensure(TOOLS)?;
    let unshare = find("unshare").ok_or("unshare: not found")?;
    let mut command = if how.realtime { Command::new("chrt") } else { Command::new(&unshare) };
    if how.realtime {
        command.args(["--fifo", "5"]).arg(&unshare);
    }
    if how.user {
        command.args(["--user", "--map-root-user"]);
    }
    command
        .args(["--net", "--mount", "--pid", "--fork"])
        .args(["--mount-proc", "--kill-child", "--propagation", "private", "--"])
        .arg(own_binary()?)
        .args(words)
        .env("PATH", path())
        .stdin(Stdio::null());
    Ok(command)
}

/// Where programs are, the administrators' too.
pub fn path() -> String {
    format!("{}:/usr/local/sbin:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default())
}

/// Runs a command of this program in a new sandbox, and gives what it printed.
pub fn inside(words: &[String]) -> Outcome<String> {
    read(&mut sandboxed(words)?)
}

/// Makes the folders of the sandbox that this process is in.
pub fn enter() -> Outcome {
    sys::mount(c"tmpfs", c"/run").about("/run")?;
    for folder in ["upper", "work", "desk"] {
        let folder = format!("/run/.{folder}");
        std::fs::create_dir(&folder).about(&folder)?;
    }
    if Path::new("/etc/netns").exists() {
        sys::mount(c"tmpfs", c"/etc/netns").about("/etc/netns")?;
    } else {
        let layers = c"lowerdir=/etc,upperdir=/run/.upper,workdir=/run/.work";
        sys::mount_overlay(c"/etc", layers).about("a layer over /etc")?;
    }
    must("ip link set lo up")
}

/// Runs a line of words that must succeed.
pub fn must(line: &str) -> Outcome {
    let words: Vec<&str> = line.split(' ').collect();
    read(Command::new(words[0]).args(&words[1..])).map(|_| ())
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// With an exit code.
    Code(i32),
    /// By a signal.
    Signal(i32),
    /// Not at all, until it was ended from outside.
    Hang,
}

/// A command that has ended.
#[derive(Debug, Clone)]
pub struct Ran {
    /// How.
    pub end: End,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Ran {
    /// Whether it ended with exit code 0.
    pub fn is_fine(&self) -> bool {
        self.end == End::Code(0)
    }

    /// The last line that it said.
    pub fn last(&self) -> &str {
        self.err.lines().chain(self.out.lines()).rfind(|line| !line.is_empty()).unwrap_or_default()
    }
}

/// A command under trial that runs. What it prints goes to files: a process that it leaves behind would
/// keep pipes open.
pub struct Running {
    child: std::process::Child,
    name: String,
    start: Instant,
}

/// Starts a command, as leader of a group of processes; `name` tells its files from those of others.
pub fn start(command: &mut Command, name: &str) -> Outcome<Running> {
    let file = |kind: &str| {
        let file = format!("{DESK}/{name}.{kind}");
        File::create(&file).about(&file)
    };
    sys::lead_and_follow(command);
    let child = command.stdin(Stdio::null()).stdout(file("out")?).stderr(file("err")?).env("PATH", path()).spawn();
    Ok(Running { child: child.about(command.get_program())?, name: name.to_string(), start: Instant::now() })
}

impl Running {
    /// Its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until it ends; ends it when its time is over.
    pub fn end(self) -> Outcome<Ran> {
        self.end_while(&mut || {})
    }

    /// The same, and does something again and again meanwhile.
    pub fn end_while(mut self, meanwhile: &mut dyn FnMut()) -> Outcome<Ran> {
        use std::os::unix::process::ExitStatusExt;
        let mut pause = Duration::from_micros(500);
        let end = loop {
            if let Some(status) = self.child.try_wait().about(&self.name)? {
                break status.code().map_or_else(|| End::Signal(status.signal().unwrap_or(0)), End::Code);
            }
            if self.start.elapsed() > PATIENCE {
                sys::kill_group(self.child.id()).about(&self.name)?;
                self.child.wait().about(&self.name)?;
                break End::Hang;
            }
            meanwhile();
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(5));
        };
        let text = |kind: &str| {
            let bytes = std::fs::read(format!("{DESK}/{}.{kind}", self.name)).unwrap_or_default();
            String::from_utf8_lossy(&bytes).into_owned()
        };
        Ok(Ran { end, out: text("out"), err: text("err") })
    }
}

/// Runs a command to its end.
pub fn run(command: &mut Command) -> Outcome<Ran> {
    start(command, "run")?.end()
}

/// An exit code or signal, in words.
pub fn told(end: End) -> String {
    match end {
        End::Code(code) => format!("exit {code}"),
        End::Signal(signal) => format!("signal {signal}"),
        End::Hang => format!("hangs ({} s)", PATIENCE.as_secs()),
    }
}

/// A failure with what a command said.
pub fn failure(what: &str, ran: &Ran) -> Failure {
    format!("{what}: {}: {}", told(ran.end), ran.err.trim()).into()
}
