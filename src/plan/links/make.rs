//! Links that are made, alone, in pairs, or in the stead of another one; devices that are moved.

use std::num::NonZeroU32;

use super::{ADDRGEN_NONE, Acts, Writer, is_silent, mac_of, number_of};
use crate::model::lab::Lab;
use crate::model::link::{KindName, Link, LinkChange, LinkFlags, LinkNumber, ListVerb, NewKind, NewLink, NewPeer};
use crate::model::name::IfName;
use crate::model::op::Op;
use crate::model::plan::{Act, MakeLink, Sign};
use crate::model::topology::{LinkKind, Origin, SettingValue};
use crate::plan::order::{self, Phase};
use crate::plan::{Target, id, kinds, spare};

/// `linux/if_tun.h`: flags of a tap device.
const IFF_MULTI_QUEUE: u16 = 0x100;
const IFF_NO_PI: u16 = 0x1000;
const IFF_VNET_HDR: u16 = 0x4000;

impl Writer<'_, '_> {
    /// What a link is told when it is made, besides its kind.
    fn properties(&self, place: usize, number: usize) -> LinkChange<'static> {
        let spec = self.ctx.spec(place, number);
        let mut numbers = vec![(LinkNumber::Group, self.ctx.lab.group())];
        if matches!(spec.kind, LinkKind::Veth | LinkKind::Peer) {
            // The kernel's default is one for each processor that there might be.
            numbers.extend([(LinkNumber::TxQueues, 1), (LinkNumber::RxQueues, 1)]);
        }
        numbers.extend(number_of(spec, "txqueuelen").map(|length| (LinkNumber::TxQueueLength, length)));
        LinkChange {
            name: Some(spec.name),
            mtu: number_of(spec, "mtu"),
            address: mac_of(spec),
            numbers,
            ..LinkChange::default()
        }
    }

    /// A hardware address for a bridge, locally administered: the same in every plan on this machine, and another one on
    /// any other. One that is told none takes the lowest of its ports', and another whenever ports come and go: what
    /// others know of it is wrong then.
    fn own_mac(&self, place: usize, name: &IfName) -> Vec<u8> {
        let (netns, link) = (self.ctx.place_name(place), name.as_bytes());
        let all = [self.ctx.known.machine.as_bytes(), self.ctx.lab.name().as_bytes(), b"/", netns, b"/", link].concat();
        let mark = Lab::new(&String::from_utf8_lossy(&all)).mark(netns, link);
        let ([a, b, c, d], [.., e, f]) = (mark.lab.to_be_bytes(), mark.path.to_be_bytes());
        vec![a & 0xfc | 2, b, c, d, e, f]
    }

    /// A name for a link that is made while the one in whose stead it is still has it.
    fn spare_name(&self, place: usize, number: usize) -> Option<IfName> {
        let (target, spec) = (self.ctx.target(place, number), self.ctx.spec(place, number));
        let old = &self.ctx.found(place)[target.old?];
        let has = old.name == spec.name.as_bytes() && !self.falls(place, old);
        spare(target.index?.get()).filter(|_| has)
    }

    /// Whether a link that is made anew is gone already: with the one that it stood on, or to free what it held.
    fn falls(&self, place: usize, old: &Link) -> bool {
        self.is_early(place, old) || self.is_on_anew(place, old) || self.is_on_early(place, old)
    }

    /// Whether a found link goes with the one that it stands on, which is made anew.
    fn is_on_anew(&self, place: usize, link: &Link) -> bool {
        let lower = self.ctx.lower(place, link).and_then(|(place, index)| self.ctx.fate(place, index));
        lower.is_some_and(|lower| lower.anew)
    }

    /// Whether a link that goes does so before any is made or changed: tags, tunnels and modes of kinds that are made are
    /// free for one link at a time, and what is received on a link goes to its master or to what is made on it
    /// (`netdev_rx_handler_register`).
    pub fn is_early(&self, place: usize, link: &Link) -> bool {
        let Some(kind) = kinds::kind_of(link) else { return false };
        let becomes_port = || {
            let (place, index) = self.ctx.lower(place, link)?;
            let number = self.ctx.wanted(place, index)?;
            self.ctx.spec(place, number).master.as_ref()
        };
        self.exclusive.contains(&kind)
            || matches!(kind, LinkKind::Macvlan | LinkKind::Ipvlan) && becomes_port().is_some()
    }

    /// Deletes the link in whose stead one is made.
    fn delete_old(&self, place: usize, target: Target, acts: &mut Acts) {
        let old = target.old.map(|old| &self.ctx.found(place)[old]).filter(|old| !self.falls(place, old));
        if let Some(index) = old.and_then(|old| NonZeroU32::new(old.index)) {
            acts.delete(Phase::Links, id(place, index));
        }
    }

    /// What comes behind the message that makes a link: its mark, and what that message cannot say.
    fn finish(&self, place: usize, number: usize, first: Phase, is_up: bool, acts: &mut Acts) {
        let spec = self.ctx.spec(place, number);
        let Some(index) = self.ctx.target(place, number).index else { return };
        let link = id(place, index);
        acts.mark(first, ListVerb::Add, link, self.ctx.mark(place, &spec.name));
        if is_silent(spec) {
            acts.number(first, link, LinkNumber::AddrGenMode, ADDRGEN_NONE);
        }
        if let Some(SettingValue::Text(alias)) = spec.get("alias") {
            acts.change(first, link, &|to| to.alias = Some(alias.clone().into_bytes()));
        }
        if spec.up && !is_up {
            acts.up(Phase::Place(place, order::UP), link, true);
        }
    }

    /// Writes down that links are made, or made anew, and why.
    fn made(&mut self, at: Origin, ends: &[(usize, usize)], acts: Acts) {
        let mut sign = Sign::Create;
        let mut why = Vec::new();
        for &(place, number) in ends {
            if let Some(old) = self.ctx.target(place, number).old.filter(|_| sign == Sign::Create) {
                (sign, why) = (Sign::Replace, self.ctx.fixed(place, number, old));
            }
        }
        self.object(Some(at), sign, why, acts);
    }

    /// Makes both ends of a pair.
    pub fn pair(&mut self, own: (usize, usize), twin: (usize, usize)) {
        let ctx = self.ctx;
        let has_master = |(place, number): (usize, usize)| ctx.spec(place, number).master.is_some();
        // The outer end, which goes up first and whose carrier follows that of the inner one.
        let swap = match (has_master(own), has_master(twin)) {
            (true, false) => false,
            (false, true) => true,
            _ => own.0 != 0 && twin.0 == 0,
        };
        let (outer, inner) = if swap { (twin, own) } else { (own, twin) };
        let (spec, other) = (ctx.spec(outer.0, outer.1), ctx.spec(inner.0, inner.1));
        let (target, inner_target) = (ctx.target(outer.0, outer.1), ctx.target(inner.0, inner.1));
        let (Some(index), Some(inner_index)) = (target.index, inner_target.index) else { return };
        let names = [self.spare_name(outer.0, outer.1), self.spare_name(inner.0, inner.1)];
        let renamed = names[0].is_some() || names[1].is_some();
        let mut first = self.properties(outer.0, outer.1);
        let mut second = self.properties(inner.0, inner.1);
        first.name = names[0].or(first.name);
        second.name = names[1].or(second.name);
        first.master = self.master(outer.0, spec).map(Some);
        // The other end is down: there is no carrier, and no link-local address before the mode says so.
        first.up = (spec.up && !renamed).then_some(true);
        let is_up = first.up.is_some();
        let peer = NewPeer { change: second, index: Some(inner_index) };
        let new = NewLink { change: first, index: Some(index), kind: NewKind::Veth { peer: Some(peer) } };
        let make = MakeLink { new, into: outer.0, peer_into: Some(inner.0) };
        let mut acts = Acts::of(Phase::Links, outer.0, Act::MakeLink(Box::new(make)));
        let mutual = target.old.zip(inner_target.old).is_some_and(|(old, other)| {
            let (old, other) = (&ctx.found(outer.0)[old], &ctx.found(inner.0)[other]);
            old.link == Some(other.index)
                && other.link == Some(old.index)
                && ctx.world.place_of(outer.0, old) == Some(inner.0)
        });
        self.delete_old(outer.0, target, &mut acts);
        if !mutual {
            self.delete_old(inner.0, inner_target, &mut acts);
        }
        for ((place, _), spec, index, spare) in [(outer, spec, index, names[0]), (inner, other, inner_index, names[1])]
        {
            if spare.is_some() {
                acts.rename(Phase::Links, id(place, index), spec.name);
            }
        }
        self.finish(outer.0, outer.1, Phase::Links, is_up, &mut acts);
        let phase = Phase::Place(inner.0, order::LINK);
        if let Some(master) = self.master(inner.0, other) {
            acts.master(phase, id(inner.0, inner_index), master);
        }
        self.finish(inner.0, inner.1, phase, false, &mut acts);
        self.made(ctx.spec(own.0, own.1).at, &[own, twin], acts);
    }

    /// Makes a link that is no pair.
    pub fn single(&mut self, place: usize, number: usize) {
        let (spec, target) = (self.ctx.spec(place, number), self.ctx.target(place, number));
        let Some(index) = target.index else { return };
        let lower = spec.lower.as_ref().and_then(|lower| self.ctx.link(lower.what.place, &lower.what.name));
        let socket = lower.map_or(place, |lower| lower.ns as usize);
        let spare = self.spare_name(place, number);
        let mut new = self.properties(place, number);
        new.name = spare.or(new.name);
        if spec.kind == LinkKind::Bridge && new.address.is_none() {
            new.address = Some(self.own_mac(place, &spec.name));
        }
        let is_vxlan = spec.kind == LinkKind::Vxlan;
        new.lower = lower.filter(|_| !is_vxlan);
        let master = self.master(place, spec);
        new.master = master.filter(|_| socket == place).map(Some);
        // What stands on another link goes up behind that. The mode must be said before a link is up.
        let alone = spec.up && lower.is_none();
        new.up = (alone && !is_silent(spec) && spare.is_none()).then_some(true);
        let is_up = new.up.is_some();
        let dev = lower.filter(|_| is_vxlan).map(|lower| lower.index.get());
        let kind = match (kinds::arguments(spec, dev), KindName::new(spec.kind.name().as_bytes())) {
            (Some(arguments), _) => NewKind::With(arguments),
            (None, Some(kind)) => NewKind::Plain(kind),
            (None, None) => return,
        };
        let new = NewLink { change: new, index: Some(index), kind };
        let make = MakeLink { new, into: place, peer_into: None };
        let mut acts = Acts::of(Phase::Links, socket, Act::MakeLink(Box::new(make)));
        self.delete_old(place, target, &mut acts);
        if spare.is_some() {
            acts.rename(Phase::Links, id(place, index), spec.name);
        }
        if let Some(master) = master.filter(|_| socket != place) {
            acts.master(Phase::Place(place, order::LINK), id(place, index), master);
        }
        self.finish(place, number, Phase::Links, is_up || alone, &mut acts);
        if alone && !is_up {
            acts.up(Phase::Links, id(place, index), true);
        }
        self.made(spec.at, &[(place, number)], acts);
    }

    /// Makes a tap device: a file is opened, then it is a link like others.
    pub fn tap(&mut self, place: usize, number: usize) {
        let (spec, target) = (self.ctx.spec(place, number), self.ctx.target(place, number));
        let Some(index) = target.index else { return };
        let flag = |key, bit| if spec.get(key) == Some(&SettingValue::Flag(true)) { bit } else { 0 };
        let spare = self.spare_name(place, number);
        let make = Act::MakeTap {
            index,
            name: spare.unwrap_or(spec.name),
            flags: flag("multi_queue", IFF_MULTI_QUEUE)
                | flag("vnet_hdr", IFF_VNET_HDR)
                | (IFF_NO_PI ^ flag("pi", IFF_NO_PI)),
            user: number_of(spec, "user"),
            group: number_of(spec, "group"),
        };
        let mut acts = Acts::of(Phase::Links, place, make);
        self.delete_old(place, target, &mut acts);
        let mut rest = self.properties(place, number);
        rest.name = spare.map(|_| spec.name);
        rest.master = self.master(place, spec).map(Some);
        acts.push(Phase::Links, place, Act::Op(Box::new(Op::ChangeLink(id(place, index), rest))));
        self.finish(place, number, Phase::Links, false, &mut acts);
        self.made(spec.at, &[(place, number)], acts);
    }

    /// Moves a device to its place. It is down there, and without a master.
    pub fn moved(&mut self, place: usize, number: usize) {
        let (spec, target) = (self.ctx.spec(place, number), self.ctx.target(place, number));
        let (Some((from, found)), Some(index)) = (target.from, target.index) else { return };
        let mut link = self.ctx.found(from)[found].clone();
        let Some((old, name)) = NonZeroU32::new(link.index).zip(IfName::new(&link.name)) else { return };
        let acts = Acts::of(Phase::Links, from, Act::MoveLink { index, link: id(from, old), name, to: place });
        self.object(Some(spec.at), Sign::Change, vec![self.moves(from, place)], acts);
        link.flags.remove(LinkFlags::UP);
        link.master = None;
        link.index = index.get();
        self.settings(place, number, &link, Sign::Part);
    }
}
