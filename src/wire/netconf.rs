//! Settings of a protocol on a link: `RTM_GETNETCONF`, `RTM_NEWNETCONF`. Source: `linux/netconf.h`.

use super::build::{Request, Route};
use super::query::Query;
use super::reply::Frame;
use crate::model::ip::Family;
use crate::model::netconf::Netconf;

/// `RTM_NEWNETCONF`.
pub const RTM_NEWNETCONF: u16 = 80;
/// `RTM_DELNETCONF`: the link has gone, or the protocol from it.
pub const RTM_DELNETCONF: u16 = 81;
const RTM_GETNETCONF: u16 = 82;
/// Length of `struct netconfmsg`.
pub const NETCONFMSG: usize = 1;
const NETCONFA_IFINDEX: u16 = 1;

/// Asks for the settings of a family.
#[derive(Debug, Clone, Copy)]
pub struct GetNetconf {
    /// The family; both in a dump.
    pub family: Family,
    /// Of this link; 0 is for a dump.
    pub index: u32,
}

impl Query for GetNetconf {
    type Protocol = Route;
    type Item = Netconf;

    fn encode(&self) -> Request<Route> {
        let mut request = Request::new(RTM_GETNETCONF, 0);
        request.raw(&[self.family.number()]);
        if self.index != 0 {
            request.u32(NETCONFA_IFINDEX, self.index);
        }
        request
    }

    fn decode(&self, frame: &Frame<'_>) -> Option<Netconf> {
        if frame.kind == RTM_NEWNETCONF { decode(frame) } else { None }
    }
}

/// Reads a message of settings; `None` without a whole header. Unknown attributes are passed over.
pub fn decode(frame: &Frame<'_>) -> Option<Netconf> {
    let mut conf = Netconf { family: Family::from_number(*frame.payload.first()?), ..Netconf::default() };
    for attr in frame.attrs(NETCONFMSG) {
        if attr.kind == NETCONFA_IFINDEX {
            conf.index = attr.i32();
        } else if let Some(place) = conf.values.get_mut(usize::from(attr.kind)) {
            *place = attr.u32();
        }
    }
    Some(conf)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::reply::frames;

    fn sealed(index: u32) -> Vec<u8> {
        GetNetconf { family: Family::V4, index }.encode().seal(1, 0).unwrap()
    }

    #[test]
    fn questions_and_answers() {
        assert_eq!(sealed(0), [20, 0, 0, 0, 82, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0]);
        let mut answer = sealed(3);
        assert_eq!(answer[16..], [2, 0, 0, 0, 8, 0, 1, 0, 3, 0, 0, 0]);
        // forwarding, rp_filter, an attribute to come, one too short.
        answer
            .extend([8, 0, 2, 0, 1, 0, 0, 0, 8, 0, 3, 0, 2, 0, 0, 0, 8, 0, 99, 0, 1, 0, 0, 0, 6, 0, 5, 0, 1, 0, 0, 0]);
        answer[..6].copy_from_slice(&[60, 0, 0, 0, 80, 0]);
        let conf = decode(&frames(&answer).next().unwrap()).unwrap();
        assert_eq!((conf.family, conf.index), (Family::V4, Some(3)));
        assert_eq!(conf.values, [None, None, Some(1), Some(2), None, None, None, None]);
    }
}
