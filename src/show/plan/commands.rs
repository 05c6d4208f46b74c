//! A plan as lines for `sh`: the commands of iproute2, procps and nftables that do the same, in the same order.

use super::View;
use super::kind;
use super::names::Names;
use super::nft;
use super::shell::Script;
use super::thing::{route_words, rule_words, vlan_words};
use crate::file::words::{address, neigh};
use crate::model::addr::AddrVerb;
use crate::model::ip::Family;
use crate::model::link::{LinkChange, LinkId, LinkNumber, ListVerb, NewKind};
use crate::model::name::IfName;
use crate::model::neigh::NeighVerb;
use crate::model::op::Op;
use crate::model::plan::{Act, MakeLink, Sign};
use crate::model::port::{AT_MASTER, AT_SELF};
use crate::model::route::RouteVerb;
use crate::model::rtnames::{NameSet, named};
use crate::model::rule::RULE_PROTOCOL;
use crate::model::topology::NeighSpec;
use crate::model::world::Presence;
use crate::show::link::{ADDR_GEN_MODES, hardware_address};

/// The host, where a command in another namespace names it: that of the shell.
const HOST: &str = "$$";

/// The lines.
pub fn commands(view: &View<'_>) -> Vec<u8> {
    let mut lines = Lines {
        names: Names::found(view.plan, view.world),
        script: Script::default(),
        table: ["netstrap-", view.plan.lab.name()].concat(),
    };
    lines.script.raw("set -e\n");
    for step in &view.plan.steps {
        lines.act(step.place, &step.act);
        let takes_away = match &step.act {
            Act::Op(op) => step.sign == Sign::Remove || matches!(op.as_ref(), Op::DeleteLink(_)),
            _ => false,
        };
        if takes_away && lines.script.out.pop().is_some() {
            // What it was on may have taken it along.
            lines.script.raw(" || :\n");
        }
    }
    lines.script.out
}

struct Lines<'a> {
    names: Names<'a>,
    script: Script,
    /// Name of the tables of translations.
    table: String,
}

impl Lines<'_> {
    /// Begins a command of iproute2 in a place.
    fn tool(&mut self, tool: &str, place: usize) {
        self.script.words(tool);
        if let Some(name) = self.names.place(place) {
            self.script.words("-n");
            self.script.word(name);
        }
    }

    fn ip(&mut self, place: usize, words: &str) {
        self.tool("ip", place);
        self.script.words(words);
    }

    /// Begins a command of another tool in a place.
    fn within(&mut self, place: usize, words: &str) {
        if let Some(name) = self.names.place(place) {
            self.script.words("ip netns exec");
            self.script.word(name);
        }
        self.script.words(words);
    }

    fn device(&mut self, link: LinkId) {
        let name = self.names.get(link);
        self.script.words("dev");
        self.script.word(&name);
    }

    /// `netns NAME`, of another place.
    fn netns(&mut self, place: usize) {
        self.script.words("netns");
        match self.names.place(place) {
            Some(name) => self.script.word(name),
            None => {
                self.script.raw(" ");
                self.script.raw(HOST);
            }
        }
    }

    fn act(&mut self, place: usize, act: &Act) {
        let name = self.names.place(place).unwrap_or_default();
        match act {
            Act::MakeNetns => {
                if self.names.world.places.get(place).is_some_and(|seen| seen.presence == Presence::Leftover) {
                    self.script.words("rm");
                    self.script.word(&[b"/run/netns/", name].concat());
                    self.script.end();
                }
                self.script.words("ip netns add");
                self.script.word(name);
            }
            Act::DeleteNetns => {
                self.script.words("ip netns delete");
                self.script.word(name);
            }
            Act::MakeLink(make) => self.make(place, make),
            Act::MakeTap { index, name, flags, user, group } => {
                self.ip(place, "tuntap add");
                self.named("dev", Some(*name));
                self.script.words("mode tap");
                for (id, word) in [(user, "user"), (group, "group")] {
                    if let Some(id) = id {
                        self.script.count(word, *id);
                    }
                }
                for (bit, is_set, word) in TAP {
                    if (flags & bit != 0) == *is_set {
                        self.script.words(word);
                    }
                }
                let ns = u32::try_from(place).unwrap_or(0);
                self.names.set(LinkId { ns, index: *index }, *name);
            }
            Act::MoveLink { index, link, name, to } => {
                self.ip(place, "link set");
                self.device(*link);
                self.netns(*to);
                self.named("name", Some(*name).filter(|name| name.as_bytes() != &*self.names.get(*link)));
                let ns = u32::try_from(*to).unwrap_or(0);
                self.names.set(LinkId { ns, index: *index }, *name);
            }
            Act::Op(op) => self.op(place, op),
            Act::Sysctl { name, to, .. } => {
                self.within(place, "sysctl -qw");
                self.script.word([name, "=", to].concat().as_bytes());
            }
            Act::Translations(list) => {
                self.within(place, "nft -f -");
                let seen = self.names.world.places.get(place);
                let (found, foreign) = seen.map_or((&[][..], false), |seen| (&seen.translations, seen.foreign_rules));
                self.script.here(&nft::tables(list, found, foreign, &self.table));
                return;
            }
            Act::File { file, text } => {
                let path = file.path(name);
                let folder = path.len() - file.name().len() - 1;
                match text {
                    Some(text) => {
                        self.script.words("mkdir -p");
                        self.script.word(&path[..folder]);
                        self.script.end();
                        self.script.words("cat");
                        self.script.raw(" >");
                        self.script.word(&path);
                        self.script.here(text);
                        return;
                    }
                    None => {
                        self.script.words("rm");
                        self.script.word(&path);
                    }
                }
            }
        }
        self.script.end();
    }

    /// A keyword and a name, if there is one.
    fn named(&mut self, word: &str, name: Option<IfName>) {
        if let Some(name) = name {
            self.script.words(word);
            self.script.word(name.as_bytes());
        }
    }

    fn make(&mut self, place: usize, make: &MakeLink) {
        let new = &make.new;
        self.ip(place, "link add");
        if let Some(lower) = new.change.lower {
            let name = self.names.get(lower);
            self.script.words("link");
            self.script.word(&name);
        }
        self.named("name", new.change.name);
        if make.into != place {
            self.netns(make.into);
        }
        self.change(&new.change);
        self.script.words("type");
        self.script.words(new.kind_name());
        if let NewKind::With(kind) | NewKind::Pair(kind, _) = &new.kind {
            kind::words(&mut self.script, kind, u32::try_from(place).unwrap_or(0), &self.names);
        }
        if let NewKind::Veth { peer: Some(peer) } | NewKind::Pair(_, peer) = &new.kind {
            self.script.words("peer");
            self.named("name", peer.change.name);
            if let Some(into) = make.peer_into.filter(|into| *into != place) {
                self.netns(into);
            }
            self.change(&peer.change);
        }
        let mut set = |place: usize, index: Option<std::num::NonZeroU32>, name: Option<IfName>| {
            if let (Ok(ns), Some(index), Some(name)) = (u32::try_from(place), index, name) {
                self.names.set(LinkId { ns, index }, name);
            }
        };
        set(make.into, new.index, new.change.name);
        if let NewKind::Veth { peer: Some(peer) } | NewKind::Pair(_, peer) = &new.kind {
            set(make.peer_into.unwrap_or(make.into), peer.index, peer.change.name);
        }
    }

    /// Properties of a link, but for its name.
    fn change(&mut self, change: &LinkChange<'_>) {
        if let Some(address) = &change.address {
            self.script.words("address");
            self.script.words(&hardware_address(address, 1));
        }
        if let Some(mtu) = change.mtu {
            self.script.count("mtu", mtu);
        }
        for (number, value) in &change.numbers {
            match number {
                LinkNumber::AddrGenMode => {
                    self.script.words("addrgenmode");
                    let mut modes = ADDR_GEN_MODES.split(' ');
                    self.script.words(usize::try_from(*value).ok().and_then(|at| modes.nth(at)).unwrap_or_default());
                }
                LinkNumber::TxQueueLength => self.script.count("txqueuelen", *value),
                LinkNumber::Group => self.script.count("group", *value),
                LinkNumber::TxQueues => self.script.count("numtxqueues", *value),
                LinkNumber::RxQueues => self.script.count("numrxqueues", *value),
                _ => {}
            }
        }
        if let Some(alias) = &change.alias {
            self.script.words("alias");
            self.script.word(alias);
        }
        match change.master {
            Some(Some(master)) => {
                let name = self.names.get(master);
                self.script.words("master");
                self.script.word(&name);
            }
            Some(None) => self.script.words("nomaster"),
            None => {}
        }
        if let Some(up) = change.up {
            self.script.words(if up { "up" } else { "down" });
        }
    }

    fn op(&mut self, place: usize, op: &Op<'_>) {
        match op {
            Op::ChangeLink(link, change) => {
                self.ip(place, "link set");
                self.device(*link);
                self.named("name", change.name);
                self.change(change);
                if let Some(kind) = &change.kind {
                    self.script.words("type");
                    self.script.word(kind.kind.as_bytes());
                    kind::words(&mut self.script, kind, link.ns, &self.names);
                }
                if let Some(name) = change.name {
                    self.names.set(*link, name);
                }
            }
            Op::DeleteLink(link) => {
                self.ip(place, "link delete");
                self.device(*link);
            }
            Op::DeleteGroup(group) => {
                self.ip(place, "link delete");
                self.script.count("group", *group);
            }
            Op::AltNames(verb, link, list) => {
                self.ip(place, if *verb == ListVerb::Add { "link property add" } else { "link property del" });
                self.device(*link);
                for name in list {
                    self.script.words("altname");
                    self.script.word(name);
                }
            }
            Op::Addr(verb, link, addr) => {
                self.ip(
                    place,
                    match verb {
                        AddrVerb::Delete => "address delete",
                        AddrVerb::Replace => "address replace",
                        _ => "address add",
                    },
                );
                self.script.words(&address::text(addr));
                self.device(*link);
            }
            Op::Route(verb, route) => {
                let words = route_words(route, &self.names);
                // By the gateway alone `ip` would take it for a route of the other family.
                self.tool(if words.contains(" inet6 ") { "ip -4" } else { "ip" }, place);
                self.script.words(match verb {
                    RouteVerb::Delete => "route delete",
                    RouteVerb::Replace => "route replace",
                    RouteVerb::Prepend => "route prepend",
                    _ => "route add",
                });
                // Next hops come last.
                let (words, hops) = words.split_at(words.find(" nexthop ").unwrap_or(words.len()));
                self.script.words(words);
                self.protocol(route.protocol.into());
                self.script.words(hops);
            }
            Op::Neigh(verb, neigh) => {
                let is_taken = *verb == NeighVerb::Delete;
                self.ip(place, if is_taken { "neighbour delete" } else { "neighbour replace" });
                if let Some(device) = neigh.device.and_then(|device| IfName::new(&self.names.get(device))) {
                    self.script.words(&neigh::text(&NeighSpec { neigh: neigh.clone(), device }));
                }
                self.protocol(neigh.protocol.into());
            }
            Op::Rule { delete, rule } => {
                self.tool(if rule.family == Family::V6 { "ip -6" } else { "ip" }, place);
                self.script.words(if *delete { "rule delete" } else { "rule add" });
                self.script.words(&rule_words(rule));
                self.protocol(rule.get(RULE_PROTOCOL).unwrap_or(0));
            }
            Op::BridgeVlan(change) => {
                self.tool("bridge", place);
                self.script.words(if change.delete { "vlan delete" } else { "vlan add" });
                self.script.words(&vlan_words(change, &self.names));
                for (side, word) in [(AT_SELF, "self"), (AT_MASTER, "master")] {
                    if change.side & side != 0 {
                        self.script.words(word);
                    }
                }
            }
            // No plan has others.
            _ => {}
        }
    }

    fn protocol(&mut self, number: u32) {
        if number != 0 {
            self.script.words("protocol");
            self.script.words(&named(None, NameSet::Protocols, number));
        }
    }
}

/// `IFF_*` of `linux/if_tun.h`, whether set or not it has a word, and the word.
const TAP: &[(u16, bool, &str)] = &[(0x1000, false, "pi"), (0x4000, true, "vnet_hdr"), (0x100, true, "multi_queue")];
