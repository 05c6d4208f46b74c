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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leg {
    /// Where it works.
    pub hook: Hook,
    /// Incoming interface.
    pub input: Option<IfName>,
    /// Outgoing interface.
    pub output: Option<IfName>,
    /// Transport protocol.
    pub protocol: Option<u8>,
    /// Sources.
    pub source: Option<Prefix>,
    /// Destinations.
    pub destination: Option<Prefix>,
    /// Destinations that it is not for.
    pub excluded: Vec<Prefix>,
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

impl Leg {
    fn new(hook: Hook, act: Act) -> Self {
        Leg {
            hook,
            input: None,
            output: None,
            protocol: None,
            source: None,
            destination: None,
            excluded: Vec::new(),
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
}

/// Destinations that belong to no single host: they keep their sender's address.
fn multicast(family: Family) -> Vec<Prefix> {
    let nets: &[(IpAddr, u8)] = match family {
        Family::V6 => &[(IpAddr::V6(Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0)), 8)],
        _ => &[(IpAddr::V4(Ipv4Addr::new(224, 0, 0, 0)), 4), (IpAddr::V4(Ipv4Addr::BROADCAST), 32)],
    };
    nets.iter().filter_map(|(addr, len)| Prefix::new(*addr, *len)).collect()
}

/// Addresses that never leave a host.
fn loopback(family: Family) -> Option<Prefix> {
    match family {
        Family::V6 => Some(Prefix::host(Ipv6Addr::LOCALHOST.into())),
        _ => Prefix::new(Ipv4Addr::new(127, 0, 0, 0).into(), 8),
    }
}

/// A prefix that says something; /0 is everything.
fn some(prefix: Option<Prefix>) -> Option<Prefix> {
    prefix.filter(|prefix| !prefix.is_empty())
}

impl Translation {
    /// Its rules. `subnet` is the target's own, if known, for [`Translation::hairpin`]; with `simple`, no
    /// rule has more than one excluded destination, which is all that iptables can say.
    pub fn legs(&self, subnet: Option<Prefix>, simple: bool) -> Vec<Leg> {
        match self.action {
            Action::Masquerade => self.source(Act::Masquerade, simple),
            Action::Snat => self.source(Act::Snat, simple),
            Action::Forward => self.forward(subnet),
            Action::Redirect => self.destination(Act::Redirect),
        }
    }

    fn source(&self, act: Act, simple: bool) -> Vec<Leg> {
        let mut leg = Leg::new(Hook::Postrouting, act);
        (leg.output, leg.source, leg.destination) = (self.device, some(self.from), some(self.to));
        let mut legs = Vec::new();
        if self.to.is_none() {
            leg.excluded.extend(leg.source);
            let multicast = multicast(self.family);
            if simple {
                for net in multicast {
                    let back = Leg { act: Act::Return, destination: Some(net), excluded: Vec::new(), ..leg.clone() };
                    legs.push(back);
                }
            } else {
                leg.excluded.extend(multicast);
            }
        }
        (leg.addrs, leg.pick) = (self.addrs, self.pick);
        // Ports are for the protocols that have them; the others get the address only.
        if self.new_ports.is_some() {
            for protocol in [TCP, UDP] {
                legs.push(Leg { protocol: Some(protocol), new_ports: self.new_ports, ..leg.clone() });
            }
        }
        legs.push(leg);
        legs
    }

    /// Before routing, and for what this host sends itself: to its own addresses or to a given one,
    /// but not by a given interface.
    fn destination(&self, act: Act) -> Vec<Leg> {
        let mut leg = Leg::new(Hook::Prerouting, act);
        leg.input = self.device;
        leg.protocol = Some(self.protocol);
        leg.destination = self.listen.map(Prefix::host);
        leg.local = self.listen.is_none() && self.action == Action::Forward;
        (leg.ports, leg.addrs, leg.new_ports) = (self.ports, self.addrs, self.new_ports);
        let mut legs = vec![leg.clone()];
        if self.device.is_none() && (leg.local || self.listen.is_some()) {
            // The kernel would not let a loopback address out.
            leg.excluded.extend(loopback(self.family).filter(|_| leg.local));
            leg.hook = Hook::Output;
            legs.push(leg);
        }
        legs
    }

    fn forward(&self, subnet: Option<Prefix>) -> Vec<Leg> {
        let mut legs = self.destination(Act::Dnat);
        if let Some((target, _)) = self.addrs {
            let mut hairpin = Leg::new(Hook::Postrouting, Act::Masquerade);
            let local = self.listen.and_then(|_| loopback(self.family)).filter(|net| self.listens_on(net));
            let near = Prefix::new(target, if target.is_ipv6() { 64 } else { 24 }).map(|net| net.network());
            hairpin.source = self.hairpin.or(local).or(subnet).or(near);
            hairpin.destination = Some(Prefix::host(target));
            hairpin.protocol = Some(self.protocol);
            hairpin.state = State::Dnat;
            legs.push(hairpin);
        }
        legs
    }

    fn listens_on(&self, net: &Prefix) -> bool {
        self.listen.is_some_and(|listen| net.contains(&listen))
    }

    /// The rules that let its packets through a chain that drops: one for each direction. None for
    /// what ends at this host.
    pub fn accepts(&self) -> Vec<Leg> {
        let mut there = Leg::new(Hook::Forward, Act::Accept);
        let mut back = Leg { state: State::Established, ..there.clone() };
        match self.action {
            Action::Redirect => return Vec::new(),
            Action::Masquerade | Action::Snat => {
                (there.source, there.destination, there.output) = (some(self.from), some(self.to), self.device);
                (back.destination, back.source, back.input) = (some(self.from), some(self.to), self.device);
            }
            Action::Forward => {
                let target = self.addrs.map(|(target, _)| Prefix::host(target));
                let ports = self.new_ports.or(self.ports);
                (there.input, there.destination, there.ports) = (self.device, target, ports);
                there.state = State::Dnat;
                (back.output, back.source, back.source_ports) = (self.device, target, ports);
                (there.protocol, back.protocol) = (Some(self.protocol), Some(self.protocol));
            }
        }
        vec![there, back]
    }
}
