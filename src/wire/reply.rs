//! Reading a datagram from the kernel: split into messages, and what an error or
//! the end of a dump says (errno and extended ACK).

use netlink_packet_core::{NLMSG_DONE, NLMSG_ERROR};

use super::attr::{Attrs, attrs, u16_at, u32_at};
use super::build::{HEADER, align4};
use crate::error::Refusal;

/// Reply flag: the echoed request is cut to its header (`NETLINK_CAP_ACK`).
const NLM_F_CAPPED: u16 = 0x100;
/// Reply flag: extended-ACK attributes follow.
const NLM_F_ACK_TLVS: u16 = 0x200;
/// Dump flag: the list changed while it was read.
const NLM_F_DUMP_INTR: u16 = 0x10;
const NLMSGERR_ATTR_MSG: u16 = 1;
const NLMSGERR_ATTR_OFFS: u16 = 2;
const NLMSGERR_ATTR_MISS_TYPE: u16 = 5;

/// One message of a datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Message type.
    pub kind: u16,
    /// `NLM_F_*` flags of the reply.
    pub flags: u16,
    /// Sequence number of the request it answers.
    pub seq: u32,
    /// Port that it is for.
    pub port: u32,
    /// Everything after the netlink header.
    pub payload: &'a [u8],
    message: &'a [u8],
}

/// What an ack, an error or the end of a dump says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// errno 0; a text is a warning of the kernel.
    Ok(Option<String>),
    /// The kernel's refusal.
    Refused(Refusal),
}

/// Iterates over the messages of a datagram; stops where a length cannot be right.
#[derive(Debug, Clone)]
pub struct Frames<'a> {
    rest: &'a [u8],
}

/// Splits a datagram into messages.
pub fn frames(datagram: &[u8]) -> Frames<'_> {
    Frames { rest: datagram }
}

impl<'a> Iterator for Frames<'a> {
    type Item = Frame<'a>;

    fn next(&mut self) -> Option<Frame<'a>> {
        let len = usize::try_from(u32_at(self.rest, 0)?).ok()?;
        let message = self.rest.get(..len)?;
        let frame = Frame {
            kind: u16_at(message, 4)?,
            flags: u16_at(message, 6)?,
            seq: u32_at(message, 8)?,
            port: u32_at(message, 12)?,
            payload: message.get(HEADER..)?,
            message,
        };
        self.rest = self.rest.get(align4(len)..).unwrap_or_default();
        Some(frame)
    }
}

impl Frames<'_> {
    /// Bytes that are no message: not empty means that the datagram is damaged.
    pub fn rest(&self) -> &[u8] {
        self.rest
    }

    /// Whether the rest of the datagram is messages to the last byte.
    pub fn is_whole(mut self) -> bool {
        self.by_ref().for_each(drop);
        self.rest.is_empty()
    }
}

impl<'a> Frame<'a> {
    /// A message as it is built: its length, number and port are not filled in yet.
    pub fn unsealed(message: &'a [u8]) -> Option<Self> {
        let (kind, flags) = (u16_at(message, 4)?, u16_at(message, 6)?);
        Some(Frame { kind, flags, seq: 0, port: 0, payload: message.get(HEADER..)?, message })
    }

    /// The attributes after a fixed header of `header` bytes.
    pub fn attrs(&self, header: usize) -> Attrs<'a> {
        attrs(self.payload.get(align4(header)..).unwrap_or_default())
    }

    /// Puts the message as it came behind others, for [`frames`] to split again.
    pub fn append_to(&self, messages: &mut Vec<u8>) {
        messages.extend_from_slice(self.message);
        messages.resize(align4(messages.len()), 0);
    }

    /// Whether this message flags its dump as torn.
    pub fn interrupted(&self) -> bool {
        self.flags & NLM_F_DUMP_INTR != 0
    }

    /// The status that this message carries, if it is `NLMSG_ERROR` or `NLMSG_DONE`.
    ///
    /// `NLMSG_DONE` may be empty, and carries a negative errno when a dump was refused.
    pub fn status(&self) -> Option<Status> {
        let tlvs = match self.kind {
            NLMSG_DONE => 4,
            NLMSG_ERROR if self.flags & NLM_F_CAPPED != 0 => 4 + HEADER,
            NLMSG_ERROR => {
                let echoed = u32_at(self.payload, 4).and_then(|len| usize::try_from(len).ok()).unwrap_or(HEADER);
                4usize.saturating_add(align4(echoed.min(self.payload.len())))
            }
            _ => return None,
        };
        let errno = self.payload.get(..4).and_then(|b| b.try_into().ok()).map_or(0, i32::from_ne_bytes);
        let mut refusal = Refusal { errno: errno.saturating_neg(), ..Refusal::default() };
        if self.flags & NLM_F_ACK_TLVS != 0 {
            for attr in attrs(self.payload.get(tlvs..).unwrap_or_default()) {
                match attr.kind {
                    NLMSGERR_ATTR_MSG => {
                        refusal.text = Some(String::from_utf8_lossy(attr.bytes_to_nul()).into_owned());
                    }
                    NLMSGERR_ATTR_OFFS => refusal.offset = attr.u32(),
                    NLMSGERR_ATTR_MISS_TYPE => refusal.missing = attr.u32(),
                    _ => {}
                }
            }
        }
        // A dump's DONE carries a non-negative count of what the kernel's walker returned.
        Some(if errno < 0 { Status::Refused(refusal) } else { Status::Ok(refusal.text) })
    }
}

/// Type of the innermost attribute that starts at `offset` in a sent message, with the
/// types of the nests that lead to it. `header` is the length of the fixed header
/// after the netlink one.
pub fn attr_path(message: &[u8], header: usize, offset: usize) -> Vec<u16> {
    let mut path = Vec::new();
    descend(message, HEADER + align4(header), message.len(), offset, &mut path);
    path
}

fn descend(message: &[u8], mut at: usize, end: usize, offset: usize, path: &mut Vec<u16>) {
    while let (Some(len), Some(kind)) = (u16_at(message, at), u16_at(message, at + 2)) {
        let len = usize::from(len);
        if len < 4 || at + len > end {
            return;
        }
        if (at..at + len).contains(&offset) {
            path.push(kind & 0x3fff);
            if offset > at && path.len() < 8 {
                descend(message, at + 4, at + len, offset, path);
            }
            return;
        }
        at += align4(len);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u16, flags: u16, payload: &[u8]) -> Vec<u8> {
        let mut bytes = u32::try_from(HEADER + payload.len()).unwrap().to_ne_bytes().to_vec();
        bytes.extend_from_slice(&kind.to_ne_bytes());
        bytes.extend_from_slice(&flags.to_ne_bytes());
        bytes.extend_from_slice(&[1, 0, 0, 0, 2, 0, 0, 0]);
        bytes.extend_from_slice(payload);
        bytes
    }

    fn tlvs() -> Vec<u8> {
        let mut tlvs = vec![8, 0, 1, 0, b'n', b'o', b'!', 0, 8, 0, 2, 0];
        tlvs.extend_from_slice(&36u32.to_ne_bytes());
        tlvs
    }

    #[test]
    fn error_with_capped_echo_and_ext_ack() {
        let mut payload = (-17i32).to_ne_bytes().to_vec();
        payload.extend_from_slice(&[0; 16]);
        payload.extend_from_slice(&tlvs());
        let bytes = message(NLMSG_ERROR, NLM_F_CAPPED | NLM_F_ACK_TLVS, &payload);
        let status = frames(&bytes).next().unwrap().status();
        let refusal = Refusal { errno: 17, text: Some("no!".into()), offset: Some(36), ..Refusal::default() };
        assert_eq!(status, Some(Status::Refused(refusal)));
    }

    #[test]
    fn error_with_the_whole_request_echoed() {
        let mut payload = (-22i32).to_ne_bytes().to_vec();
        let mut echo = vec![0u8; 22];
        echo[0] = 22;
        payload.extend_from_slice(&echo);
        payload.extend_from_slice(&[0, 0]);
        payload.extend_from_slice(&tlvs());
        let bytes = message(NLMSG_ERROR, NLM_F_ACK_TLVS, &payload);
        let Some(Status::Refused(refusal)) = frames(&bytes).next().unwrap().status() else { panic!() };
        assert_eq!((refusal.errno, refusal.text.as_deref()), (22, Some("no!")));
    }

    #[test]
    fn done_may_be_empty_or_carry_an_errno_with_ext_ack() {
        let empty = message(NLMSG_DONE, 0, &[]);
        assert_eq!(frames(&empty).next().unwrap().status(), Some(Status::Ok(None)));
        let mut payload = (-22i32).to_ne_bytes().to_vec();
        payload.extend_from_slice(&tlvs());
        let bytes = message(NLMSG_DONE, NLM_F_ACK_TLVS, &payload);
        let Some(Status::Refused(refusal)) = frames(&bytes).next().unwrap().status() else { panic!() };
        assert_eq!((refusal.errno, refusal.text.as_deref()), (22, Some("no!")));
    }

    #[test]
    fn messages_in_a_row_are_what_they_were() {
        let rows = [message(16, 2, b"odd"), message(24, 0, &[]), message(3, 2, &tlvs())];
        let mut all = Vec::new();
        for row in &rows {
            frames(row).for_each(|frame| frame.append_to(&mut all));
        }
        assert_eq!(frames(&all).collect::<Vec<_>>(), rows.iter().flat_map(|row| frames(row)).collect::<Vec<_>>());
        assert!(frames(&all).is_whole());
    }

    #[test]
    fn lengths_that_lie_end_the_walk() {
        for len in [0u32, 15, 17, 1 << 31, u32::MAX] {
            let mut bytes = message(16, 0, &[]);
            bytes[..4].copy_from_slice(&len.to_ne_bytes());
            assert_eq!(frames(&bytes).count(), 0, "{len}");
        }
    }

    #[test]
    fn the_attribute_at_an_offset_is_found_inside_its_nests() {
        use crate::wire::build::{Request, Route};
        let mut request = Request::<Route>::new(16, 0);
        request.raw(&[0; 16]).string(3, b"veth0").nest(18, |r| {
            r.string(1, b"veth");
        });
        let bytes = request.seal(1, 1).unwrap();
        assert_eq!(attr_path(&bytes, 16, 32), [3]);
        assert_eq!(attr_path(&bytes, 16, 44), [18]);
        assert_eq!(attr_path(&bytes, 16, 48), [18, 1]);
        assert_eq!(attr_path(&bytes, 16, 400), []);
    }
}
