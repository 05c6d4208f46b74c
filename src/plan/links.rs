//! The steps of links and namespaces: made, made anew, changed in place, taken away.

use std::cell::Cell;
use std::num::NonZeroU32;

use super::order::{self, Phase};
use super::{Ctx, Fate, Target, id, implied, kinds};
use crate::model::index::Index;
use crate::model::lab::Mark;
use crate::model::link::{
    KindName, Link, LinkChange, LinkFlags, LinkId, LinkNumber, ListVerb, NewKind, NewLink, NewPeer,
};
use crate::model::name::{IfName, printable};
use crate::model::op::Op;
use crate::model::plan::{Act, Difference, MakeLink, Sign, Step};
use crate::model::topology::{LinkKind, LinkSpec, Origin, SettingValue};

/// What a link has that nobody said anything else about.
const MTU: u32 = 1500;
const TXQUEUELEN: u32 = 1000;
/// `IN6_ADDR_GEN_MODE_NONE`.
const ADDRGEN_NONE: u32 = 1;
/// `linux/if_tun.h`: flags of a tap device.
const IFF_MULTI_QUEUE: u16 = 0x100;
const IFF_NO_PI: u16 = 0x1000;
const IFF_VNET_HDR: u16 = 0x4000;

/// The steps of namespaces that are made and of links that are made or changed.
pub fn steps(ctx: &Ctx<'_>, order: &[(usize, usize)], out: &mut Vec<(Phase, Step)>) {
    let mut writer = Writer { ctx, out };
    for place in 1..ctx.places.len() {
        writer.netns(place);
    }
    for place in 0..ctx.places.len() {
        writer.evictions(place);
    }
    for &(place, number) in order {
        let twin = ctx.twin(ctx.spec(place, number));
        let kept = ctx.target(place, number).found;
        match (kept, ctx.spec(place, number).kind) {
            (Some(found), _) => {
                writer.keep(place, number, found);
                if let Some((place, number)) = twin
                    && let Some(found) = ctx.target(place, number).found
                {
                    writer.keep(place, number, found);
                }
            }
            (None, LinkKind::Device) => writer.moved(place, number),
            (None, LinkKind::Veth) => twin.into_iter().for_each(|twin| writer.pair((place, number), twin)),
            (None, LinkKind::Tap) => writer.tap(place, number),
            (None, _) => writer.single(place, number),
        }
    }
}

/// The steps of links and namespaces that are taken away.
pub fn removals(ctx: &Ctx<'_>, out: &mut Vec<(Phase, Step)>) {
    let veths = Veths::new(ctx);
    let mut writer = Writer { ctx, out };
    for &(place, number, index) in &ctx.returns {
        let link = &ctx.found(place)[number];
        if let (Some(old), Some(name)) = (NonZeroU32::new(link.index), IfName::new(&link.name)) {
            let act = Act::MoveLink { index, link: id(place, old), name, to: 0 };
            let mut step = writer.step(place, Origin::default(), act);
            step.why = vec![writer.moves(place, 0)];
            writer.push(Phase::After(order::REMOVE_LINK), Sign::Change, step);
        }
    }
    for place in 0..ctx.places.len() {
        writer.removals(place, &veths);
        if ctx.places[place].goes {
            let step = writer.step(place, ctx.topology.places[place].at, Act::DeleteNetns);
            writer.push(Phase::After(order::REMOVE_NETNS), Sign::Remove, step);
        }
    }
}

struct Writer<'c, 'a> {
    ctx: &'c Ctx<'a>,
    out: &'c mut Vec<(Phase, Step)>,
}

/// The acts of one object, each with its phase and its place; the first one of all stands for the object.
type Acts = Vec<(Phase, usize, Act)>;

fn change(link: LinkId, change: LinkChange<'static>) -> Act {
    Act::Op(Box::new(Op::ChangeLink(link, change)))
}

fn up(link: LinkId, up: bool) -> Act {
    change(link, LinkChange { up: Some(up), ..LinkChange::default() })
}

fn numbers(link: LinkId, number: LinkNumber, value: u32) -> Act {
    change(link, LinkChange { numbers: vec![(number, value)], ..LinkChange::default() })
}

fn rename(link: LinkId, name: IfName) -> Act {
    change(link, LinkChange { name: Some(name), ..LinkChange::default() })
}

fn mark(verb: ListVerb, link: LinkId, mark: Mark) -> Act {
    Act::Op(Box::new(Op::AltNames(verb, link, vec![mark.altname().into_bytes()])))
}

fn delete(link: LinkId) -> Act {
    Act::Op(Box::new(Op::DeleteLink(link)))
}

/// A name for the time until the right one is free.
fn spare(index: u32) -> Option<IfName> {
    IfName::new(format!("nst-{index:x}").as_bytes())
}

impl Writer<'_, '_> {
    fn step(&self, place: usize, at: Origin, act: Act) -> Step {
        Step { place, sign: Sign::Part, act, at: Some(at), why: Vec::new() }
    }

    fn push(&mut self, phase: Phase, sign: Sign, mut step: Step) {
        step.sign = sign;
        self.out.push((phase, step));
    }

    /// Writes the steps of an object down.
    fn object(&mut self, at: Origin, sign: Sign, mut why: Vec<Difference>, acts: Acts) {
        let mut sign = Some(sign);
        for (phase, place, act) in acts {
            let mut step = self.step(place, at, act);
            step.why = std::mem::take(&mut why);
            self.push(phase, sign.take().unwrap_or(Sign::Part), step);
        }
    }

    fn netns(&mut self, place: usize) {
        let (spot, at) = (&self.ctx.places[place], self.ctx.topology.places[place].at);
        if spot.new {
            let lo = id(place, NonZeroU32::MIN);
            let acts = vec![
                (Phase::Netns, place, Act::MakeNetns),
                (Phase::Place(place, order::LINK), place, mark(ListVerb::Add, lo, self.netns_mark(place))),
                (Phase::Place(place, order::LINK), place, up(lo, true)),
            ];
            self.object(at, Sign::Create, Vec::new(), acts);
            return;
        }
        let Some(lo) = self.ctx.seen(place, 1) else { return };
        let (lo, own) = (id(place, NonZeroU32::MIN), Mark::of(&self.ctx.found(place)[lo]));
        let wanted = Some(self.netns_mark(place)).filter(|_| spot.ours);
        if own != wanted {
            let mut acts = Acts::new();
            self.remark(place, lo, own, wanted, &mut acts);
            self.object(at, Sign::Change, vec![marked(own, wanted)], acts);
        }
    }

    fn netns_mark(&self, place: usize) -> Mark {
        self.ctx.lab.mark(self.ctx.place_name(place), b"lo")
    }

    /// Replaces a mark by another one. One that another lab has put on stays.
    fn remark(&self, place: usize, link: LinkId, old: Option<Mark>, new: Option<Mark>, acts: &mut Acts) {
        let mut add = |verb, mark_: Option<Mark>| {
            if let Some(mark_) = mark_.filter(|mark| self.ctx.lab.owns(*mark)) {
                acts.push((Phase::Place(place, order::LINK), place, mark(verb, link, mark_)));
            }
        };
        add(ListVerb::Delete, old);
        add(ListVerb::Add, new);
    }

    /// Links of ours that have the names of others.
    fn evictions(&mut self, place: usize) {
        for (number, fate) in self.ctx.places[place].fates.iter().enumerate() {
            let link = &self.ctx.found(place)[number];
            let Some(index) = NonZeroU32::new(link.index).filter(|_| fate.evicted) else { continue };
            let mut acts = Acts::new();
            if link.is_up() {
                acts.push((Phase::Evict, place, up(id(place, index), false)));
            }
            if let Some(name) = spare(link.index) {
                acts.push((Phase::Evict, place, rename(id(place, index), name)));
            }
            self.object(Origin::default(), Sign::Part, Vec::new(), acts);
        }
    }

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

    fn master(&self, place: usize, spec: &LinkSpec) -> Option<LinkId> {
        self.ctx.link(place, &spec.master.as_ref()?.what)
    }

    /// A name for a link that is made while the one in whose stead it is still has it.
    fn spare_name(&self, place: usize, number: usize) -> Option<IfName> {
        let (target, spec) = (self.ctx.target(place, number), self.ctx.spec(place, number));
        let old = &self.ctx.found(place)[target.old?];
        let has = old.name == spec.name.as_bytes() && !self.falls(place, old);
        spare(target.index?.get()).filter(|_| has)
    }

    /// Whether a link that is made anew is gone already with the one that it stood on.
    fn falls(&self, place: usize, old: &Link) -> bool {
        let lower =
            kinds::lower(old).and_then(|(index, elsewhere)| self.ctx.fate(if elsewhere { 0 } else { place }, index));
        lower.is_some_and(|lower| lower.anew)
    }

    /// Deletes the link in whose stead one is made.
    fn delete_old(&self, place: usize, target: Target, acts: &mut Acts) {
        let old = target.old.map(|old| &self.ctx.found(place)[old]).filter(|old| !self.falls(place, old));
        if let Some(index) = old.and_then(|old| NonZeroU32::new(old.index)) {
            acts.push((Phase::Links, place, delete(id(place, index))));
        }
    }

    /// What comes behind the message that makes a link: its mark, and what that message cannot say.
    fn finish(&self, place: usize, number: usize, first: Phase, is_up: bool, acts: &mut Acts) {
        let spec = self.ctx.spec(place, number);
        let Some(index) = self.ctx.target(place, number).index else { return };
        let link = id(place, index);
        acts.push((first, place, mark(ListVerb::Add, link, self.ctx.mark(place, &spec.name))));
        if is_silent(spec) {
            acts.push((first, place, numbers(link, LinkNumber::AddrGenMode, ADDRGEN_NONE)));
        }
        if let Some(SettingValue::Text(alias)) = spec.get("alias") {
            let alias = Some(alias.clone().into_bytes());
            acts.push((first, place, change(link, LinkChange { alias, ..LinkChange::default() })));
        }
        if spec.up && !is_up {
            acts.push((Phase::Place(place, order::UP), place, up(link, true)));
        }
    }

    fn sign(&self, place: usize, number: usize) -> Sign {
        if self.ctx.target(place, number).old.is_some() { Sign::Replace } else { Sign::Create }
    }

    /// Makes both ends of a pair.
    fn pair(&mut self, own: (usize, usize), twin: (usize, usize)) {
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
        let mut acts = vec![(Phase::Links, outer.0, Act::MakeLink(Box::new(make)))];
        let mutual = target.old.zip(inner_target.old).is_some_and(|(old, other)| {
            let (old, other) = (&ctx.found(outer.0)[old], &ctx.found(inner.0)[other]);
            old.link == Some(other.index) && other.link == Some(old.index)
        });
        self.delete_old(outer.0, target, &mut acts);
        if !mutual {
            self.delete_old(inner.0, inner_target, &mut acts);
        }
        for ((place, _), spec, index, spare) in [(outer, spec, index, names[0]), (inner, other, inner_index, names[1])]
        {
            if spare.is_some() {
                acts.push((Phase::Links, place, rename(id(place, index), spec.name)));
            }
        }
        self.finish(outer.0, outer.1, Phase::Links, is_up, &mut acts);
        let phase = Phase::Place(inner.0, order::LINK);
        if let Some(master) = self.master(inner.0, other) {
            let master = LinkChange { master: Some(Some(master)), ..LinkChange::default() };
            acts.push((phase, inner.0, change(id(inner.0, inner_index), master)));
        }
        self.finish(inner.0, inner.1, phase, false, &mut acts);
        let sign = if inner_target.old.is_some() { Sign::Replace } else { self.sign(outer.0, outer.1) };
        let at = ctx.spec(own.0, own.1).at;
        self.object(at, sign, Vec::new(), acts);
    }

    /// Makes a link that is no pair.
    fn single(&mut self, place: usize, number: usize) {
        let (spec, target) = (self.ctx.spec(place, number), self.ctx.target(place, number));
        let Some(index) = target.index else { return };
        let lower = spec.lower.as_ref().and_then(|lower| self.ctx.link(lower.what.place, &lower.what.name));
        let socket = lower.map_or(place, |lower| lower.ns as usize);
        let spare = self.spare_name(place, number);
        let mut new = self.properties(place, number);
        new.name = spare.or(new.name);
        let is_vxlan = spec.kind == LinkKind::Vxlan;
        new.lower = lower.filter(|_| !is_vxlan);
        let master = self.master(place, spec);
        new.master = master.filter(|_| socket == place).map(Some);
        // A bridge without ports has no carrier; a VLAN goes up behind the link that it is made on.
        let at_once = spec.kind == LinkKind::Bridge || (lower.is_none() && !is_silent(spec));
        new.up = (spec.up && at_once && spare.is_none()).then_some(true);
        let is_up = new.up.is_some();
        let dev = lower.filter(|_| is_vxlan).map(|lower| lower.index.get());
        let kind = match (kinds::arguments(spec, dev), KindName::new(spec.kind.name().as_bytes())) {
            (Some(arguments), _) => NewKind::With(arguments),
            (None, Some(kind)) => NewKind::Plain(kind),
            (None, None) => return,
        };
        let make = MakeLink { new: NewLink { change: new, index: Some(index), kind }, into: place, peer_into: None };
        let mut acts = vec![(Phase::Links, socket, Act::MakeLink(Box::new(make)))];
        self.delete_old(place, target, &mut acts);
        if spare.is_some() {
            acts.push((Phase::Links, place, rename(id(place, index), spec.name)));
        }
        if let Some(master) = master.filter(|_| socket != place) {
            let master = LinkChange { master: Some(Some(master)), ..LinkChange::default() };
            acts.push((Phase::Place(place, order::LINK), place, change(id(place, index), master)));
        }
        self.finish(place, number, Phase::Links, is_up, &mut acts);
        self.object(spec.at, self.sign(place, number), Vec::new(), acts);
    }

    /// Makes a tap device: a file is opened, then it is a link like others.
    fn tap(&mut self, place: usize, number: usize) {
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
        let mut acts = vec![(Phase::Links, place, make)];
        self.delete_old(place, target, &mut acts);
        let mut rest = self.properties(place, number);
        rest.name = spare.map(|_| spec.name);
        rest.master = self.master(place, spec).map(Some);
        acts.push((Phase::Links, place, change(id(place, index), rest)));
        self.finish(place, number, Phase::Links, false, &mut acts);
        self.object(spec.at, self.sign(place, number), Vec::new(), acts);
    }

    /// Moves a device to its place. It is down there, and without a master.
    fn moved(&mut self, place: usize, number: usize) {
        let (spec, target) = (self.ctx.spec(place, number), self.ctx.target(place, number));
        let (Some((from, found)), Some(index)) = (target.from, target.index) else { return };
        let mut link = self.ctx.found(from)[found].clone();
        let Some((old, name)) = NonZeroU32::new(link.index).zip(IfName::new(&link.name)) else { return };
        let acts = vec![(Phase::Links, from, Act::MoveLink { index, link: id(from, old), name, to: place })];
        self.object(spec.at, Sign::Change, vec![self.moves(from, place)], acts);
        link.flags.remove(LinkFlags::UP);
        link.master = None;
        link.index = index.get();
        self.settings(place, number, &link, Sign::Part);
    }

    fn moves(&self, from: usize, to: usize) -> Difference {
        let name = |place| if place == 0 { "the host".to_owned() } else { printable(self.ctx.place_name(place)) };
        Difference { what: "netns", from: name(from), to: name(to) }
    }

    fn keep(&mut self, place: usize, number: usize, found: usize) {
        let link = &self.ctx.found(place)[found];
        self.settings(place, number, link, Sign::Change);
    }

    /// What of a link that is there is not as it is asked for.
    fn settings(&mut self, place: usize, number: usize, link: &Link, sign: Sign) {
        let spec = self.ctx.spec(place, number);
        let Some(index) = NonZeroU32::new(link.index) else { return };
        let (id, device) = (id(place, index), spec.kind == LinkKind::Device);
        let own = || self.ctx.own(place, number);
        let (mut why, mut to) = (Vec::new(), LinkChange::default());
        let (mut acts, mut marks) = (Acts::new(), Acts::new());
        let mut differs = |what, from: String, to: String| why.push(Difference { what, from, to });
        let mut must_rest = false;
        let (old, wanted) = (Mark::of(link), (!device).then(|| self.ctx.mark(place, &spec.name)));
        let owned = old.is_some_and(|old| self.ctx.lab.owns(old)) && index != NonZeroU32::MIN;
        if old != wanted && (owned || !device) {
            self.remark(place, id, old, wanted, &mut marks);
            let marked = marked(old, wanted);
            differs(marked.what, marked.from, marked.to);
        }
        let group = if device { 0 } else { self.ctx.lab.group() };
        if (owned || !device) && link.group.is_some_and(|found| found != group) {
            to.numbers.push((LinkNumber::Group, group));
            differs("group", link.group.unwrap_or(0).to_string(), group.to_string());
        }
        if !device && link.name != spec.name.as_bytes() {
            (to.name, must_rest) = (Some(spec.name), true);
            differs("name", printable(&link.name), spec.name.to_string());
        }
        let mtu = number_of(spec, "mtu").or_else(|| self.default_mtu(place, spec, own));
        if let (Some(mtu), Some(found)) = (mtu, link.mtu)
            && mtu != found
        {
            to.mtu = Some(mtu);
            differs("mtu", found.to_string(), mtu.to_string());
        }
        let length = number_of(spec, "txqueuelen").or(has_queue(spec.kind).then_some(TXQUEUELEN));
        if let (Some(length), Some(found)) = (length, link.txqlen)
            && length != found
        {
            to.numbers.push((LinkNumber::TxQueueLength, length));
            differs("txqueuelen", found.to_string(), length.to_string());
        }
        if !device && let Some(mac) = mac_of(spec).filter(|mac| Some(mac) != link.address.as_ref()) {
            // Those of the kernel's own drivers take a new one while they are up.
            must_rest |= spec.kind == LinkKind::Vrf;
            differs("mac", mac_text(link.address.as_deref().unwrap_or_default()), mac_text(&mac));
            to.address = Some(mac);
        }
        let found = link.alias.as_deref().filter(|alias| Mark::parse(alias).is_none());
        let alias = match spec.get("alias") {
            Some(SettingValue::Text(alias)) => Some(alias.as_bytes()),
            _ => found.and_then(|_| own()?.get("alias").map(|_| &b""[..])),
        };
        if let Some(alias) = alias.filter(|alias| *alias != found.unwrap_or_default()) {
            to.alias = Some(alias.to_vec());
            differs("alias", printable(found.unwrap_or_default()), printable(alias));
        }
        let master = self.master(place, spec);
        let leaves = spec.master.is_none() && (!device || own().is_some_and(|own| own.master.is_some()));
        let found = link.master.filter(|master| *master != 0);
        if found != master.map(|master| master.index.get()) && (master.is_some() || leaves) {
            to.master = Some(master);
            let name = |index: Option<u32>| self.name_of(place, index);
            differs(
                "master",
                name(found),
                spec.master.as_ref().map_or_else(|| name(None), |master| master.what.to_string()),
            );
        }
        if !device {
            let rows = kinds::differences(spec, link);
            let arguments = rows.into_iter().filter_map(|row| {
                let [from, to] = row.values;
                differs(row.key, from, to);
                row.argument
            });
            to.kind = kinds::change(spec.kind, arguments.collect());
        }
        let changes = to.name.is_some()
            || to.mtu.is_some()
            || to.address.is_some()
            || to.alias.is_some()
            || to.master.is_some()
            || to.kind.is_some()
            || !to.numbers.is_empty();
        let rests = must_rest && link.is_up();
        if rests {
            acts.push((Phase::Links, place, up(id, false)));
        }
        if changes {
            acts.push((Phase::Links, place, change(id, to)));
        }
        acts.append(&mut marks);
        let mode = link.number(LinkNumber::AddrGenMode).filter(|_| !device);
        match mode {
            Some(mode) if is_silent(spec) && mode != ADDRGEN_NONE => {
                differs("addrgenmode", "eui64".to_owned(), "none".to_owned());
                acts.push((
                    Phase::Place(place, order::LINK),
                    place,
                    numbers(id, LinkNumber::AddrGenMode, ADDRGEN_NONE),
                ));
            }
            Some(ADDRGEN_NONE) if !is_silent(spec) => {
                differs("addrgenmode", "none".to_owned(), "eui64".to_owned());
                // Unlike over netlink, an address is made at once.
                let name = ["net.ipv6.conf.", &spec.name.to_string().replace('.', "/"), ".addr_gen_mode"].concat();
                let act = Act::Sysctl { name, from: Some("1".to_owned()), to: "0".to_owned() };
                acts.push((Phase::Place(place, order::LINK_SYSCTL), place, act));
            }
            _ => {}
        }
        if spec.up != link.is_up() {
            let text = |up| (if up { "true" } else { "false" }).to_owned();
            differs("up", text(link.is_up()), text(spec.up));
        }
        if spec.up != link.is_up() || (rests && spec.up) {
            acts.push((Phase::Place(place, order::UP), place, up(id, spec.up)));
        }
        // `lo` of a namespace that is made goes up with it.
        self.object(spec.at, sign, why, acts);
    }

    fn name_of(&self, place: usize, index: Option<u32>) -> String {
        let Some(index) = index else { return "none".to_owned() };
        let found = self.ctx.seen(place, index).map(|number| &self.ctx.found(place)[number]);
        found.map_or_else(|| ["if", &index.to_string()].concat(), |link| printable(&link.name))
    }

    /// The MTU that a link has where the file says none: of its own, or, if it once was asked to have another one,
    /// that of the links that it depends on.
    fn default_mtu<'o>(&self, place: usize, spec: &LinkSpec, own: impl Fn() -> Option<&'o LinkSpec>) -> Option<u32> {
        match spec.kind {
            LinkKind::Veth | LinkKind::Peer | LinkKind::Dummy | LinkKind::Tap => return Some(MTU),
            LinkKind::Device | LinkKind::Vrf => return None,
            _ => own()?.get("mtu")?,
        };
        let of = |(place, number)| {
            let spec = self.ctx.spec(place, number);
            let found = self.ctx.target(place, number).found.and_then(|found| self.ctx.found(place)[found].mtu);
            number_of(spec, "mtu").or(found.filter(|_| spec.kind == LinkKind::Device)).unwrap_or(MTU)
        };
        match &spec.lower {
            Some(lower) => {
                let tunnel = if spec.kind == LinkKind::Vxlan { 70 } else { 0 };
                self.ctx.find(lower.what.place, &lower.what.name).map(of).map(|mtu| (mtu - tunnel).min(MTU))
            }
            None => {
                let links = self.ctx.topology.places[place].links.iter().enumerate();
                let ports = links.filter(|(_, port)| port.master.as_ref().is_some_and(|own| own.what == spec.name));
                ports.map(|(number, _)| of((place, number))).min().or(Some(MTU))
            }
        }
    }

    /// Links that go: all at once where nothing else is in their group.
    fn removals(&mut self, place: usize, veths: &Veths) {
        let ctx = self.ctx;
        let (spot, links, group) = (&ctx.places[place], ctx.found(place), ctx.lab.group());
        if spot.goes {
            return;
        }
        let going: Vec<usize> = (0..links.len()).filter(|number| leaves(spot.fates[*number])).collect();
        let all = going.iter().all(|number| links[*number].group == Some(group));
        let mut rest = links.iter().zip(&spot.fates).filter(|(link, fate)| link.group == Some(group) && !fate.goes);
        let mut targets = spot.targets.iter().zip(&ctx.topology.places[place].links);
        let made = targets.any(|(target, spec)| spec.kind != LinkKind::Device && target.index.is_some());
        let alone = all && !made && rest.next().is_none();
        let falls = |number: &usize| {
            let link = &links[*number];
            // What stands on a link goes with it, and so does the other end of a pair.
            let lower = kinds::lower(link).and_then(|lower| ctx.fate(if lower.1 { 0 } else { place }, lower.0));
            veths.is_second(place, link) || lower.is_some_and(|lower| lower.anew || leaves(*lower))
        };
        let messages: Vec<usize> = going.into_iter().filter(|number| !falls(number)).collect();
        if messages.len() > 1 && alone {
            let step = self.step(place, Origin::default(), Act::Op(Box::new(Op::DeleteGroup(group))));
            self.push(Phase::After(order::REMOVE_LINK), Sign::Remove, step);
            return;
        }
        for index in messages.into_iter().filter_map(|number| NonZeroU32::new(links[number].index)) {
            let step = self.step(place, Origin::default(), delete(id(place, index)));
            self.push(Phase::After(order::REMOVE_LINK), Sign::Remove, step);
        }
    }
}

/// Whether a found link is taken away by a message at the end.
fn leaves(fate: Fate) -> bool {
    fate.ours && fate.goes && !fate.anew
}

/// Veths that are taken away.
#[derive(Default)]
struct Veths {
    list: Vec<Veth>,
    index: Index,
}

/// One of them, with its own index, that of its peer, its place, and whether it goes before others.
struct Veth {
    own: u32,
    peer: u32,
    place: usize,
    first: bool,
}

impl Veths {
    fn new(ctx: &Ctx<'_>) -> Self {
        let mut veths = Veths::default();
        for (place, spot) in ctx.places.iter().enumerate().filter(|(_, spot)| !spot.goes) {
            for (link, fate) in ctx.found(place).iter().zip(&spot.fates) {
                if let Some(peer) = peer(link).filter(|_| fate.anew || leaves(*fate)) {
                    veths.index.insert(&key(link.index, peer), veths.list.len());
                    veths.list.push(Veth { own: link.index, peer, place, first: fate.anew });
                }
            }
        }
        veths
    }

    /// Whether a veth goes with its other end, which a message before takes away. Where it cannot be told which one
    /// that is, for the numbers of links are those of a namespace, each gets a message.
    fn is_second(&self, place: usize, link: &Link) -> bool {
        let Some(peer) = peer(link) else { return false };
        let (count, first) = (Cell::new(0), Cell::new(false));
        self.index.find(&key(peer, link.index), |number| {
            let veth = &self.list[number];
            let near = (veth.place == place) == link.link_netnsid.is_none();
            if (veth.own, veth.peer) == (peer, link.index) && near {
                count.set(count.get() + 1);
                first.set(veth.first || (veth.place, veth.own) < (place, link.index));
            }
            false
        });
        count.get() == 1 && first.get()
    }
}

fn peer(link: &Link) -> Option<u32> {
    link.link.filter(|_| link.kind.as_deref() == Some(b"veth"))
}

fn key(own: u32, peer: u32) -> [u8; 8] {
    (u64::from(own) << 32 | u64::from(peer)).to_ne_bytes()
}

fn is_silent(spec: &LinkSpec) -> bool {
    spec.get(implied::QUIET).is_some()
}

fn has_queue(kind: LinkKind) -> bool {
    !matches!(kind, LinkKind::Device | LinkKind::Vrf | LinkKind::Tap)
}

fn number_of(spec: &LinkSpec, key: &str) -> Option<u32> {
    spec.number(key).and_then(|number| u32::try_from(number).ok())
}

fn mac_of(spec: &LinkSpec) -> Option<Vec<u8>> {
    match spec.get("mac") {
        Some(SettingValue::Mac(mac)) => Some(mac.to_vec()),
        _ => None,
    }
}

fn mac_text(mac: &[u8]) -> String {
    let bytes: Vec<String> = mac.iter().map(|byte| format!("{byte:02x}")).collect();
    bytes.join(":")
}

fn marked(from: Option<Mark>, to: Option<Mark>) -> Difference {
    let text = |mark: Option<Mark>| mark.map_or_else(|| "none".to_owned(), Mark::altname);
    Difference { what: "mark", from: text(from), to: text(to) }
}
