//! How a command answered. In: a program, run with a deadline. Out: standard output, standard
//! error and exit code, and the same as one line of text for the way out of a sandbox.

use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::process::{About, Outcome};

/// Exit code that stands for a command that did not end in time.
pub const LATE: i32 = -1;
/// A command that answers does so well within.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a command said, and how it ended.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
    /// Exit code; 128 and the signal; or [`LATE`].
    pub code: i32,
}

impl Answer {
    /// Runs a command without input; one that takes longer than any answer does is killed.
    pub fn of(command: &mut Command) -> Outcome<Answer> {
        Answer::within(command, PATIENCE)
    }

    /// Runs a command without input, and kills it after a time.
    pub fn within(command: &mut Command, patience: Duration) -> Outcome<Answer> {
        use std::os::unix::process::ExitStatusExt;
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().about(command.get_program())?;
        let (sender, receiver) = mpsc::channel();
        let pipes = (child.stdout.take(), child.stderr.take());
        // What is left of a command that was killed may keep the pipes open: nobody waits for the reader.
        thread::spawn(move || {
            let out = pipes.0.map(text).unwrap_or_default();
            let err = pipes.1.map(text).unwrap_or_default();
            let _ = sender.send((out, err));
        });
        let said = receiver.recv_timeout(patience);
        if said.is_err() {
            child.kill().about(command.get_program())?;
        }
        let status = child.wait().about(command.get_program())?;
        let Ok((out, err)) = said else { return Ok(Answer { code: LATE, ..Answer::default() }) };
        let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default());
        Ok(Answer { out, err, code })
    }

    /// Three fields of one line.
    pub fn line(&self) -> String {
        format!("{}\t{}\t{}", self.code, escaped(&self.out), escaped(&self.err))
    }

    /// From such a line.
    pub fn parse(line: &str) -> Option<Answer> {
        let mut fields = line.split('\t');
        let code = fields.next()?.parse().ok()?;
        Some(Answer { code, out: plain(fields.next()?), err: plain(fields.next()?) })
    }

    /// As a person reads it.
    pub fn shown(&self) -> String {
        let mut text = String::new();
        for (mark, part) in [("", &self.out), ("[2] ", &self.err)] {
            for line in part.split_inclusive('\n') {
                let end = if line.ends_with('\n') { "" } else { " (no newline)" };
                text += &format!("{mark}{}{end}\n", line.trim_end_matches('\n'));
            }
        }
        match self.code {
            LATE => text + "-> not ended in time\n",
            code => text + &format!("-> {code}\n"),
        }
    }
}

fn text(mut pipe: impl Read) -> String {
    let mut bytes = Vec::new();
    let _ = pipe.read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\t', "\\t").replace('\n', "\\n").replace('\r', "\\r")
}

fn plain(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        match if char == '\\' {
            chars.next()
        } else {
            out.push(char);
            continue;
        } {
            Some('t') => out.push('\t'),
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some(other) => out.push(other),
            None => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_survives_as_a_line() {
        let answer = Answer { out: "a\tb\\n\n".into(), err: "\r\n\\".into(), code: 255 };
        assert_eq!(Answer::parse(&answer.line()), Some(answer));
        assert_eq!(Answer::parse("x"), None);
    }

    #[test]
    fn a_command_is_heard() {
        let answer = Answer::of(Command::new("sh").args(["-c", "echo a; echo b >&2; exit 3"])).unwrap();
        assert_eq!(answer, Answer { out: "a\n".into(), err: "b\n".into(), code: 3 });
        assert_eq!(answer.shown(), "a\n[2] b\n-> 3\n");
        assert_eq!(Answer::of(Command::new("sh").args(["-c", "kill -9 $$"])).unwrap().code, 137);
    }
}
