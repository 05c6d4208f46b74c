//! What integration tests share: a test body that runs in a sandbox of its own, and
//! commands run by our binary or by the tool that it stands for.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod firewall;
pub mod json;
pub mod lab;
pub mod snapshot;
pub mod traffic;

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

/// The binary under test.
pub const NETSTRAP: &str = env!("CARGO_BIN_EXE_netstrap");
const INSIDE: &str = "NETSTRAP_TEST_INSIDE";

/// Runs a test body in a sandbox: the test program starts itself again, this test only,
/// inside `netstrap sandbox`. Needs no root.
pub fn sandboxed(name: &str, body: fn()) {
    if std::env::var(INSIDE).as_deref() == Ok(name) {
        return body();
    }
    let test = std::env::current_exe().expect("path of the test program");
    let output = Command::new(NETSTRAP)
        .args(["sandbox", "--"])
        .arg(test)
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env(INSIDE, name)
        .output()
        .expect("start the sandbox");
    let text = text(&output.stdout) + &text(&output.stderr);
    assert!(output.status.success() && text.contains("1 passed"), "in the sandbox:\n{}", quoted(&text));
}

/// What a test program inside said, so that none of its lines is taken for one of the test program outside.
pub fn quoted(text: &str) -> String {
    text.lines().map(|line| format!("| {line}\n")).collect()
}

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
    /// Exit code, or 128 and the signal.
    pub code: i32,
}

impl Ran {
    /// From what a process left.
    pub fn of(output: Output) -> Self {
        use std::os::unix::process::ExitStatusExt;
        let code = output.status.code().unwrap_or_else(|| 128 + output.status.signal().unwrap_or(0));
        Ran { out: text(&output.stdout), err: text(&output.stderr), code }
    }

    /// The output of a command that must succeed.
    #[track_caller]
    pub fn ok(self) -> String {
        assert_eq!(self.code, 0, "failed: {self:?}");
        self.out
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Runs an applet or verb of ours: `ours(&["ip", "link"])`.
pub fn ours(words: &[&str]) -> Ran {
    run(Command::new(NETSTRAP).args(words).env_remove("NETSTRAP_HINTS"))
}

/// Runs an applet of ours with hints on.
pub fn hinted(words: &[&str]) -> Ran {
    run(Command::new(NETSTRAP).args(words).env("NETSTRAP_HINTS", "1"))
}

/// Runs the tool of the system that we stand for.
pub fn theirs(words: &[&str]) -> Ran {
    run(Command::new(tool(words[0])).args(&words[1..]).env("LC_ALL", "C"))
}

/// Where the system has a tool; a missing one is a failure that names its package.
pub fn tool(name: &str) -> String {
    let package = match name {
        "ip" | "bridge" => "iproute2",
        "arp" | "route" => "net-tools",
        "ping" => "iputils-ping",
        name if name.starts_with("iptables") || name.starts_with("ip6tables") => "iptables",
        "nft" => "nftables",
        "sysctl" | "kill" => "procps",
        "setpriv" | "unshare" => "util-linux",
        "strace" => "strace",
        _ => "coreutils",
    };
    let places = ["/usr/sbin", "/sbin", "/usr/bin", "/bin"].map(|dir| format!("{dir}/{name}"));
    let place = places.into_iter().find(|path| std::path::Path::new(path).exists());
    place.unwrap_or_else(|| panic!("{name} is not installed; install the package {package}"))
}

/// A folder with a copy of the binary that every user can run; goes with the test.
pub struct Folder(pub PathBuf);

impl Folder {
    /// Makes the folder for a test.
    pub fn new(test: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("netstrap-{test}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("make a folder");
        // By another process: a test that forks meanwhile would keep the copy open for writing, hence busy.
        run(Command::new(tool("cp")).arg(NETSTRAP).arg(folder.join("netstrap"))).ok();
        Folder(folder)
    }

    /// A command run by a user: `None` is the caller, else by number.
    pub fn command(user: Option<&str>, program: &str) -> Command {
        let Some(user) = user else { return Command::new(program) };
        let mut command = Command::new(tool("setpriv"));
        command.args(["--reuid", user, "--regid", user, "--clear-groups", program]);
        command
    }

    /// The binary, run by a user.
    pub fn netstrap(&self, user: Option<&str>) -> Command {
        let mut command = Folder::command(user, &self.0.join("netstrap").display().to_string());
        command.current_dir("/").env_remove("NETSTRAP_HINTS");
        command
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Runs a command as it is.
pub fn run(command: &mut Command) -> Ran {
    Ran::of(command.stdin(Stdio::null()).output().unwrap_or_else(|e| panic!("{command:?}: {e}")))
}

/// Words of a line, with `'...'` and `"..."` quoting.
pub fn split(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote, mut open) = (Vec::new(), String::new(), None, false);
    for c in line.chars() {
        match quote {
            Some(q) if c == q => quote = None,
            Some(_) => word.push(c),
            None if c == '\'' || c == '"' => (quote, open) = (Some(c), true),
            None if c == ' ' => {
                if open || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                open = false;
            }
            None => word.push(c),
        }
    }
    if open || !word.is_empty() {
        words.push(word);
    }
    words
}

/// What comes before seconds that are left of a lifetime.
const LIFETIMES: [&str; 5] = ["expires", "valid_lft", "preferred_lft", "valid_life_time", "preferred_life_time"];

/// Replaces what differs from run to run: hardware addresses, link-local addresses, a bridge's clock with the
/// blanks before it, the address that a tunnel draws; and rounds lifetimes up to minutes, since the slower side has less left.
pub fn masked(text: &str) -> String {
    let mut out = String::new();
    let mut is_drawn = false;
    let mut before = "";
    for piece in text.split_inclusive([' ', '\n', '"', '/', '\\']) {
        let word = piece.trim_end_matches([' ', '\n', '"', '/', '\\']);
        let is_mac = word.len() == 17 && word.bytes().filter(|&b| b == b':').count() == 5;
        if is_mac && word != "ff:ff:ff:ff:ff:ff" && word != "00:00:00:00:00:00" {
            out.push_str("MAC");
            out.push_str(&piece[word.len()..]);
        } else if word.starts_with("fe80::") {
            out.push_str("LINKLOCAL");
            out.push_str(&piece[word.len()..]);
        } else if LIFETIMES.contains(&before) {
            let start = word.find(|c: char| c.is_ascii_digit()).unwrap_or(word.len());
            let len = word[start..].bytes().take_while(u8::is_ascii_digit).count();
            out.push_str(&piece[..start]);
            if let Ok(seconds) = word[start..start + len].parse::<u64>() {
                out.push_str(&seconds.next_multiple_of(60).to_string());
            }
            out.push_str(&piece[start + len..]);
        } else if is_drawn && word.bytes().any(|b| b.is_ascii_digit()) {
            out.push_str("DRAWN");
            out.push_str(&piece[word.len()..]);
        } else if !(is_drawn && piece == " ") {
            out.push_str(piece);
        }
        is_drawn = matches!(word, "gc_timer" | "permaddr") || (is_drawn && matches!(word, "" | ":"));
        before = word;
    }
    out
}

const SIDE: &str = "NETSTRAP_TEST_SIDE";

/// Runs every line of a list by our binary and by the tools it stands for, each in a fresh sandbox, and
/// asserts that every answer (standard output, standard error, exit code) is the same, if need be in one of
/// three rounds. `#` starts a comment; `sleep` waits until duplicate address detection is over; `!` before a line runs it
/// as it is on both sides, unjudged; `~` compares the lines, or the JSON records, of its output sorted.
pub fn same_answers(test: &str, list: &str) {
    match std::env::var(SIDE).as_deref() {
        Ok("ours") => return print_answers(list, ours),
        Ok(_) => return print_answers(list, theirs),
        Err(_) => {}
    }
    let mut different = compared(test);
    for _ in 0..2 {
        if different.is_empty() {
            break;
        }
        // The kernel works on its own between two lines (duplicate address detection, routes that
        // it adds, timers): a busy machine shows another moment of it. What we do differently we do each time.
        let again = compared(test);
        different.retain(|(line, _)| again.iter().any(|(other, _)| other == line));
    }
    let text: Vec<&str> = different.iter().map(|(_, text)| text.as_str()).collect();
    assert!(text.is_empty(), "{} differ:\n{}", text.len(), text.join("\n"));
}

/// Both sides once: the lines that are answered differently, by number, with both answers.
fn compared(test: &str) -> Vec<(usize, String)> {
    let (ours, theirs) = (side(test, "ours"), side(test, "theirs"));
    assert_eq!(ours.len(), theirs.len());
    println!("{} command lines", ours.len());
    ours.iter()
        .zip(&theirs)
        .enumerate()
        .filter(|(_, (ours, theirs))| ours != theirs)
        .map(|(line, (ours, theirs))| (line, format!("--- theirs: {theirs}\n+++ ours: {ours}")))
        .collect()
}

/// A JSON list without `{}`: iproute2 leaves one for each link that its own filter takes out, which depends on
/// whether the kernel, where it knows a kind, filters before.
fn without_empty(json: &str) -> String {
    json.replace("{},", "").replace(",{}", "").replace("[{}]", "[]")
}

fn print_answers(list: &str, tool: fn(&[&str]) -> Ran) {
    for line in list.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if line == "sleep" {
            std::thread::sleep(std::time::Duration::from_millis(2500));
            continue;
        }
        let words = split(line.trim_start_matches(['!', '~']));
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        if line.starts_with('!') {
            run(Command::new(words[0]).args(&words[1..])).ok();
            continue;
        }
        let mut ran = tool(&words);
        if line.starts_with('~') {
            let mut lines: Vec<&str> = ran.out.split_inclusive('\n').collect();
            lines.sort_unstable();
            ran.out = lines.concat();
            if let Some(list) = ran.out.strip_prefix("[{").and_then(|list| list.strip_suffix("}]\n")) {
                let mut records: Vec<&str> = list.split("},{").collect();
                records.sort_unstable();
                ran.out = records.join("\n") + "\n";
            }
        }
        if line.contains("-j") {
            ran.out = without_empty(&ran.out);
        }
        println!("@@ {line}\n{}[2] {}-> {}", masked(&ran.out), masked(&ran.err), ran.code);
    }
}

fn side(test: &str, side: &str) -> Vec<String> {
    let output = Command::new(NETSTRAP)
        .args(["sandbox", "--"])
        .arg(std::env::current_exe().expect("path of the test program"))
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(SIDE, side)
        .output()
        .expect("start the sandbox");
    let text = text(&output.stdout);
    assert!(text.contains("1 passed"), "{}{}", quoted(&text), String::from_utf8_lossy(&output.stderr));
    text.split("@@ ").skip(1).map(|part| part.split("\ntest result").next().unwrap_or(part).to_owned()).collect()
}
