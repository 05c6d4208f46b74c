//! A kernel of paper for captures: it answers rtnetlink questions from a text, and acknowledges every
//! change without making it. In: datagrams. Out: datagrams, and all messages that were sent.

use std::collections::{HashMap, VecDeque};

use super::message::{Message, Node};
use super::names::Names;
use super::trace::{Kernel, PORT};

/// What there is, as messages of the kernel's.
const WORLD: &str = include_str!("../../../tests/golden/world.txt");

const ERROR: u16 = 2;
const DONE: u16 = 3;
const MULTI: u16 = 2;
const ACK: u16 = 4;
const DUMP: u16 = 0x300;
/// Types below are the protocol's own.
const LOWEST: u16 = 16;
/// `RTM_NEW*`, `RTM_DEL*`, `RTM_GET*`, `RTM_SET*` are numbered by fours.
const GET: u16 = 2;
const NEWLINK: u16 = 16;
const NEWROUTE: u16 = 24;
const NEWNSID: u16 = 88;
/// `RTM_F_CLONED`: the cache's routes are asked for, and there are none.
const CLONED: u8 = 2;

/// The world, as all processes find it.
pub struct World {
    messages: Vec<Message>,
}

impl World {
    /// Reads the text.
    pub fn new(names: &Names) -> Result<Self, String> {
        let lines: Vec<&str> = WORLD.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
        let mut heads: Vec<usize> = (0..lines.len()).filter(|at| lines[*at].starts_with("> ")).collect();
        heads.push(lines.len());
        let read = |pair: &[usize]| {
            let lines = &lines[pair[0]..pair[1]];
            Message::parse(names, lines).ok_or(format!("the world: cannot read {}", lines.join("\n")))
        };
        Ok(World { messages: heads.windows(2).map(read).collect::<Result<_, _>>()? })
    }
}

/// One process's kernel.
pub struct Paper<'a> {
    names: &'a Names,
    world: &'a World,
    queues: HashMap<u64, VecDeque<Vec<u8>>>,
    /// What was sent over `NETLINK_ROUTE`, with sequence number and port 0.
    pub sent: Vec<Vec<u8>>,
    /// Other netlink protocols that were sent to.
    pub others: Vec<u64>,
}

/// The type of a message.
pub fn kind(message: &[u8]) -> u16 {
    message.get(4..6).map_or(0, |kind| u16::from_le_bytes([kind[0], kind[1]]))
}

/// Whether a message asks, and changes nothing.
pub fn asks(message: &[u8]) -> bool {
    kind(message) % 4 == GET
}

/// Cuts a datagram into messages.
fn cut(bytes: &[u8]) -> Vec<&[u8]> {
    let (mut rest, mut all) = (bytes, Vec::new());
    while rest.len() >= 16 {
        let len = u32::from_le_bytes([rest[0], rest[1], rest[2], rest[3]]);
        let len = usize::try_from(len).unwrap_or(0);
        if len < 16 || len > rest.len() {
            break;
        }
        all.push(&rest[..len]);
        rest = &rest[len.next_multiple_of(4).min(rest.len())..];
    }
    all
}

fn value(nodes: &[Node], number: u16) -> Option<&[u8]> {
    nodes.iter().find(|node| node.number == number).map(|node| node.value.as_slice())
}

impl<'a> Paper<'a> {
    /// A kernel that nobody has spoken to.
    pub fn new(names: &'a Names, world: &'a World) -> Self {
        Paper { names, world, queues: HashMap::new(), sent: Vec::new(), others: Vec::new() }
    }

    /// The datagram that answers a message; empty when there is nothing to say.
    fn answers(&self, protocol: u64, asked: &[u8]) -> Vec<u8> {
        let flags = u16::from_le_bytes([asked[6], asked[7]]);
        let error = |errno: i32| {
            let mut body = errno.to_le_bytes().to_vec();
            body.extend_from_slice(asked.get(..16).unwrap_or_default());
            header(asked, ERROR, 0, &body)
        };
        if protocol != 0 {
            return error(-95);
        }
        let kind = kind(asked);
        let ack = if flags & ACK != 0 { error(0) } else { Vec::new() };
        if kind < LOWEST || !asks(asked) {
            return ack;
        }
        let question = super::message::read(self.names, asked);
        let Some(question) = question else { return error(-95) };
        let matching = self.world.messages.iter().filter(|one| one.kind == kind - GET && fits(one, &question));
        if flags & DUMP == DUMP {
            let mut all: Vec<u8> =
                matching.flat_map(|one| header(asked, one.kind, MULTI, &one.bytes()[16..])).collect();
            all.extend(header(asked, DONE, MULTI, &[0; 4]));
            return all;
        }
        if kind - GET == NEWNSID {
            // No namespace has a number.
            return header(asked, NEWNSID, 0, &[0, 0, 0, 0, 8, 0, 1, 0, 255, 255, 255, 255]);
        }
        match matching.into_iter().find(|one| is_the_one(one, &question)) {
            Some(one) => [header(asked, one.kind, 0, &one.bytes()[16..]), ack].concat(),
            None => error(if kind - GET == NEWLINK { -19 } else { -2 }),
        }
    }
}

/// A message that answers another.
fn header(asked: &[u8], kind: u16, flags: u16, body: &[u8]) -> Vec<u8> {
    let mut bytes = u32::try_from(16 + body.len()).unwrap_or(0).to_le_bytes().to_vec();
    bytes.extend_from_slice(&kind.to_le_bytes());
    bytes.extend_from_slice(&flags.to_le_bytes());
    bytes.extend_from_slice(&asked[8..12]);
    bytes.extend_from_slice(&PORT.to_le_bytes());
    bytes.extend_from_slice(body);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

/// Whether a dump that asks so has a message in it, as strict kernels filter.
fn fits(one: &Message, question: &Message) -> bool {
    let family = question.header.first().copied().unwrap_or(0);
    if one.kind != NEWLINK && family != 0 && one.header.first() != Some(&family) {
        return false;
    }
    if one.kind != NEWROUTE {
        return true;
    }
    let table = |message: &Message| match value(&message.attributes, 15) {
        Some(table) => table.to_vec(),
        None => vec![message.header.get(4).copied().unwrap_or(0), 0, 0, 0],
    };
    let asked = table(question);
    let cloned = question.header.get(9).copied().unwrap_or(0) & CLONED != 0;
    !cloned && (asked == [0; 4] || asked == table(one))
}

/// Whether a question for one thing means this one: a link by number or name, a next hop by number.
fn is_the_one(one: &Message, question: &Message) -> bool {
    if one.kind == NEWLINK {
        let index = question.header.get(4..8).unwrap_or_default();
        let name = [3, 53].into_iter().find_map(|number| value(&question.attributes, number));
        let names = one.attributes.iter().flat_map(|node| std::iter::once(node).chain(&node.children));
        return if index.iter().any(|byte| *byte != 0) {
            one.header.get(4..8) == Some(index)
        } else {
            names.filter(|node| [3, 53].contains(&node.number)).any(|node| Some(node.value.as_slice()) == name)
        };
    }
    let key = if one.kind == 104 || one.kind == 116 { 1 } else { return true };
    value(&one.attributes, key) == value(&question.attributes, key)
}

impl Kernel for Paper<'_> {
    fn request(&mut self, socket: u64, protocol: u64, bytes: &[u8]) -> bool {
        if protocol != 0 {
            self.others.push(protocol);
        }
        for message in cut(bytes) {
            let mut copy = message.to_vec();
            copy[8..16].fill(0);
            // Flushing goes on until nothing is left, and here nothing ever goes.
            if protocol == 0 && kind(message) >= LOWEST && !asks(message) && self.sent.contains(&copy) {
                return false;
            }
            if protocol == 0 {
                self.sent.push(copy);
            }
            let answer = self.answers(protocol, message);
            if !answer.is_empty() {
                self.queues.entry(socket).or_default().push_back(answer);
            }
        }
        true
    }

    fn answer(&mut self, socket: u64, take: bool) -> Option<Vec<u8>> {
        let queue = self.queues.get_mut(&socket)?;
        if take { queue.pop_front() } else { queue.front().cloned() }
    }
}
