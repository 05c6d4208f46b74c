//! A netlink message as a tree of named attributes. In: bytes, or the lines of a golden file. Out: the
//! tree; lines, one attribute each; bytes again.

use super::names::Names;

/// `NLA_F_NESTED`.
const NESTED: u16 = 0x8000;
/// Number of the pseudo attribute that stands for a `struct rtnexthop`.
pub const HOP: u16 = 0x3fff;

/// One attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its number, or [`HOP`].
    pub number: u16,
    /// Whether it carries `NLA_F_NESTED`.
    pub nested: bool,
    /// Its name, or `?`.
    pub name: String,
    /// Its value as it stands in a line; empty for a nest without a header of its own.
    pub shown: String,
    /// Its value, or the header before its attributes.
    pub value: Vec<u8>,
    /// What is nested in it.
    pub children: Vec<Node>,
}

/// One message, without sequence number and port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// `nlmsg_type`.
    pub kind: u16,
    /// `nlmsg_flags`.
    pub flags: u16,
    /// The fixed header.
    pub header: Vec<u8>,
    /// The attributes.
    pub attributes: Vec<Node>,
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

/// Reads one message with its netlink header; `None` for what is no message of a known type.
pub fn read(names: &Names, bytes: &[u8]) -> Option<Message> {
    let (kind, flags) = (u16_at(bytes, 4)?, u16_at(bytes, 6)?);
    let known = names.message(kind)?;
    let body = bytes.get(16..)?;
    let (header, rest) = body.split_at(names.header_len(known.header).min(body.len()));
    let attributes = attributes(names, known.list, rest).unwrap_or_else(|| vec![leaf(0, false, "?", "hex", rest)]);
    Some(Message { kind, flags, header: header.to_vec(), attributes })
}

fn attributes(names: &Names, list: &str, mut bytes: &[u8]) -> Option<Vec<Node>> {
    let mut found: Vec<(u16, &[u8])> = Vec::new();
    while !bytes.is_empty() {
        let (len, raw) = (usize::from(u16_at(bytes, 0)?), u16_at(bytes, 2)?);
        found.push((raw, bytes.get(4..len)?));
        bytes = bytes.get(len.next_multiple_of(4)..).unwrap_or_default();
    }
    let beside = |number: u16| found.iter().find(|(raw, _)| raw & !NESTED == number).map(|(_, value)| *value);
    let read = |&(raw, value): &(u16, &[u8])| {
        let number = raw & !NESTED;
        let known = names.attribute(list, number);
        let (name, holds) = known.map_or(("?", "hex"), |known| (known.name, known.holds));
        let mut node = leaf(number, raw & NESTED != 0, name, holds, value);
        if let Some((header, inside)) = nest(names, holds, value, &beside) {
            node.children = inside;
            node.value = header.to_vec();
            node.shown = if header.is_empty() { String::new() } else { hex(header) };
        }
        node
    };
    Some(found.iter().map(read).collect())
}

/// What is nested in a value, after its header.
fn nest<'a, 'b>(
    names: &Names,
    holds: &str,
    value: &'a [u8],
    beside: &dyn Fn(u16) -> Option<&'b [u8]>,
) -> Option<(&'a [u8], Vec<Node>)> {
    let holds = holds.strip_prefix('@')?;
    if value.is_empty() {
        return Some((value, Vec::new()));
    }
    let text = |number| beside(number).map(|kind| String::from_utf8_lossy(kind).trim_end_matches('\0').to_string());
    let list = match holds {
        "hops" => return Some((&[], hops(names, value)?)),
        "kind" => names.kind_list(&text(1)?),
        "slave" => format!("slave:{}_slave", text(4)?),
        // A route and a next hop number it differently.
        "encap" => format!("encap:{}", [21, 7].iter().find_map(|at| u16_at(beside(*at)?, 0))?),
        list => list.to_string(),
    };
    let (header, list) = match list.strip_prefix('#').and_then(|both| both.split_once('+')) {
        Some((header, list)) => (names.header_len(header), list.to_string()),
        None => (0, list),
    };
    let (header, rest) = value.split_at_checked(header)?;
    Some((header, attributes(names, &list, rest)?))
}

fn hops(names: &Names, mut bytes: &[u8]) -> Option<Vec<Node>> {
    let mut all = Vec::new();
    while !bytes.is_empty() {
        let len = usize::from(u16_at(bytes, 0)?);
        let mut hop = leaf(HOP, false, "HOP", "hex", bytes.get(2..8)?);
        hop.children = attributes(names, "route", bytes.get(8..len)?)?;
        all.push(hop);
        bytes = bytes.get(len.next_multiple_of(4)..).unwrap_or_default();
    }
    Some(all)
}

fn leaf(number: u16, nested: bool, name: &str, holds: &str, value: &[u8]) -> Node {
    let mut value = value.to_vec();
    // A descriptor's number is the process's own affair.
    if holds == "fd" && value.len() == 4 {
        value.fill(0);
    }
    // The times at which an address was made and changed.
    if holds == "ages" && value.len() == 16 {
        value[8..].fill(0);
    }
    let shown = shown(holds, &value);
    Node { number, nested, name: name.to_string(), shown, value, children: Vec::new() }
}

fn hex(bytes: &[u8]) -> String {
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("0x{digits}")
}

/// A value as a line has it; [`value`] reads it back.
fn shown(holds: &str, bytes: &[u8]) -> String {
    let number = |big: bool| {
        let fold = |sum: u64, byte: &u8| sum << 8 | u64::from(*byte);
        if big { bytes.iter().fold(0, fold) } else { bytes.iter().rev().fold(0, fold) }
    };
    match (holds, bytes.len()) {
        (_, 0) => "-".to_string(),
        ("u8", 1) | ("u16", 2) | ("u32", 4) | ("u64", 8) => format!("{holds} {}", number(false)),
        ("be16", 2) | ("be32", 4) => format!("{holds} {}", number(true)),
        ("ip", 4) => <[u8; 4]>::try_from(bytes).map(|ip| std::net::Ipv4Addr::from(ip).to_string()).unwrap_or_default(),
        ("ip", 16) => {
            <[u8; 16]>::try_from(bytes).map(|ip| std::net::Ipv6Addr::from(ip).to_string()).unwrap_or_default()
        }
        ("mac", 6) => bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":"),
        ("fd", 4) => "fd".to_string(),
        ("text", _) => match bytes.split_last() {
            Some((0, text)) if text.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ') => {
                format!("\"{}\"", String::from_utf8_lossy(text))
            }
            Some((last, _)) if *last != b'\'' && bytes.iter().all(u8::is_ascii_graphic) => {
                format!("'{}'", String::from_utf8_lossy(bytes))
            }
            _ => hex(bytes),
        },
        _ => hex(bytes),
    }
}

/// The bytes of a shown value.
fn value(text: &str) -> Option<Vec<u8>> {
    if let Some(text) = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
        return Some([text.as_bytes(), &[0]].concat());
    }
    if let Some(text) = text.strip_prefix('\'').and_then(|text| text.strip_suffix('\'')) {
        return Some(text.as_bytes().to_vec());
    }
    if let Some((holds, number)) = text.split_once(' ') {
        let number: u64 = number.parse().ok()?;
        let (big, small) = (number.to_be_bytes(), number.to_le_bytes());
        let bytes = match holds {
            "u8" => &small[..1],
            "u16" => &small[..2],
            "u32" => &small[..4],
            "u64" => &small[..],
            "be16" => &big[6..],
            "be32" => &big[4..],
            _ => return None,
        };
        return Some(bytes.to_vec());
    }
    let byte = |digits: &str| u8::from_str_radix(digits, 16).ok();
    if let Some(digits) = text.strip_prefix("0x") {
        return (0..digits.len() / 2).map(|i| byte(digits.get(2 * i..2 * i + 2)?)).collect();
    }
    match text {
        "" | "-" => Some(Vec::new()),
        "fd" => Some(vec![0; 4]),
        _ if text.len() == 17 && text.split(':').count() == 6 => text.split(':').map(byte).collect(),
        _ => match text.parse().ok()? {
            std::net::IpAddr::V4(ip) => Some(ip.octets().to_vec()),
            std::net::IpAddr::V6(ip) => Some(ip.octets().to_vec()),
        },
    }
}

/// Names of the flags of a message type, highest first.
fn flag_names(kind: u16) -> &'static [(u16, &'static str)] {
    match kind % 4 {
        0 | 3 => &[
            (0x800, "append"),
            (0x400, "create"),
            (0x200, "excl"),
            (0x100, "replace"),
            (8, "echo"),
            (4, "ack"),
            (2, "multi"),
            (1, "request"),
        ],
        1 => &[(0x200, "bulk"), (0x100, "nonrec"), (8, "echo"), (4, "ack"), (2, "multi"), (1, "request")],
        _ => &[
            (0x400, "atomic"),
            (0x300, "dump"),
            (0x200, "match"),
            (0x100, "root"),
            (8, "echo"),
            (4, "ack"),
            (2, "multi"),
            (1, "request"),
        ],
    }
}

/// A message's flags in words.
pub fn flags_shown(kind: u16, mut flags: u16) -> String {
    let mut words = Vec::new();
    for (bits, name) in flag_names(kind) {
        if flags & bits == *bits {
            words.push((*name).to_string());
            flags &= !bits;
        }
    }
    if flags != 0 || words.is_empty() {
        words.push(format!("{flags:#x}"));
    }
    words.join("|")
}

/// The fields of a header that are not zero; a header cut short stands as it is.
pub fn header_shown(names: &Names, kind: u16, header: &[u8]) -> Vec<String> {
    let fields = names.message(kind).map(|known| names.fields(known.header)).unwrap_or_default();
    if header.len() != fields.iter().map(|(_, bytes)| bytes).sum::<usize>() {
        return vec![format!("header={}", hex(header))];
    }
    let mut at = 0;
    let mut words = Vec::new();
    for (name, bytes) in fields {
        let number = header[at..at + bytes].iter().rev().fold(0u64, |sum, byte| sum << 8 | u64::from(*byte));
        at += bytes;
        match *name {
            _ if number == 0 => {}
            "flags" | "change" => words.push(format!("{name}={number:#x}")),
            _ => words.push(format!("{name}={number}")),
        }
    }
    words
}

impl Message {
    /// The lines of a golden file: the head, then one attribute each.
    pub fn lines(&self, names: &Names) -> Vec<String> {
        let name = names.message(self.kind).map_or("?", |known| known.name);
        let mut head = vec![">".to_string(), name.to_string(), flags_shown(self.kind, self.flags)];
        head.extend(header_shown(names, self.kind, &self.header));
        let mut lines = vec![head.join(" ")];
        add_lines(&self.attributes, 1, &mut lines);
        lines
    }

    /// Reads the lines of a golden file.
    pub fn parse(names: &Names, lines: &[&str]) -> Option<Message> {
        let (head, rest) = lines.split_first()?;
        let mut words = head.strip_prefix("> ")?.split(' ');
        let kind = names.kind(words.next()?)?;
        let mut flags = 0;
        for word in words.next()?.split('|') {
            flags |= match word.strip_prefix("0x") {
                Some(digits) => u16::from_str_radix(digits, 16).ok()?,
                None => flag_names(kind).iter().find(|(_, name)| *name == word)?.0,
            };
        }
        let mut header = Vec::new();
        let given: Vec<(&str, &str)> = words.filter_map(|word| word.split_once('=')).collect();
        if let [("header", digits)] = given[..] {
            header = value(digits)?;
        } else {
            for (name, bytes) in names.fields(names.message(kind)?.header) {
                let text = given.iter().find(|(given, _)| given == name).map_or("0", |(_, text)| *text);
                let number = match text.strip_prefix("0x") {
                    Some(digits) => u64::from_str_radix(digits, 16).ok()?,
                    None => text.parse().ok()?,
                };
                header.extend_from_slice(&number.to_le_bytes()[..*bytes]);
            }
        }
        let mut rest = rest;
        let attributes = parse_nodes(&mut rest, 1)?;
        rest.is_empty().then_some(Message { kind, flags, header, attributes })
    }

    /// The message as it is sent, with sequence number and port 0.
    pub fn bytes(&self) -> Vec<u8> {
        let mut body = vec![0; 16];
        body[4..6].copy_from_slice(&self.kind.to_le_bytes());
        body[6..8].copy_from_slice(&self.flags.to_le_bytes());
        body.extend_from_slice(&self.header);
        add_bytes(&self.attributes, &mut body);
        let len = u32::try_from(body.len()).unwrap_or_default();
        body[..4].copy_from_slice(&len.to_le_bytes());
        body
    }
}

fn add_lines(nodes: &[Node], depth: usize, lines: &mut Vec<String>) {
    for node in nodes {
        let number = if node.number == HOP { "*".to_string() } else { node.number.to_string() };
        let nested = if node.nested { "+" } else { "" };
        let line = format!("{:1$}{number}{nested} {2} {3}", "", 2 * depth, node.name, node.shown);
        lines.push(line.trim_end().to_string());
        add_lines(&node.children, depth + 1, lines);
    }
}

fn parse_nodes(lines: &mut &[&str], depth: usize) -> Option<Vec<Node>> {
    let mut nodes = Vec::new();
    while let Some((line, rest)) = lines.split_first() {
        let text = line.trim_start();
        if line.len() - text.len() != 2 * depth {
            break;
        }
        *lines = rest;
        let (number, rest) = text.split_once(' ')?;
        let (name, shown) = rest.split_once(' ').unwrap_or((rest, ""));
        let digits = number.trim_end_matches('+');
        let nested = number.len() != digits.len();
        let number = if digits == "*" { HOP } else { digits.parse().ok()? };
        let children = parse_nodes(lines, depth + 1)?;
        let (name, value, shown) = (name.to_string(), value(shown)?, shown.to_string());
        nodes.push(Node { number, nested, name, shown, value, children });
    }
    Some(nodes)
}

fn add_bytes(nodes: &[Node], bytes: &mut Vec<u8>) {
    for node in nodes {
        let at = bytes.len();
        bytes.extend_from_slice(&[0; 4]);
        if node.number == HOP {
            bytes.truncate(at + 2);
        }
        bytes.extend_from_slice(&node.value);
        add_bytes(&node.children, bytes);
        let len = u16::try_from(bytes.len() - at).unwrap_or_default();
        bytes[at..at + 2].copy_from_slice(&len.to_le_bytes());
        if node.number != HOP {
            let raw = node.number | if node.nested { NESTED } else { 0 };
            bytes[at + 2..at + 4].copy_from_slice(&raw.to_le_bytes());
        }
        bytes.resize(bytes.len().next_multiple_of(4), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unhex(text: &str) -> Vec<u8> {
        value(&format!("0x{}", text.replace(' ', ""))).unwrap()
    }

    /// Bytes to lines to bytes.
    fn there_and_back(bytes: &[u8]) -> Vec<String> {
        let names = Names::new();
        let message = read(&names, bytes).unwrap();
        assert_eq!(message.bytes(), bytes);
        let lines = message.lines(&names);
        let parsed = Message::parse(&names, &lines.iter().map(String::as_str).collect::<Vec<_>>()).unwrap();
        assert_eq!(parsed, message);
        lines
    }

    #[test]
    fn a_route_with_two_hops_is_shown_and_read_back() {
        let hop = "1000 00 01 03000000 0800 0500 c0a80f02";
        let other = "2000 04 00 02000000 1600 1200 0a00 fe800000000000000000000000000001 0000";
        let head = "58000000 1800 0106 00000000 00000000 02100000fe030001 00000000 0800 0100 0a050000 3400 0900";
        let lines = there_and_back(&unhex(&[head, hop, other].concat()));
        assert_eq!(
            lines,
            [
                "> NEWROUTE create|excl|request family=2 dst_len=16 table=254 protocol=3 type=1",
                "  1 DST 10.5.0.0",
                "  9 MULTIPATH",
                "    * HOP 0x000103000000",
                "      5 GATEWAY 192.168.15.2",
                "    * HOP 0x040002000000",
                "      18 VIA 0x0a00fe800000000000000000000000000001",
            ]
        );
    }

    #[test]
    fn a_links_kind_names_what_is_in_it() {
        let data = "0c00 0280 0800 0100 0a000000";
        let head = "40000000 1000 0506 00000000 00000000 00000000 00000000 00000000 00000000";
        let attributes = "0800 0300 72656400 1800 1280 0800 0100 76726600";
        let lines = there_and_back(&unhex(&[head, attributes, data].concat()));
        assert_eq!(
            lines[1..],
            ["  3 IFNAME \"red\"", "  18+ LINKINFO", "    1 KIND \"vrf\"", "    2+ DATA", "      1 TABLE u32 10"]
        );
    }
}
