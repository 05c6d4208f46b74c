//! What a translation comes to in the kernel: one rule for each hook that it works at,
//! here as data without a format.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Action, Pick, Range, TCP, Translation, UDP};
use crate::model::ip::{Family, Prefix};
use crate::model::name::IfName;

/// Where packets meet a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hook {
    /// Before routing.
    Prerouting,
    /// What this host sends, before routing.
    Output,
    /// After routing.
    Postrouting,
    /// What is passed on.
    Forward,
}

/// What a rule does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Lets the packet through.
    Accept,
    /// Goes back to the calling chain.
    Return,
    /// New source: the address of the outgoing interface.
    Masquerade,
    /// New source.
    Snat,
    /// New destination.
    Dnat,
    /// New destination: this host.
    Redirect,
}

/// What must be true of a packet's connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum State {
    /// Nothing.
    #[default]
    Any,
    /// Its destination has been translated.
    Dnat,
    /// It is established, or the packet is related to one that is.
    Established,
}

/// One rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leg {
    /// Where it works.
    pub hook: Hook,
    /// Incoming interface.
    pub input: Option<IfName>,
    /// Outgoing interface.
    pub output: Option<IfName>,
    /// Transport protocol; 0 is any.
    pub protocol: u8,
    /// Sources.
    pub source: Option<Prefix>,
    /// Destinations.
    pub destination: Option<Prefix>,
    /// Destinations that it is not for.
    pub excluded: [Option<Prefix>; 3],
    /// Only destinations of this host.
    pub local: bool,
    /// Source ports; with a protocol only.
    pub source_ports: Option<Range<u16>>,
    /// Destination ports; with a protocol only.
    pub ports: Option<Range<u16>>,
    /// Of which connections.
    pub state: State,
    /// What it does.
    pub act: Act,
    /// New addresses.
    pub addrs: Option<Range<IpAddr>>,
    /// New ports.
    pub new_ports: Option<Range<u16>>,
    /// How it picks among them.
    pub pick: Pick,
}

/// A rule for everything.
#[inline(never)]
fn any(hook: Hook, act: Act) -> Leg {
    Leg {
        hook,
        input: None,
        output: None,
        protocol: 0,
        source: None,
        destination: None,
        excluded: [None; 3],
        local: false,
        source_ports: None,
        ports: None,
        state: State::Any,
        act,
        addrs: None,
        new_ports: None,
        pick: Pick::empty(),
    }
}

/// Destinations that belong to no single host, which keep their sender's address: all but the last one
/// multicast, the last one broadcast.
#[inline(never)]
fn multicast(family: Family) -> [Option<Prefix>; 2] {
    match family {
        Family::V6 => [Prefix::new(Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0).into(), 8), None],
        _ => [Prefix::new(Ipv4Addr::new(224, 0, 0, 0).into(), 4), Prefix::new(Ipv4Addr::BROADCAST.into(), 32)],
    }
}

/// Addresses that never leave a host.
#[inline(never)]
fn loopback(family: Family) -> Option<Prefix> {
    match family {
        Family::V6 => Prefix::new(Ipv6Addr::LOCALHOST.into(), 128),
        _ => Prefix::new(Ipv4Addr::new(127, 0, 0, 0).into(), 8),
    }
}

/// A prefix that says something; /0 is everything.
#[inline(never)]
fn some(prefix: Option<Prefix>) -> Option<Prefix> {
    prefix.filter(|prefix| !prefix.is_empty())
}

/// The rules of one translation.
pub type Legs = Vec<Leg>;

impl Translation {
    /// Its rules. `subnet` is the target's own, if known, for [`Translation::hairpin`]; with `simple`, no
    /// rule has more than one excluded destination, which is all that iptables can say.
    pub fn legs(&self, subnet: Option<Prefix>, simple: bool) -> Legs {
        if self.action.is_source() { self.source(simple) } else { self.destination(subnet) }
    }

    fn source(&self, simple: bool) -> Legs {
        let mut legs = Vec::new();
        let mut leg = any(Hook::Postrouting, Act::Return);
        (leg.output, leg.source, leg.destination) = (self.device, some(self.from), some(self.to));
        if self.to.is_none() {
            for (at, net) in multicast(self.family).into_iter().enumerate() {
                if !simple {
                    leg.excluded[at + 1] = net;
                } else if net.is_some() {
                    leg.destination = net;
                    legs.push(leg);
                }
            }
            leg.destination = None;
            leg.excluded[0] = leg.source;
        }
        leg.act = if self.action == Action::Snat { Act::Snat } else { Act::Masquerade };
        (leg.addrs, leg.new_ports, leg.pick) = (self.addrs, self.new_ports, self.pick);
        // Ports are for the protocols that have them; the others get the address only.
        if leg.new_ports.is_some() {
            for protocol in [TCP, UDP] {
                leg.protocol = protocol;
                legs.push(leg);
            }
            (leg.protocol, leg.new_ports) = (0, None);
        }
        legs.push(leg);
        legs
    }

    /// Before routing, and for what this host sends itself: to its own addresses or to a given one,
    /// but not by a given interface. A forward's target answers its own subnet past this host, unless it sees
    /// this host's address.
    fn destination(&self, subnet: Option<Prefix>) -> Legs {
        let mut leg = any(Hook::Prerouting, Act::Redirect);
        (leg.input, leg.protocol) = (self.device, self.protocol);
        leg.destination = self.listen.map(Prefix::host);
        (leg.ports, leg.addrs, leg.new_ports) = (self.ports, self.addrs, self.new_ports);
        let target = self.addrs.map(|(target, _)| target);
        if target.is_some() {
            (leg.act, leg.local) = (Act::Dnat, self.listen.is_none());
        }
        let mut legs = vec![leg];
        if self.device.is_none() && (leg.local || self.listen.is_some()) {
            // The kernel would not let a loopback address out.
            if leg.local {
                leg.excluded[0] = loopback(self.family);
            }
            leg.hook = Hook::Output;
            legs.push(leg);
        }
        if let Some(target) = target {
            let mut hairpin = any(Hook::Postrouting, Act::Masquerade);
            hairpin.state = State::Dnat;
            let localhost = loopback(self.family).filter(|_| self.listen.is_some_and(|listen| listen.is_loopback()));
            let near = Prefix::new(target, if target.is_ipv6() { 64 } else { 24 }).map(|net| net.network());
            hairpin.source = self.hairpin.or(localhost).or(subnet).or(near);
            hairpin.destination = Some(Prefix::host(target));
            hairpin.protocol = self.protocol;
            legs.push(hairpin);
        }
        legs
    }

    /// The rules that let its packets through a chain that drops: one for each direction. None for
    /// what ends at this host.
    #[inline(never)]
    pub fn accepts(&self) -> Legs {
        let mut there = any(Hook::Forward, Act::Accept);
        there.protocol = self.protocol;
        if self.action.is_source() {
            (there.source, there.destination, there.output) = (some(self.from), some(self.to), self.device);
        } else if let Some((target, _)) = self.addrs {
            (there.input, there.destination) = (self.device, Some(Prefix::host(target)));
            (there.ports, there.state) = (self.new_ports.or(self.ports), State::Dnat);
        } else {
            return Vec::new();
        }
        let mut back = there;
        (back.source, back.destination) = (there.destination, there.source);
        (back.input, back.output) = (there.output, there.input);
        (back.source_ports, back.ports, back.state) = (there.ports, None, State::Established);
        vec![there, back]
    }
}
