//! Parameters, files in `/etc/netns`, translations.

use super::Job;
use super::addrs::link_id;
use super::differences::note;
use super::owner::Keys;
use crate::model::addr::Addr;
use crate::model::etc;
use crate::model::ip::{Family, Prefix};
use crate::model::link::LinkId;
use crate::model::plan::{Act, Sign};
use crate::model::topology::{LinkKind, Origin, Sysctl, subnet};
use crate::model::translation::Translation;
use crate::model::world::EtcFile;
use crate::plan::Conflict;

/// Beginnings of parameters that no module brings later.
const BUILT_IN: &[&str] = &["net.core.", "net.ipv4.", "net.ipv6.", "net.unix.", "kernel.", "vm."];

/// Parameters of the tables of neighbours, which all network namespaces share.
const DEFAULT_NEIGH: &str = ".neigh.default.";

impl Job<'_> {
    /// Parameters of the place and of its links.
    pub(super) fn parameters(&mut self) {
        let (ctx, place) = (self.ctx, self.place);
        let asked = &ctx.topology.places[place];
        let found = &ctx.world.places[place].sysctls;
        let mut keys = Keys::default();
        found.iter().for_each(|sysctl| keys.add(sysctl.name.clone().into_bytes()));
        let of_place = asked.sysctls.iter().map(|said| (said.at, said.what.name.clone(), &said.what.value, true, true));
        let of_links = asked.links.iter().flat_map(|link| {
            let stays = ctx.link(place, &link.name).is_some_and(|id| !ctx.is_new(id));
            let name = move |sysctl: &Sysctl| sysctl.of_link(&link.name.to_string());
            let is_others = link.kind == LinkKind::Device;
            let waits = ctx.waits_for_ipv6(place, link);
            let said = link.sysctls.iter().filter(move |said| !waits || !said.what.name.starts_with("net.ipv6."));
            said.map(move |said| (said.at, name(&said.what), &said.what.value, stays, is_others))
        });
        let all: Vec<(Origin, String, &String, bool, bool)> = of_place.chain(of_links).collect();
        for (at, name, to, stays, is_others) in all {
            // Of a link that is made anew, what was found is of the old one.
            let now = keys.find(name.as_bytes(), &|_| stays).map(|number| &found[number].value);
            if now.is_some_and(|now| same(now, to)) {
                continue;
            }
            if self.is_lacking(&name, is_others) {
                let hint = if name.contains(DEFAULT_NEIGH) {
                    "those of neigh.default exist only in the machine's first network namespace"
                } else {
                    "see: netstrap sysctl -a"
                };
                let text = ["there is no parameter ", &name, " here; ", hint].concat();
                self.parts.conflicts.push(Conflict { at: Some(at), text });
                continue;
            }
            let mut why = Vec::new();
            if let Some(now) = now {
                note(&mut why, "value", now.clone(), to.clone());
            }
            let sign = if now.is_some() { Sign::Change } else { Sign::Create };
            let act = Act::Sysctl { name, from: now.cloned(), to: to.clone() };
            self.step(sign, act, at, why);
        }
    }

    /// Whether a parameter is not there and will not come: neither with a link nor with a module. `is_others`: it is
    /// none of a link that the file makes by its place in the file; by its name it may be.
    fn is_lacking(&self, name: &str, is_others: bool) -> bool {
        let (ctx, place) = (self.ctx, self.place);
        // Of a namespace that is not there yet, only what none has is known.
        let is_missing = || {
            ctx.world.places[place].lacking.iter().any(|lacking| lacking == name)
                || (ctx.is_new_place(place) && name.contains(DEFAULT_NEIGH))
        };
        // Links that are asked for are made by then, and their parameters with them.
        let with_link = || {
            let link = name.split('.').nth(3).unwrap_or_default().replace('/', ".");
            ctx.topology.places[place]
                .links
                .iter()
                .any(|own| own.kind != LinkKind::Device && own.name.as_bytes() == link.as_bytes())
        };
        let with_module = || !BUILT_IN.iter().any(|start| name.starts_with(start)) || name.starts_with("net.ipv4.vs.");
        is_others && is_missing() && !with_link() && !with_module()
    }

    /// Files of the namespace's name. They outlive it.
    pub(super) fn files(&mut self) {
        let (ctx, place) = (self.ctx, self.place);
        let (asked, seen) = (&ctx.topology.places[place], &ctx.world.places[place]);
        if seen.name.is_none() {
            return;
        }
        let headline = ctx.lab.headline();
        for file in EtcFile::ALL {
            let now = seen.files.iter().find(|found| found.0 == file).map(|found| &found.1);
            let ours = now.is_some_and(|now| now.lines().next() == Some(&headline));
            let at = match file {
                EtcFile::Resolv => asked.dns.as_ref().map(|dns| dns.at),
                EtcFile::Hosts => asked.hosts.first().map(|host| host.at),
            };
            match etc::text(asked, file, &headline) {
                None if ours => self.remove(Act::File { file, text: None }, false),
                None => {}
                Some(text) if now == Some(&text) => {}
                Some(_) if now.is_some() && !ours && !ctx.options.adopt => {
                    let name = seen.name.as_ref().map(ToString::to_string).unwrap_or_default();
                    let text =
                        [EtcFile::FOLDER, "/", &name, "/", file.name(), " is there and not ours; --adopt takes it"];
                    self.parts.conflicts.push(Conflict { at, text: text.concat() });
                }
                Some(text) => {
                    let sign = if now.is_some() { Sign::Change } else { Sign::Create };
                    let mut why = Vec::new();
                    if let Some(now) = now {
                        note(&mut why, "text", now.clone(), text.clone());
                    }
                    self.step(sign, Act::File { file, text: Some(text) }, at.unwrap_or_default(), why);
                }
            }
        }
    }

    /// Masquerading and forwarded ports, as one set.
    pub(super) fn translations(&mut self) {
        let (ctx, place) = (self.ctx, self.place);
        let (asked, seen) = (&ctx.topology.places[place], &ctx.world.places[place]);
        let mut wanted = Vec::new();
        for said in &asked.masquerades {
            said.what.translations(&mut wanted);
        }
        for said in &asked.forward_ports {
            let rule = said.what.translation(self.subnet_of(&said.what.to));
            if Translation::from_key(rule.key().as_bytes()).as_ref() == Some(&rule) {
                wanted.push(rule);
            } else {
                let text = ["a port cannot be forwarded so: ", &rule.words()].concat();
                self.parts.conflicts.push(Conflict { at: Some(said.at), text });
            }
        }
        // The families have tables of their own, and are listed one behind the other.
        let (mut wanted, v6): (Vec<_>, Vec<_>) = wanted.into_iter().partition(|rule| rule.family == Family::V4);
        wanted.extend(v6);
        let prune = ctx.options.prune;
        if !prune {
            // The set is replaced as a whole.
            for rule in &seen.translations {
                if !wanted.contains(rule) {
                    wanted.push(*rule);
                }
            }
        }
        if wanted == seen.translations && !(seen.foreign_rules && prune) {
            return;
        }
        let first = asked.masquerades.first().map(|said| said.at).or(asked.forward_ports.first().map(|said| said.at));
        match first {
            Some(at) if !wanted.is_empty() => {
                let made = seen.translations.is_empty() && !seen.foreign_rules;
                let sign = if made { Sign::Create } else { Sign::Change };
                self.step(sign, Act::Translations(wanted), at, Vec::new());
            }
            _ => self.remove(Act::Translations(Vec::new()), false),
        }
    }

    /// The subnet that another machine and this one are both in: of the addresses that are asked for, or that
    /// are on links that are not ours.
    fn subnet_of(&self, to: &std::net::IpAddr) -> Option<Prefix> {
        let mut narrowest: Option<Prefix> = None;
        self.each_address(&mut |_, addr| {
            if let Some(net) = subnet(addr, to)
                && narrowest.is_none_or(|narrowest| narrowest.len() < net.len())
            {
                narrowest = Some(net);
            }
        });
        narrowest
    }

    /// Shows the addresses that are asked for, and those on links that are not ours.
    pub(super) fn each_address(&self, see: &mut dyn FnMut(LinkId, &Addr)) {
        let (ctx, place) = (self.ctx, self.place);
        for link in &ctx.topology.places[place].links {
            if let Some(id) = ctx.link(place, &link.name).filter(|_| !link.addresses.is_empty()) {
                link.addresses.iter().for_each(|said| see(id, &said.what));
            }
        }
        for (link, addr) in &ctx.world.places[place].state.addrs {
            if let Some(id) = link_id(place, *link).filter(|_| !ctx.is_ours(place, *link) && !ctx.goes(place, *link)) {
                see(id, addr);
            }
        }
    }
}

/// Whether two values are the same to the kernel: it shows numbers with tabs between them.
fn same(one: &str, other: &str) -> bool {
    one.split_ascii_whitespace().eq(other.split_ascii_whitespace())
}
