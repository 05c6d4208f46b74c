//! Namespaces, and what of them is neither a link nor on one: parameters, translations, files.

use super::{Export, is_name, said};
use crate::model::etc;
use crate::model::topology::{ForwardPort, Masquerade, Place};
use crate::model::translation::{Pick, Translation};
use crate::model::world::{EtcFile, Presence};

impl Export<'_> {
    /// The host, which is always said, and the namespaces that have something to say.
    pub fn choose_places(&mut self) {
        self.out.places.push(Place::default());
        for (number, seen) in self.world.places.iter().enumerate() {
            let Some(name) = &seen.name else {
                self.numbers.push(Some(0));
                continue;
            };
            let (there, whole) = (seen.presence == Presence::There, self.is_whole(number));
            let bytes = name.as_bytes();
            let plain = is_name(bytes) && !bytes.iter().all(u8::is_ascii_digit);
            self.numbers.push((there && whole && plain).then_some(self.out.places.len()));
            if there && whole && plain {
                self.out.places.push(Place { name: Some(name.clone()), ..Place::default() });
            } else if there && whole {
                self.skip(number, &["the name cannot stand in a file"]);
            } else if !there && self.lab.is_none() {
                self.skip(number, &["it is no namespace, or cannot be entered"]);
            }
        }
    }

    /// Parameters, translations and files of a place.
    pub fn rest(&mut self, place: usize) {
        let (seen, Some(number)) = (&self.world.places[place], self.numbers[place]) else { return };
        let own = &mut self.out.places[number];
        let mut lost: Vec<String> = Vec::new();
        for sysctl in &seen.sysctls {
            let is_on = sysctl.value != "0";
            match sysctl.name.as_str() {
                _ if self.lab.is_some() => own.sysctls.push(said(sysctl.clone())),
                "net.ipv4.ip_forward" => own.forward.v4 = is_on,
                "net.ipv6.conf.all.forwarding" => own.forward.v6 = is_on,
                _ => {}
            }
        }
        for translation in &seen.translations {
            if !masquerade(own, translation) && !forward_port(own, translation) {
                lost.push(["netstrap nat add ", &translation.words(), ": a file has no words for it"].concat());
            }
        }
        if seen.foreign_rules && self.lab.is_none() {
            lost.push("nftables has rules that are not a lab's; they are left out".to_owned());
        }
        for (file, text) in &seen.files {
            if self.lab.is_some_and(|lab| text.lines().next() != Some(&lab.headline())) {
                continue;
            }
            match file {
                EtcFile::Resolv => own.dns = Some(said(etc::dns(text))),
                EtcFile::Hosts => etc::hosts(text).into_iter().for_each(|host| own.hosts.push(said(host))),
            }
            let again = etc::text(own, *file, "").unwrap_or_default();
            if bare(text) != bare(&again) {
                lost.push(["/etc/netns: ", file.name(), " has lines that a file has no words for"].concat());
            }
        }
        lost.iter().for_each(|line| self.skip(place, &[line]));
    }
}

/// What a file says line by line, without comments, blanks and the machine's own name.
fn bare(text: &str) -> String {
    let mut bare = String::new();
    for line in text.lines() {
        let start = bare.len();
        let words = line.split(['#', ';']).next().unwrap_or_default();
        for word in words.split_ascii_whitespace() {
            bare.push_str(if bare.len() == start { "\n" } else { " " });
            bare.push_str(word);
        }
        let names = bare[start..].split_once(' ');
        if names.is_some_and(|row| row.1 == "localhost") {
            bare.truncate(start);
        }
    }
    bare
}

/// Says a translation as a masquerade, if it is one.
fn masquerade(place: &mut Place, translation: &Translation) -> bool {
    let Translation { from, to, device: out, .. } = *translation;
    let mut what = Masquerade { from: from.into_iter().collect(), to: to.into_iter().collect(), out };
    let mut made = Vec::new();
    what.translations(&mut made);
    let same = made == std::slice::from_ref(translation);
    match place.masquerades.last_mut().map(|last| &mut last.what) {
        _ if !same => {}
        Some(last) if last.out == out && last.to.is_empty() && to.is_none() => last.from.append(&mut what.from),
        _ => place.masquerades.push(said(what)),
    }
    same
}

/// Says a translation as a forwarded port, if it is one.
fn forward_port(place: &mut Place, translation: &Translation) -> bool {
    let (Some(ports), Some((to, last))) = (translation.ports, translation.addrs) else { return false };
    let what = ForwardPort {
        protocol: translation.protocol,
        address: translation.listen,
        ports,
        to,
        to_port: translation.new_ports.map(|ports| ports.0),
        input: translation.device,
    };
    let same = what.translation(translation.hairpin) == *translation && translation.pick == Pick::empty();
    if same && to == last {
        place.forward_ports.push(said(what));
    }
    same && to == last
}
