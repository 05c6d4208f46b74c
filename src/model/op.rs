//! Every single change that can be made over rtnetlink: what command lines parse to,
//! what plans are made of, what the encoders take.

use std::net::Ipv6Addr;

use super::addr::{Addr, AddrVerb};
use super::addrlabel::AddrLabel;
use super::link::{LinkChange, LinkId, ListVerb, NetnsRef, NewLink};
use super::neigh::{Neigh, NeighVerb};
use super::nexthop::{NextHopObject, NextHopVerb};
use super::route::{Route, RouteVerb};
use super::rule::Rule;

/// One change. Names are resolved already: links are [`LinkId`]s, namespaces are descriptors.
#[derive(Debug, Clone)]
pub enum Op<'a> {
    /// Creates a link; `EEXIST` when its name or index is taken.
    CreateLink(NewLink<'a>),
    /// Creates a link, or changes the one of its name.
    ReplaceLink(NewLink<'a>),
    /// Changes properties of a link, all in one message.
    ChangeLink(LinkId, LinkChange<'a>),
    /// Deletes a link; a veth goes with its peer.
    DeleteLink(LinkId),
    /// Changes properties of all links of a group.
    ChangeGroup(u32, LinkChange<'a>),
    /// Deletes all links of a group.
    DeleteGroup(u32),
    /// Gives a link alternative names, or takes them away.
    AltNames(ListVerb, LinkId, Vec<Vec<u8>>),
    /// Gives a namespace an id in ours; -1 lets the kernel choose.
    SetNsid(NetnsRef<'a>, i32),
    /// Puts an address on a link, or takes it away.
    Addr(AddrVerb, LinkId, Addr),
    /// Puts a route into a table, or takes it out.
    Route(RouteVerb, Route),
    /// Makes a neighbour known, or forgets it.
    Neigh(NeighVerb, Neigh),
    /// Sets the IPv6 token of a link; `::` takes it away.
    Token(LinkId, Ipv6Addr),
    /// Adds (`true`) or deletes a label of a prefix.
    AddrLabel(bool, AddrLabel),
    /// Makes, changes or deletes a next hop object.
    NextHop(NextHopVerb, NextHopObject),
    /// Makes a rule, or deletes the first one that it describes.
    #[allow(missing_docs)]
    Rule { delete: bool, rule: Rule },
}
