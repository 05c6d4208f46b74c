//! One notification of the kernel, printed as its object's listing prints it: for `monitor`,
//! and for `-echo`.

use std::time::UNIX_EPOCH;

use super::context::{Context, Event, Timestamp};
use super::fail::Fail;
use super::{address, link, neighbour, netconf, netns, nexthop, route, rule};
use crate::model::template::filled;
use crate::model::time::Date;
use crate::show::out::Lead;
use crate::wire::netconf::{RTM_DELNETCONF, RTM_NEWNETCONF};
use crate::wire::nexthop::{RTM_DELNEXTHOP, RTM_NEWNEXTHOP};
use crate::wire::reply::Frame;
use crate::wire::rule::{RTM_DELRULE, RTM_NEWRULE};
use crate::wire::uapi::{
    RTM_DELADDR, RTM_DELLINK, RTM_DELNEIGH, RTM_DELNSID, RTM_DELROUTE, RTM_NEWADDR, RTM_NEWLINK, RTM_NEWNEIGH,
    RTM_NEWNSID, RTM_NEWROUTE,
};

/// Prints one message of an object.
type Print = fn(&mut Context<'_>, &Frame<'_>) -> Result<(), Fail>;

/// Message types of one object: the first that tells of a new one and the one that tells of its end.
struct Object {
    made: u16,
    gone: u16,
    name: &'static str,
    print: Print,
}

const OBJECTS: &[Object] = &[
    Object { made: RTM_NEWLINK, gone: RTM_DELLINK, name: "LINK", print: link::event },
    Object { made: RTM_NEWADDR, gone: RTM_DELADDR, name: "ADDR", print: address::event },
    Object { made: RTM_NEWROUTE, gone: RTM_DELROUTE, name: "ROUTE", print: route::event },
    Object { made: RTM_NEWRULE, gone: RTM_DELRULE, name: "RULE", print: rule::event },
    Object { made: RTM_NEWNEXTHOP, gone: RTM_DELNEXTHOP, name: "NEXTHOP", print: nexthop::event },
    Object { made: RTM_NEWNETCONF, gone: RTM_DELNETCONF, name: "NETCONF", print: netconf::event },
    Object { made: RTM_NEWNSID, gone: RTM_DELNSID, name: "NSID", print: netns::event },
    Object { made: RTM_NEWNEIGH, gone: RTM_DELNEIGH, name: "NEIGH", print: neighbour::event },
];

/// Prints a message; one that is none of ours is passed over. `label`: with its object's name in front.
pub fn print(context: &mut Context<'_>, frame: &Frame<'_>, label: bool) -> Result<(), Fail> {
    let Some(object) = OBJECTS.iter().find(|object| object.made == frame.kind || object.gone == frame.kind) else {
        return Ok(());
    };
    let mut event = context.event.take().unwrap_or_default();
    event.lead.clear();
    if event.alone {
        stamp(context.options.timestamp, &mut event);
        let text = if label { filled("[%]", &[object.name]) } else { String::new() };
        event.lead.push(("event", Lead::Word(object.name.to_ascii_lowercase()), text));
    }
    if frame.kind == object.gone {
        event.lead.push(("deleted", Lead::True, "Deleted ".to_owned()));
    }
    context.event = Some(event);
    let outcome = (object.print)(context, frame);
    context.event = context.event.take().filter(|event| event.alone);
    outcome
}

/// The time now, in UTC.
fn stamp(shape: Timestamp, event: &mut Event) {
    let since = UNIX_EPOCH.elapsed().unwrap_or_default();
    let (now, micros) = (Date::new(since.as_secs()), since.subsec_micros().to_string());
    let (value, text) = match shape {
        Timestamp::None => return,
        Timestamp::Short => {
            let value = [&now.iso(), ".", &"000000"[micros.len()..], &micros].concat();
            (value.clone(), filled("[%] ", &[&value]))
        }
        Timestamp::Long => {
            let value = now.long();
            (value.clone(), filled("Timestamp: % % usec\n", &[&value, &micros]))
        }
    };
    event.lead.push(("timestamp", Lead::Word(value), text));
}
