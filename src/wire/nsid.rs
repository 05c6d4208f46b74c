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
        answer[24..28].copy_from_slice(&(-1i32).to_ne_bytes());
        assert_eq!(decode(&frames(&answer).next().unwrap()), None);
    }
}
