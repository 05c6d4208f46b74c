//! Ids that one namespace has for others: `RTM_GETNSID`. Source: `linux/net_namespace.h`.

use std::os::fd::{AsRawFd, BorrowedFd};

use super::build::{Request, Route};
use super::query::Query;
use super::reply::Frame;
use super::uapi::{RTM_GETNSID, RTM_NEWNSID};
use crate::model::link::NetnsRef;

const NETNSA_NSID: u16 = 1;
const NETNSA_PID: u16 = 2;
const NETNSA_FD: u16 = 3;
const NETNSA_TARGET_NSID: u16 = 4;
const NETNSA_CURRENT_NSID: u16 = 5;
/// Length of `struct rtgenmsg`.
pub const RTGENMSG: usize = 1;

/// Asks which id the socket's namespace has for another one; the answer is none where it has no id.
#[derive(Debug, Clone, Copy)]
pub struct GetNsid<'a> {
    /// The other namespace.
    pub ns: BorrowedFd<'a>,
}

impl Query for GetNsid<'_> {
    type Protocol = Route;
    type Item = i32;

    fn encode(&self) -> Request<Route> {
        let mut request = Request::new(RTM_GETNSID, 0);
        request.raw(&[0; RTGENMSG]).i32(NETNSA_FD, self.ns.as_raw_fd());
        request
    }

    fn decode(&self, frame: &Frame<'_>) -> Option<i32> {
        decode(frame)
    }
}

/// Asks which ids there are (a dump), or for one of them (kernel 4.20 for another namespace's).
#[derive(Debug, Clone, Copy, Default)]
pub struct ListNsids {
    /// Those that the namespace of this id has, instead of the socket's.
    pub target: Option<u32>,
    /// Only the namespace that has this id in the socket's.
    pub id: Option<u32>,
}

/// The id of a namespace, negative where it has none, and beside it the id that the socket's namespace has for it
/// when another one was asked about.
pub type Nsid = (i32, Option<i32>);

impl Query for ListNsids {
    type Protocol = Route;
    type Item = Nsid;

    fn encode(&self) -> Request<Route> {
        let mut request = Request::new(RTM_GETNSID, 0);
        request.raw(&[0; RTGENMSG]);
        if let Some(id) = self.id {
            request.u32(NETNSA_NSID, id);
        }
        if let Some(target) = self.target {
            request.u32(NETNSA_TARGET_NSID, target);
        }
        request
    }

    fn decode(&self, frame: &Frame<'_>) -> Option<Nsid> {
        read(frame).filter(|_| frame.kind == RTM_NEWNSID)
    }
}

/// Reads an answer or a notification.
pub fn read(frame: &Frame<'_>) -> Option<Nsid> {
    let attrs = frame.attrs(RTGENMSG);
    let current = attrs.clone().find(NETNSA_CURRENT_NSID).and_then(|id| id.i32());
    Some((attrs.find(NETNSA_NSID)?.i32()?, current))
}

/// The request that gives a namespace an id in the socket's; -1 lets the kernel choose.
pub fn set(ns: NetnsRef<'_>, id: i32) -> Request<Route> {
    let mut request = Request::new(RTM_NEWNSID, 0);
    request.raw(&[0; RTGENMSG]);
    match ns {
        NetnsRef::Fd(fd) => request.i32(NETNSA_FD, fd.as_raw_fd()),
        NetnsRef::Pid(pid) => request.u32(NETNSA_PID, pid),
    };
    request.i32(NETNSA_NSID, id);
    request
}

/// The id in a message; `None` where the namespace has none (-1) or it is another message.
pub fn decode(frame: &Frame<'_>) -> Option<i32> {
    let id = (frame.kind == RTM_NEWNSID).then(|| frame.attrs(RTGENMSG).find(NETNSA_NSID)?.i32())??;
    (id >= 0).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::reply::frames;
    use std::os::fd::AsFd;

    #[test]
    fn ids_as_iproute2_asks_for_them_and_sets_them() {
        let hex = |request: Request<Route>| {
            request.seal(1, 0).unwrap()[16..].iter().map(|b| format!("{b:02x}")).collect::<String>()
        };
        let list = ListNsids { target: Some(5), id: Some(7) };
        assert_eq!(hex(list.encode()), "0000000008000100070000000800040005000000");
        assert_eq!(hex(set(NetnsRef::Pid(9), -1)), "00000000080002000900000008000100ffffffff");
    }

    #[test]
    fn question_and_answer() {
        let file = std::fs::File::open("/dev/null").unwrap();
        let fd = u8::try_from(file.as_raw_fd()).unwrap();
        let bytes = GetNsid { ns: file.as_fd() }.encode().seal(1, 0).unwrap();
        let expected = [28, 0, 0, 0, 90, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 3, 0, fd, 0, 0, 0];
        assert_eq!(bytes, expected);
        let mut answer = bytes;
        answer[4] = 88;
        answer[22] = 1;
        assert_eq!(decode(&frames(&answer).next().unwrap()), Some(i32::from(fd)));
        assert_eq!(ListNsids::default().decode(&frames(&answer).next().unwrap()), Some((i32::from(fd), None)));
        answer[24..28].copy_from_slice(&(-1i32).to_ne_bytes());
        assert_eq!(decode(&frames(&answer).next().unwrap()), None);
    }
}
