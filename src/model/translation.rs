//! A translation: what one `netstrap nat` rule says. Its words are parsed and printed
//! here, so that a listing can be given back; [`key`] names it, [`leg`] takes it apart.

pub mod key;
pub mod leg;
pub mod parse;

use std::net::IpAddr;

use bitflags::bitflags;

use super::ip::{Family, Prefix, addr_text};
use super::name::IfName;

pub use parse::parse;

/// TCP's protocol number.
pub const TCP: u8 = 6;
/// UDP's protocol number.
pub const UDP: u8 = 17;

/// What is done with a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Its source becomes the address of the interface that it leaves by.
    Masquerade,
    /// Its source becomes a given address.
    Snat,
    /// It goes to another host.
    Forward,
    /// It goes to another port of this host.
    Redirect,
}

/// Words of the actions, in the order of [`Action`].
const ACTIONS: &[(&str, Action)] = &[
    ("masquerade", Action::Masquerade),
    ("snat", Action::Snat),
    ("forward", Action::Forward),
    ("redirect", Action::Redirect),
];

impl Action {
    /// Its word.
    pub fn word(self) -> &'static str {
        ACTIONS.iter().find(|row| row.1 == self).map_or("", |row| row.0)
    }

    /// Whether the source is translated, after routing.
    pub fn is_source(self) -> bool {
        matches!(self, Action::Masquerade | Action::Snat)
    }
}

bitflags! {
    /// How new ports and addresses are picked; values of the kernel's `NF_NAT_RANGE_*`.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub struct Pick: u32 {
        /// Ports by a hash.
        const RANDOM = 4;
        /// A source keeps its new address.
        const PERSISTENT = 8;
        /// Ports by chance (kernel 3.14).
        const FULLY_RANDOM = 0x10;
    }
}

/// Words of [`Pick`].
pub const PICKS: &[(&str, Pick)] =
    &[("random", Pick::RANDOM), ("fully-random", Pick::FULLY_RANDOM), ("persistent", Pick::PERSISTENT)];

/// First and last of a range; the same for a single one.
pub type Range<T> = (T, T);

/// One rule of `netstrap nat`. What an action has no word for is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Translation {
    /// What is done.
    pub action: Action,
    /// [`Family::V4`] or [`Family::V6`].
    pub family: Family,
    /// Sources, host bits cleared.
    pub from: Option<Prefix>,
    /// Destinations, host bits cleared; `None` is anywhere but where `from` is, and no multicast.
    pub to: Option<Prefix>,
    /// Interface: the outgoing one of a source translation, else the incoming one.
    pub device: Option<IfName>,
    /// [`TCP`] or [`UDP`]; 0 is any.
    pub protocol: u8,
    /// Destination that a connection asks for; `None` is any, of this host for [`Action::Forward`].
    pub listen: Option<IpAddr>,
    /// Ports that it asks for.
    pub ports: Option<Range<u16>>,
    /// New addresses.
    pub addrs: Option<Range<IpAddr>>,
    /// New ports.
    pub new_ports: Option<Range<u16>>,
    /// How it picks among them.
    pub pick: Pick,
    /// Hosts whose way back from the target does not lead through here; `None` is the target's own subnet.
    pub hairpin: Option<Prefix>,
}

impl Translation {
    /// One that does nothing in particular.
    pub fn new(action: Action) -> Self {
        Translation {
            action,
            family: Family::Unspec,
            from: None,
            to: None,
            device: None,
            protocol: 0,
            listen: None,
            ports: None,
            addrs: None,
            new_ports: None,
            pick: Pick::empty(),
            hairpin: None,
        }
    }

    /// Name of the protocol; empty for any.
    pub fn protocol_name(&self) -> &'static str {
        match self.protocol {
            TCP => "tcp",
            UDP => "udp",
            _ => "",
        }
    }

    /// The words, as [`parse`] takes them.
    pub fn words(&self) -> String {
        let mut text = self.action.word().to_owned();
        say(&mut text, "", self.protocol_name().to_owned());
        say(&mut text, "from", prefix(self.from));
        say(&mut text, "to", prefix(self.to));
        let device = self.device.map(|name| name.to_string()).unwrap_or_default();
        say(&mut text, if self.action.is_source() { "out" } else { "in" }, device);
        if self.action == Action::Masquerade {
            say(&mut text, "ports", ports(self.new_ports));
        } else {
            if self.action != Action::Snat {
                let listen = self.listen.or_else(|| any(self));
                say(
                    &mut text,
                    if listen.is_some() { "listen" } else { "" },
                    endpoint(listen.map(|a| (a, a)), self.ports),
                );
            }
            say(&mut text, "to", endpoint(self.addrs, self.new_ports));
        }
        for (word, pick) in PICKS {
            say(&mut text, "", if self.pick.contains(*pick) { (*word).to_owned() } else { String::new() });
        }
        say(&mut text, "hairpin", prefix(self.hairpin));
        text
    }
}

/// Puts a word and its value behind others; nothing without a value.
#[inline(never)]
fn say(text: &mut String, word: &str, value: String) {
    if !value.is_empty() {
        for piece in [" ", word, if word.is_empty() { "" } else { " " }, &value] {
            text.push_str(piece);
        }
    }
}

/// The address that must be written to tell the family: a redirect to a port of this host has no other.
fn any(translation: &Translation) -> Option<IpAddr> {
    let untold = translation.action == Action::Redirect && translation.family == Family::V6;
    untold.then(|| Prefix::default_route(Family::V6).addr())
}

/// A prefix, a host without its length; empty for none.
#[inline(never)]
pub fn prefix(prefix: Option<Prefix>) -> String {
    match prefix {
        Some(prefix) if prefix.is_host() => addr_text(&prefix.addr()).to_string(),
        Some(prefix) => prefix.text().to_string(),
        None => String::new(),
    }
}

/// `80` or `80-90`; empty for none.
#[inline(never)]
pub fn ports(ports: Option<Range<u16>>) -> String {
    match ports {
        Some((first, last)) if first == last => first.to_string(),
        Some((first, last)) => [&first.to_string(), "-", &last.to_string()].concat(),
        None => String::new(),
    }
}

/// `ADDR[-ADDR][:PORT[-PORT]]`, IPv6 in brackets where ports follow; or the ports alone.
#[inline(never)]
pub fn endpoint(addrs: Option<Range<IpAddr>>, new_ports: Option<Range<u16>>) -> String {
    let ports = ports(new_ports);
    let Some((first, last)) = addrs else { return ports };
    let (open, close) = if first.is_ipv6() && !ports.is_empty() { ("[", "]") } else { ("", "") };
    let mut text = [open, &addr_text(&first), close].concat();
    if last != first {
        text = [&text, "-", open, &addr_text(&last), close].concat();
    }
    if ports.is_empty() { text } else { [&text, ":", &ports].concat() }
}

#[cfg(test)]
mod tests;
