//! Links that are there and stay: what of them is not as it is asked for.

use std::num::NonZeroU32;

use super::{ADDRGEN_NONE, Acts, Writer, change, has_queue, is_silent, mac_of, marked, number_of, numbers, up};
use crate::model::lab::Mark;
use crate::model::link::{Link, LinkChange, LinkNumber};
use crate::model::name::printable;
use crate::model::neigh::mac_text;
use crate::model::plan::{Act, Difference, Sign};
use crate::model::topology::{LinkKind, LinkSpec, SettingValue};
use crate::plan::order::{self, Phase};
use crate::plan::{id, kinds};

/// What a link has that nobody said anything else about.
const MTU: u32 = 1500;
const TXQUEUELEN: u32 = 1000;

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
}
