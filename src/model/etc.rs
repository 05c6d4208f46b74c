//! The files in `/etc/netns/NAME` that a topology says: `resolv.conf` and `hosts`, written and read.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::ip::addr_text;
use super::topology::{Dns, Place};
use super::world::EtcFile;

/// What the lines of `hosts` say: a name with its addresses each.
pub type Hosts = Vec<(String, Vec<IpAddr>)>;

const LOCALHOST: &str = "localhost";

/// The whole text of a file as a place says it; `None` if it says nothing. `headline` is the first line.
pub fn text(place: &Place, file: EtcFile, headline: &str) -> Option<String> {
    let mut text = headline.to_owned();
    let mut line = |words: &[&str]| {
        for (at, word) in words.iter().enumerate() {
            text.push_str(if at == 0 { "\n" } else { " " });
            text.push_str(word);
        }
    };
    match file {
        EtcFile::Resolv => {
            let dns = &place.dns.as_ref()?.what;
            for server in &dns.nameservers {
                line(&["nameserver", &addr_text(server)]);
            }
            for (word, list) in [("search", &dns.search), ("options", &dns.options)] {
                if !list.is_empty() {
                    line(&[word, &list.join(" ")]);
                }
            }
        }
        EtcFile::Hosts => {
            if place.hosts.is_empty() {
                return None;
            }
            // It stands in place of the machine's own, in which every program looks for this name.
            if !place.hosts.iter().any(|host| host.what.0 == LOCALHOST) {
                for own in localhost() {
                    line(&[&addr_text(&own), LOCALHOST]);
                }
            }
            for (name, addresses) in place.hosts.iter().map(|host| &host.what) {
                for address in addresses {
                    line(&[&addr_text(address), name]);
                }
            }
        }
    }
    text.push('\n');
    Some(text)
}

fn localhost() -> [IpAddr; 2] {
    [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]
}

/// Reads a `resolv.conf`; words that it has none for are passed over.
pub fn dns(text: &str) -> Dns {
    let mut dns = Dns::default();
    for line in text.lines() {
        let mut words = line.split_ascii_whitespace();
        let list = match words.next() {
            Some("nameserver") => {
                dns.nameservers.extend(words.next().and_then(|word| word.parse::<IpAddr>().ok()));
                continue;
            }
            Some("search" | "domain") => &mut dns.search,
            Some("options") => &mut dns.options,
            _ => continue,
        };
        list.extend(words.map(str::to_owned));
    }
    dns
}

/// Reads a `hosts`, without the addresses of `localhost` that every one has.
pub fn hosts(text: &str) -> Hosts {
    let mut hosts: Hosts = Vec::new();
    for line in text.lines() {
        let mut words = line.split('#').next().unwrap_or_default().split_ascii_whitespace();
        let Some(address) = words.next().and_then(|word| word.parse().ok()) else { continue };
        for name in words {
            // Addresses of one name stand together.
            match hosts.last_mut().filter(|host| host.0 == name) {
                Some(host) => host.1.push(address),
                None => hosts.push((name.to_owned(), vec![address])),
            }
        }
    }
    hosts.retain(|host| host.0 != LOCALHOST || host.1 != localhost());
    hosts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::topology::{Origin, Said};

    fn said<T>(what: T) -> Said<T> {
        Said { at: Origin::default(), what }
    }

    #[test]
    fn files_are_read_as_they_are_written() {
        let addr = |text: &str| text.parse::<IpAddr>().unwrap();
        let dns_said = Dns {
            nameservers: vec![addr("192.0.2.53"), addr("fd00::53")],
            search: vec!["a.example".into(), "example".into()],
            options: vec!["ndots:1".into()],
        };
        let list: Hosts = vec![("db".into(), vec![addr("10.0.0.5"), addr("fd00::5")]), ("x".into(), vec![addr("::1")])];
        let mut place = Place { dns: Some(said(dns_said.clone())), ..Place::default() };
        assert_eq!(text(&place, EtcFile::Hosts, "# x"), None);
        place.hosts = list.iter().cloned().map(said).collect();
        let resolv = text(&place, EtcFile::Resolv, "# netstrap a").unwrap();
        assert_eq!(
            resolv,
            "# netstrap a\nnameserver 192.0.2.53\nnameserver fd00::53\nsearch a.example example\noptions ndots:1\n"
        );
        assert_eq!(dns(&resolv), dns_said);
        let file = text(&place, EtcFile::Hosts, "# netstrap a").unwrap();
        assert_eq!(file, "# netstrap a\n127.0.0.1 localhost\n::1 localhost\n10.0.0.5 db\nfd00::5 db\n::1 x\n");
        assert_eq!(hosts(&file), list);
        place.hosts = vec![said((LOCALHOST.into(), vec![addr("127.0.0.2")]))];
        let own = text(&place, EtcFile::Hosts, "# x").unwrap();
        assert_eq!(own, "# x\n127.0.0.2 localhost\n");
        assert_eq!(hosts(&own), [(LOCALHOST.to_owned(), vec![addr("127.0.0.2")])]);
        assert_eq!(hosts("10.0.0.1 a b # c\nx y\n10.0.0.2 a"), hosts("10.0.0.1 a\n10.0.0.1 b\n10.0.0.2 a\n"));
    }
}
