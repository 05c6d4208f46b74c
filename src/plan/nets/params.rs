//! Parameters, files in `/etc/netns`, translations.

use super::owner::Keys;
use super::{Job, differs};
use crate::model::etc;
use crate::model::ip::{Family, Prefix};
use crate::model::plan::{Act, Sign};
use crate::model::topology::{Origin, Sysctl, subnet};
use crate::model::translation::Translation;
use crate::model::world::EtcFile;
use crate::plan::Conflict;

impl Job<'_> {
    /// Parameters of the place and of its links.
    pub(super) fn parameters(&mut self) {
        let (ctx, place) = (self.ctx, self.place);
        let asked = &ctx.topology.places[place];
        let found = &ctx.world.places[place].sysctls;
        let mut keys = Keys::default();
        found.iter().for_each(|sysctl| keys.add(sysctl.name.clone().into_bytes()));
        let of_place = asked.sysctls.iter().map(|said| (said.at, said.what.name.clone(), &said.what.value, true));
        let of_links = asked.links.iter().flat_map(|link| {
            let stays = ctx.link(place, &link.name).is_some_and(|id| !ctx.is_new(id));
            let name = move |sysctl: &Sysctl| sysctl.of_link(&link.name.to_string());
            link.sysctls.iter().map(move |said| (said.at, name(&said.what), &said.what.value, stays))
        });
        let all: Vec<(Origin, String, &String, bool)> = of_place.chain(of_links).collect();
        for (at, name, to, stays) in all {
            // Of a link that is made anew, what was found is of the old one.
            let now = keys.find(name.as_bytes(), |_| stays).map(|number| &found[number].value);
            if now.is_some_and(|now| same(now, to)) {
                continue;
            }
            let mut why = Vec::new();
            if let Some(now) = now {
                differs(&mut why, "value", now.clone(), to.clone());
            }
            let sign = if now.is_some() { Sign::Change } else { Sign::Create };
            let act = Act::Sysctl { name, from: now.cloned(), to: to.clone() };
            self.step(sign, act, at, why);
        }
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
                None if ours => self.remove(Act::File { file, text: None }),
                None => {}
                Some(text) if now == Some(&text) => {}
                Some(_) if now.is_some() && !ours && !ctx.options.adopt => {
                    let name = seen.name.as_ref().map(ToString::to_string).unwrap_or_default();
                    let text = ["/etc/netns/", &name, "/", file.name(), " is there and not ours; --adopt takes it"];
                    self.parts.conflicts.push(Conflict { at, text: text.concat() });
                }
                Some(text) => {
                    let sign = if now.is_some() { Sign::Change } else { Sign::Create };
                    let mut why = Vec::new();
                    if let Some(now) = now {
                        differs(&mut why, "text", now.clone(), text.clone());
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
        if wanted == seen.translations && !seen.foreign_rules {
            return;
        }
        let first = asked.masquerades.first().map(|said| said.at).or(asked.forward_ports.first().map(|said| said.at));
        match first {
            Some(at) if !wanted.is_empty() => {
                let made = seen.translations.is_empty() && !seen.foreign_rules;
                let sign = if made { Sign::Create } else { Sign::Change };
                self.step(sign, Act::Translations(wanted), at, Vec::new());
            }
            _ => self.remove(Act::Translations(Vec::new())),
        }
    }

    /// The subnet that another machine and this one are both in: of the addresses that are asked for, or that
    /// are on links that are not ours.
    fn subnet_of(&self, to: &std::net::IpAddr) -> Option<Prefix> {
        let (ctx, place) = (self.ctx, self.place);
        let asked =
            ctx.topology.places[place].links.iter().flat_map(|link| link.addresses.iter().map(|said| &said.what));
        let others = ctx.world.places[place].state.addrs.iter();
        let others = others.filter(|(link, _)| !ctx.is_ours(place, *link) && !ctx.goes(place, *link));
        let mut narrowest: Option<Prefix> = None;
        for net in asked.chain(others.map(|(_, addr)| addr)).filter_map(|addr| subnet(addr, to)) {
            if narrowest.is_none_or(|narrowest| narrowest.len() < net.len()) {
                narrowest = Some(net);
            }
        }
        narrowest
    }
}

/// Whether two values are the same to the kernel: it shows numbers with tabs between them.
fn same(one: &str, other: &str) -> bool {
    one.split_ascii_whitespace().eq(other.split_ascii_whitespace())
}
