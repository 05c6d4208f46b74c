//! Every single change that can be made over rtnetlink: what command lines parse to,
//! what plans are made of, what the encoders take.

use super::addr::{Addr, AddrVerb};
use super::fdb::{Fdb, FdbVerb};
use super::link::{LinkChange, LinkId, NewLink};
use super::neigh::{Neigh, NeighVerb};
use super::port::{PortChange, VlanChange};
use super::route::{Route, RouteVerb};

/// One change. Names are resolved already: links are [`LinkId`]s, namespaces are descriptors.
#[derive(Debug, Clone)]
pub enum Op<'a> {
    /// Creates a link; `EEXIST` when its name or index is taken.
    CreateLink(NewLink<'a>),
    /// Changes properties of a link, all in one message.
    ChangeLink(LinkId, LinkChange<'a>),
    /// Deletes a link; a veth goes with its peer.
    DeleteLink(LinkId),
    /// Puts an address on a link, or takes it away.
    Addr(AddrVerb, LinkId, Addr),
    /// Puts a route into a table, or takes it out.
    Route(RouteVerb, Route),
    /// Makes a neighbour known, or forgets it.
    Neigh(NeighVerb, Neigh),
    /// Adds a forwarding entry, or takes one or many away.
    Fdb(FdbVerb, Fdb),
    /// Changes a port of a bridge.
    BridgePort(PortChange),
    /// Puts VLANs on a port of a bridge, or takes them away.
    BridgeVlan(VlanChange),
}
