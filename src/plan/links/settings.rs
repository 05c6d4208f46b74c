//! Links that are there and stay: what of them is not as it is asked for.

use std::num::NonZeroU32;

use super::{ADDRGEN_NONE, Acts, Writer, has_mode, is_silent, mac_of, marked, number_of};
use crate::model::lab::Mark;
use crate::model::link::{Link, LinkChange, LinkId, LinkNumber};
use crate::model::name::printable;
use crate::model::neigh::mac_text;
use crate::model::op::Op;
use crate::model::plan::{Act, Difference, Sign};
use crate::model::topology::{LinkKind, LinkSpec, SettingValue};
use crate::plan::order::{self, Phase};
use crate::plan::{id, implied, kinds};

/// What a link has that nobody said anything else about.
const MTU: u32 = 1500;
const TXQUEUELEN: u32 = 1000;
/// `IP6_MAX_MTU`, what a VRF has.
const VRF_MTU: u32 = 65535 + 40;

/// What was found out about a link: what differs, the change of its properties, and whether it must be down for that.
#[derive(Default)]
struct Found {
    why: Vec<Difference>,
    to: LinkChange<'static>,
    must_rest: bool,
}

impl Found {
    #[inline(never)]
    fn differs(&mut self, what: &'static str, from: String, to: String) {
        self.why.push(Difference { what, from, to });
    }

    /// A number that is asked for, if another one is found.
    fn number(&mut self, what: &'static str, found: Option<u32>, wanted: Option<u32>) -> Option<u32> {
        let (found, wanted) = found.zip(wanted).filter(|(found, wanted)| found != wanted)?;
        self.differs(what, found.to_string(), wanted.to_string());
        Some(wanted)
    }
}

impl Writer<'_, '_> {
    pub fn keep(&mut self, place: usize, number: usize, found: usize) {
        let link = &self.ctx.found(place)[found];
        self.settings(place, number, link, Sign::Change);
    }

    /// What of a link that is there is not as it is asked for.
    pub fn settings(&mut self, place: usize, number: usize, link: &Link, sign: Sign) {
        let spec = self.ctx.spec(place, number);
        let Some(index) = NonZeroU32::new(link.index) else { return };
        let (id, device) = (id(place, index), spec.kind == LinkKind::Device);
        let mut found = Found::default();
        let mut marks = Acts::default();
        // The mark of `lo` is that of its namespace.
        if index != NonZeroU32::MIN {
            let wanted = (!device).then(|| self.ctx.mark(place, &spec.name));
            self.remark(Phase::Place(place, order::LINK), place, link, wanted, &mut marks);
            if !marks.0.is_empty() {
                found.why.push(marked(Mark::of(link), wanted));
            }
        }
        self.properties_of(place, number, link, device && marks.0.is_empty(), &mut found);
        let mut acts = Acts::default();
        let rests = found.must_rest && link.is_up();
        // One that gave its name away is down already.
        if rests && !self.ctx.fate(place, link.index).is_some_and(|fate| fate.evicted) {
            acts.up(Phase::Links, id, false);
        }
        if found.why.len() > usize::from(!marks.0.is_empty()) {
            acts.push(Phase::Links, place, Act::Op(Box::new(Op::ChangeLink(id, std::mem::take(&mut found.to)))));
        }
        acts.0.append(&mut marks.0);
        if !device {
            mode(id, spec, link, &mut found, &mut acts);
        }
        if spec.up != link.is_up() {
            let text = |up| (if up { "true" } else { "false" }).to_owned();
            found.differs("up", text(link.is_up()), text(spec.up));
        }
        if spec.up != link.is_up() || (rests && spec.up) {
            acts.up(Phase::Place(place, order::UP), id, spec.up);
        }
        self.object(Some(spec.at), sign, found.why, acts);
    }

    /// What one message can change. `foreign`: it is a device that does not bear our mark.
    fn properties_of(&self, place: usize, number: usize, link: &Link, foreign: bool, all: &mut Found) {
        let spec = self.ctx.spec(place, number);
        let device = spec.kind == LinkKind::Device;
        let own = || self.ctx.own(place, number);
        let group = if device { 0 } else { self.ctx.lab.group() };
        let group = all.number("group", link.group, (!foreign).then_some(group));
        if !device && link.name != spec.name.as_bytes() {
            (all.to.name, all.must_rest) = (Some(spec.name), true);
            all.differs("name", printable(&link.name), spec.name.to_string());
        }
        let mtu = number_of(spec, "mtu").or_else(|| self.default_mtu(place, spec, own()));
        all.to.mtu = all.number("mtu", link.mtu, mtu);
        let length = number_of(spec, "txqueuelen").or((!device).then_some(TXQUEUELEN));
        let length = all.number("txqueuelen", link.txqlen, length);
        let rows = [(LinkNumber::Group, group), (LinkNumber::TxQueueLength, length)];
        all.to.numbers.extend(rows.into_iter().filter_map(|(number, value)| Some((number, value?))));
        if !device && let Some(mac) = mac_of(spec).filter(|mac| Some(mac) != link.address.as_ref()) {
            // Those of the kernel's own drivers take a new one while they are up.
            all.must_rest |= spec.kind == LinkKind::Vrf;
            all.differs("mac", mac_text(link.address.as_deref().unwrap_or_default()), mac_text(&mac));
            all.to.address = Some(mac);
        }
        let found = link.alias.as_deref().filter(|alias| Mark::parse(alias).is_none());
        let alias = match spec.get("alias") {
            Some(SettingValue::Text(alias)) => Some(alias.as_bytes()),
            _ => found.and_then(|_| own()?.get("alias").map(|_| &b""[..])),
        };
        if let Some(alias) = alias.filter(|alias| *alias != found.unwrap_or_default()) {
            all.to.alias = Some(alias.to_vec());
            all.differs("alias", printable(found.unwrap_or_default()), printable(alias));
        }
        let master = self.master(place, spec);
        let leaves = spec.master.is_none() && (!device || own().is_some_and(|own| own.master.is_some()));
        let found = link.master.filter(|master| *master != 0);
        if found != master.map(|master| master.index.get()) && (master.is_some() || leaves) {
            all.to.master = Some(master);
            let none = || "none".to_owned();
            let from = found.map_or_else(none, |index| self.ctx.name_at(place, index));
            all.differs("master", from, spec.master.as_ref().map_or_else(none, |master| master.what.to_string()));
        }
        if device {
            return;
        }
        let mut arguments = Vec::new();
        for row in kinds::differences(spec, link) {
            let [from, to] = row.values;
            all.differs(row.key, from, to);
            arguments.extend(row.argument);
        }
        all.to.kind = kinds::change(spec.kind, arguments);
    }

    /// The MTU that a link has where the file says none: of its own, or, if it once was asked to have another one,
    /// that of the links that it depends on.
    fn default_mtu(&self, place: usize, spec: &LinkSpec, own: Option<&LinkSpec>) -> Option<u32> {
        match spec.kind {
            LinkKind::Veth | LinkKind::Peer | LinkKind::Dummy | LinkKind::Tap => return Some(MTU),
            LinkKind::Device => return None,
            _ => own?.get("mtu")?,
        };
        let of = |(place, number)| {
            let spec = self.ctx.spec(place, number);
            let found = self.ctx.target(place, number).found.and_then(|found| self.ctx.found(place)[found].mtu);
            number_of(spec, "mtu").or(found.filter(|_| spec.kind == LinkKind::Device)).unwrap_or(MTU)
        };
        match &spec.lower {
            _ if spec.kind == LinkKind::Vrf => Some(VRF_MTU),
            Some(lower) => {
                let mtu = self.ctx.find(lower.what.place, &lower.what.name).map(of);
                mtu.map(|mtu| mtu.saturating_sub(kinds::headroom(spec)))
            }
            None => {
                let links = self.ctx.topology.places[place].links.iter().enumerate();
                let ports = links.filter(|(_, port)| port.master.as_ref().is_some_and(|own| own.what == spec.name));
                ports.map(|(number, _)| of((place, number))).min().or(Some(MTU))
            }
        }
    }
}

/// How a link makes up its link-local address.
fn mode(id: LinkId, spec: &LinkSpec, link: &Link, found: &mut Found, acts: &mut Acts) {
    let (silent, place) = (is_silent(spec), id.ns as usize);
    match link.number(LinkNumber::AddrGenMode) {
        Some(mode) if silent && mode != ADDRGEN_NONE => {
            found.differs("addrgenmode", "eui64".to_owned(), "none".to_owned());
            acts.number(Phase::Place(place, order::LINK), id, LinkNumber::AddrGenMode, ADDRGEN_NONE);
        }
        Some(ADDRGEN_NONE) if !silent && !has_mode(spec, implied::WITHOUT) => {
            found.differs("addrgenmode", "none".to_owned(), "eui64".to_owned());
            // Unlike over netlink, an address is made at once.
            let name = ["net.ipv6.conf.", &spec.name.to_string().replace('.', "/"), ".addr_gen_mode"].concat();
            let act = Act::Sysctl { name, from: Some("1".to_owned()), to: "0".to_owned() };
            acts.push(Phase::Place(place, order::LINK_SYSCTL), place, act);
        }
        _ => {}
    }
}
