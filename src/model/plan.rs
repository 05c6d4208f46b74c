//! What is to be done so that a network is what it should be: steps in the order in which they are done.

use std::num::NonZeroU32;

use super::lab::Lab;
use super::link::{LinkId, NewLink};
use super::name::IfName;
use super::op::Op;
use super::topology::Origin;
use super::translation::Translation;
use super::world::EtcFile;

/// Steps from what is found to what is asked for; none if they are the same.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Whose it is.
    pub lab: Lab,
    /// What is done, in order.
    pub steps: Vec<Step>,
    /// Names of the links that it makes, by the index that they will have.
    pub names: Vec<(LinkId, IfName)>,
}

/// One step: one message, one file or one namespace.
#[derive(Debug, Clone)]
pub struct Step {
    /// The place ([`super::world::World::places`]) whose socket it goes through, or in which the file is.
    pub place: usize,
    /// What it means to the reader of a plan.
    pub sign: Sign,
    /// What is done.
    pub act: Act,
    /// Where the file says it, if it does.
    pub at: Option<Origin>,
    /// What is different, for a change: what, as found, as asked for.
    pub why: Vec<Difference>,
}

/// What a step means to the reader of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// `+`: something is made.
    Create,
    /// `~`: something is changed in place.
    Change,
    /// `-/+`: something is made anew, since it cannot be changed.
    Replace,
    /// `-`: something is taken away.
    Remove,
    /// Belongs to the step of the same object before it; shown only by those that show every message.
    Part,
}

/// One property that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// iproute2's word for it.
    pub what: &'static str,
    /// As it is found.
    pub from: String,
    /// As it is asked for.
    pub to: String,
}

/// What a step does.
#[derive(Debug, Clone)]
pub enum Act {
    /// Makes the namespace of the place. It gets its name last, when all is right.
    MakeNetns,
    /// Takes the namespace's name away.
    DeleteNetns,
    /// Makes a link, or both ends of a pair.
    MakeLink(Box<MakeLink>),
    /// Makes a tap device that stays; there is no message for it.
    MakeTap {
        /// Index to take (`TUNSETIFINDEX`).
        index: NonZeroU32,
        /// Its name.
        name: IfName,
        /// `IFF_*` of `linux/if_tun.h` besides `IFF_TAP`.
        flags: u16,
        /// Who may open it.
        user: Option<u32>,
        /// Which group may open it.
        group: Option<u32>,
    },
    /// Moves a device to another place.
    MoveLink {
        /// Index to take there (`IFLA_NEW_IFINDEX`). Before kernel 5.13 the attribute has no effect and the kernel
        /// chooses: steps behind it that name the link are then for the next plan.
        index: NonZeroU32,
        /// The device.
        link: LinkId,
        /// Its name.
        name: IfName,
        /// The place.
        to: usize,
    },
    /// Any other change over rtnetlink. Its links are of [`Step::place`].
    Op(Box<Op<'static>>),
    /// Sets a parameter, by its full name.
    Sysctl {
        /// `net.ipv4.ip_forward`.
        name: String,
        /// As it is found.
        from: Option<String>,
        /// The value.
        to: String,
    },
    /// Makes these the only translations of the lab in the place; none: takes the tables away.
    Translations(Vec<Translation>),
    /// Writes a file in `/etc/netns/NAME`, or takes it away.
    File {
        /// Which.
        file: EtcFile,
        /// All of its text.
        text: Option<String>,
    },
}

/// A link that a step makes.
#[derive(Debug, Clone)]
pub struct MakeLink {
    /// The link. The namespaces of both ends are not filled in; the indexes are.
    pub new: NewLink<'static>,
    /// Place that the link is born in; [`Step::place`] unless its lower link is elsewhere.
    pub into: usize,
    /// Place that the other end of a pair is born in.
    pub peer_into: Option<usize>,
}
