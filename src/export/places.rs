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
        let mut own = std::mem::take(&mut self.out.places[number]);
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
            if !masquerade(&mut own, translation) && !forward_port(&mut own, translation) {
                self.skip(place, &["netstrap nat add ", &translation.words(), ": a file has no words for it"]);
            }
        }
        if seen.foreign_rules && self.lab.is_none() {
            self.skip(place, &["nftables has rules that are not a lab's; they are left out"]);
        }
        for (file, text) in &seen.files {
            if self.lab.is_some_and(|lab| text.lines().next() != Some(&lab.headline())) {
                continue;
            }
            match file {
                EtcFile::Resolv => own.dns = Some(said(etc::dns(text))),
                EtcFile::Hosts => own.hosts = etc::hosts(text).into_iter().map(said).collect(),
            }
            let again = etc::text(&own, *file, "").unwrap_or_default();
            if !same_lines(text, &again) {
                self.skip(place, &["/etc/netns: ", file.name(), " has lines that a file has no words for"]);
            }
        }
        self.out.places[number] = own;
    }
}

/// Whether two files say the same line by line, besides comments, blanks and the machine's own name.
fn same_lines(one: &str, other: &str) -> bool {
    let mut sides = [one, other].map(|text| {
        let lines = text.lines().map(|line| line.split(['#', ';']).next().unwrap_or_default());
        lines
            .map(|line| line.split_ascii_whitespace().collect::<Vec<_>>())
            .filter(|words| !words.is_empty() && words[1..] != ["localhost"])
    });
    let [one, other] = &mut sides;
    one.eq(other)
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
