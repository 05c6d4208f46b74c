//! Golden records: command lines with what they send, as the files of `tests/golden` keep them. In:
//! captures, files. Out: files, records.

use std::collections::BTreeMap;
use std::path::Path;

use super::capture::{self, Capture};
use super::message::{self, Message};
use super::names::Names;

/// What a command line does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its messages.
    pub messages: Vec<Message>,
    /// Exit code.
    pub code: i32,
    /// Whether it printed anything.
    pub printed: bool,
    /// The first line of standard error.
    pub error: String,
    /// Whether it speaks to something else than rtnetlink.
    pub other: bool,
}

/// Records by command line.
pub type Records = BTreeMap<String, Record>;

impl Record {
    /// Reads what was captured; messages of unknown types are told by number.
    pub fn of(names: &Names, capture: &Capture) -> Result<Self, String> {
        let read = |bytes: &Vec<u8>| {
            let message = message::read(names, bytes).ok_or(format!("message of unknown type {}", bytes[4]))?;
            // A file has to say all of it.
            let whole = message::read(names, &message.bytes()).as_ref() == Some(&message);
            if whole { Ok(message) } else { Err(format!("a message that cannot be kept: {message:?}")) }
        };
        Ok(Record {
            messages: capture.messages.iter().map(read).collect::<Result<_, String>>()?,
            code: capture.code,
            printed: capture.printed,
            error: capture.error.clone(),
            other: capture.other,
        })
    }

    /// The lines of a file.
    pub fn lines(&self, names: &Names) -> Vec<String> {
        let mut lines: Vec<String> = self.messages.iter().flat_map(|message| message.lines(names)).collect();
        let mut end = format!("= {}", self.code);
        for (is, word) in [(self.printed, " printed"), (self.other, " other")] {
            if is {
                end.push_str(word);
            }
        }
        if !self.error.is_empty() {
            end = format!("{end} ! {}", self.error);
        }
        lines.push(end);
        lines
    }

    fn parse(names: &Names, lines: &[&str]) -> Option<Self> {
        let (end, rest) = lines.split_last()?;
        let (end, error) = end.strip_prefix("= ")?.split_once(" ! ").unwrap_or((&end[2..], ""));
        let mut messages = Vec::new();
        let mut heads: Vec<usize> = (0..rest.len()).filter(|at| rest[*at].starts_with("> ")).collect();
        heads.push(rest.len());
        for pair in heads.windows(2) {
            messages.push(Message::parse(names, &rest[pair[0]..pair[1]])?);
        }
        let mut words = end.split(' ');
        let code = words.next()?.parse().ok()?;
        let words: Vec<&str> = words.collect();
        let (printed, other) = (words.contains(&"printed"), words.contains(&"other"));
        Some(Record { messages, code, printed, error: error.to_string(), other })
    }
}

/// The file that a command line's record stands in.
pub fn file_of(line: &str) -> &'static str {
    const FILES: [&str; 7] = ["link", "addr", "route", "rule", "neigh", "nexthop", "netns"];
    let words: Vec<&str> = line.split(' ').collect();
    if words[0] == "bridge" {
        return "bridge";
    }
    let object = capture::object(&words);
    FILES.into_iter().find(|name| *name == object).unwrap_or("other")
}

/// All records of the folder of golden files.
pub fn read(names: &Names, folder: &Path) -> Result<Records, String> {
    let mut records = Records::new();
    let entries = std::fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.extension().is_none_or(|kind| kind != "txt")
            || path.file_name().is_some_and(|name| name == "names.txt" || name == "world.txt")
        {
            continue;
        }
        let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        for part in text.split("\n$ ").skip(1) {
            let mut lines = part.lines().filter(|line| !line.is_empty());
            let line = lines.next().unwrap_or_default();
            let record = Record::parse(names, &lines.collect::<Vec<_>>());
            let record = record.ok_or(format!("{}: cannot read the record of \"{line}\"", path.display()))?;
            records.insert(line.to_string(), record);
        }
    }
    Ok(records)
}

/// Writes the files anew, with the records in the order of the given lines.
pub fn write(names: &Names, folder: &Path, lines: &[&str], records: &Records) -> Result<(), String> {
    let mut files: BTreeMap<&str, String> = BTreeMap::new();
    for line in lines {
        let Some(record) = records.get(*line) else { continue };
        let text = files.entry(file_of(line)).or_insert_with(|| {
            "# What iproute2 sends, by command line; `cargo xtask golden --bless` writes it.\n".to_string()
        });
        text.push_str(&format!("\n$ {line}\n{}\n", record.lines(names).join("\n")));
    }
    for (name, text) in files {
        let path = folder.join(name).with_extension("txt");
        std::fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_reads_back() {
        let names = Names::new();
        let lines = ["> GETLINK dump|request family=17", "  29 EXT_MASK u32 9", "= 0 printed"];
        let record = Record::parse(&names, &lines).unwrap();
        assert!(record.printed && record.messages.len() == 1);
        assert_eq!(record.lines(&names), lines);
        let lines = ["= 255 other ! Error: no = way ! out"];
        let record = Record::parse(&names, &lines).unwrap();
        assert_eq!((record.code, record.other, record.error.as_str()), (255, true, "Error: no = way ! out"));
        assert_eq!(record.lines(&names), lines);
    }

    #[test]
    fn records_are_filed_by_object() {
        assert_eq!(file_of("ip -n ns1 -6 route add default"), "route");
        assert_eq!(file_of("ip tuntap add tap1 mode tap"), "other");
        assert_eq!(file_of("bridge fdb show"), "bridge");
    }
}
