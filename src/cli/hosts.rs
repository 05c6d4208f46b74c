//! Names and addresses of `/etc/hosts` and `/etc/networks`, both ways. DNS is not asked:
//! `arp` and `route` must answer at once on a machine whose network is not up yet.

use std::net::Ipv4Addr;

use super::cursor::text;
pub use crate::model::ip::aton;

/// A file of names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Base {
    /// `/etc/hosts`: address, then names.
    Hosts,
    /// `/etc/networks`: name, address, further names.
    Networks,
}

impl Base {
    /// The address of a name.
    pub fn address(self, name: &str) -> Option<Ipv4Addr> {
        self.find(Some(name), None).map(|row| row.0)
    }

    /// The first name of an address.
    pub fn name(self, address: Ipv4Addr) -> Option<String> {
        self.find(None, Some(address)).map(|row| row.1)
    }

    /// The first line with that name or address: its address and first name.
    fn find(self, name: Option<&str>, address: Option<Ipv4Addr>) -> Option<(Ipv4Addr, String)> {
        let path = if self == Base::Hosts { "/etc/hosts" } else { "/etc/networks" };
        let content = std::fs::read(path).unwrap_or_default();
        for line in content.split(|&b| b == b'\n') {
            let line = text(line).split('#').next().unwrap_or_default();
            let mut words: Vec<&str> = line.split_ascii_whitespace().collect();
            let at = usize::from(self == Base::Networks);
            let Some(own) = words.get(at).and_then(|word| aton(word)) else { continue };
            words.remove(at);
            let named = name.is_none_or(|name| words.iter().any(|word| word.eq_ignore_ascii_case(name)));
            if let (true, true, Some(first)) = (named, address.is_none_or(|address| address == own), words.first()) {
                return Some((own, (*first).to_owned()));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_read_as_inet_aton_does() {
        for (word, expected) in [
            ("192.168.15.1", Some("192.168.15.1")),
            ("10.1", Some("10.0.0.1")),
            ("255.255.255", Some("255.255.0.255")),
            ("0x0a0b0c0d", Some("10.11.12.13")),
            ("010.1.1.1", Some("8.1.1.1")),
            ("300.1.1.1", None),
            ("1.2.3.256", None),
            ("1.2.3.4.5", None),
            ("", None),
            ("red", None),
        ] {
            assert_eq!(aton(word).map(|a| a.to_string()).as_deref(), expected, "{word}");
        }
    }
}
