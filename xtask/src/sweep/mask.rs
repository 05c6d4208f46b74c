//! What iproute2 lists, as lines that can be compared: JSON in, a line for each object out, without what
//! differs from one run to the next (indexes, drawn addresses, timers) and what only the kernel says (states).

use crate::diff::json::Json;

/// Hardware addresses with this start are asked for by files; all others are drawn by the kernel.
pub const CHOSEN_MAC: &str = "02:5a:";
/// Names with this start belong to strangers: theirs are compared to the last bit.
pub const STRANGER: &str = "x-";

/// Keys of links that tell a moment, the machine, or what other lines tell.
const MOMENT: &[&str] = &[
    "ifindex",
    "link_index",
    "link_netnsid",
    "operstate",
    "qdisc",
    "linkmode",
    "broadcast",
    "promiscuity",
    "allmulti",
    "min_mtu",
    "max_mtu",
    "gso_max_size",
    "gso_max_segs",
    "tso_max_size",
    "tso_max_segs",
    "gro_max_size",
    "addr_info",
    "bridge_id",
    "root_id",
    "root_port",
    "root_path_cost",
    "hello_timer",
    "tcn_timer",
    "topology_change_timer",
    "gc_timer",
    "topology_change",
    "topology_change_detected",
    "state",
    "id",
    "no",
    "designated_port",
    "designated_cost",
    "hold_timer",
    "message_age_timer",
    "forward_delay_timer",
    "topology_change_ack",
    "config_pending",
    "multicast_router",
    "usedbcqueuelen",
];
/// Keys of addresses, routes and neighbours of that kind.
const PASSING: &[&str] = &["valid_life_time", "preferred_life_time", "tentative", "dadfailed", "expires", "used"];
/// Flags that say what is asked for; the others follow from the other end's state.
const WANTED_FLAGS: &[&str] = &["UP", "NOARP", "PROMISC", "ALLMULTI", "POINTOPOINT"];

/// A link as other links know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Its namespace; the host's is empty.
    pub place: String,
    /// Its name.
    pub name: String,
    /// Its index.
    pub index: u64,
    /// The index of the link that it hangs on or ends at.
    pub link: Option<u64>,
    /// Whether that link is in another namespace.
    pub elsewhere: bool,
    /// Hardware address.
    pub mac: String,
}

/// The links of one place, from `ip -d -j link`.
pub fn known(place: &str, listed: &Json) -> Vec<Known> {
    let Json::List(all) = listed else { return Vec::new() };
    let number = |one: &Json, key: &str| one.at(&[key]).and_then(|text| text.parse().ok());
    let link = |one: &Json| Known {
        place: place.to_string(),
        name: one.at(&["ifname"]).unwrap_or_default().to_string(),
        index: number(one, "ifindex").unwrap_or(0),
        link: number(one, "link_index"),
        elsewhere: one.get("link_netnsid").is_some(),
        mac: one.at(&["address"]).unwrap_or_default().to_string(),
    };
    all.iter().filter(|one| one.get("ifname").is_some()).map(link).collect()
}

/// Lines of links, from `ip -d -j link`; `all` are the links of all places.
pub fn links(place: &str, listed: &Json, all: &[Known]) -> Vec<String> {
    let Json::List(list) = listed else { return Vec::new() };
    let mut lines = Vec::new();
    for one in list {
        let Some(name) = one.at(&["ifname"]) else { continue };
        let of = all.iter().find(|link| link.place == place && link.name == name);
        let mut line = format!("{}link {name} {}", at(place), words(one, MOMENT));
        if let Some(other) = of.and_then(|of| other(of, all)) {
            line += &format!(" other={other}");
        }
        if let Some(of) = of.filter(|of| of.name.starts_with(STRANGER)) {
            line += &format!(" index={} mac={}", of.index, of.mac);
        }
        lines.push(line);
    }
    lines
}

/// Lines of addresses, from `ip -d -j address`.
pub fn addresses(place: &str, listed: &Json) -> Vec<String> {
    let Json::List(list) = listed else { return Vec::new() };
    let mut lines = Vec::new();
    for one in list {
        let (Some(name), Some(Json::List(addresses))) = (one.at(&["ifname"]), one.get("addr_info")) else { continue };
        // Addresses of the link alone follow from its hardware address, some time later.
        for address in addresses.iter().filter(|one| !of_the_link(one.at(&["local"]).unwrap_or_default())) {
            lines.push(format!("{}address {name} {}", at(place), words(address, PASSING)));
        }
    }
    lines
}

/// The other end of a link: `PLACE/NAME` of the one whose other end is this one.
fn other(of: &Known, all: &[Known]) -> Option<String> {
    let link = of.link?;
    let mut ends = all.iter().filter(|one| {
        one.index == link && (one.place != of.place) == of.elsewhere && one.link.is_none_or(|back| back == of.index)
    });
    let end = ends.next()?;
    Some(if ends.next().is_some() { "several".to_string() } else { format!("{}/{}", end.place, end.name) })
}

/// Lines of routes, rules or neighbours; `kind` is their first word.
pub fn others(place: &str, kind: &str, listed: &Json) -> Vec<String> {
    let Json::List(list) = listed else { return Vec::new() };
    let listed = list.iter().filter(|one| !matches!(one, Json::Map(pairs) if pairs.is_empty()));
    let kept = listed.filter(|one| !of_the_link(one.at(&["dst"]).unwrap_or_default()));
    kept.map(|one| format!("{}{kind} {}", at(place), words(one, PASSING))).collect()
}

/// What is in front of a line.
pub fn at(place: &str) -> String {
    if place.is_empty() { "host: ".to_string() } else { format!("{place}: ") }
}

/// Whether an address or a prefix is of one link alone, as the kernel makes them.
fn of_the_link(address: &str) -> bool {
    address.starts_with("fe80:") || address.starts_with("ff00::")
}

/// A value's words, without some keys.
fn words(value: &Json, without: &[&str]) -> String {
    let Json::Map(pairs) = value else { return value.text() };
    let kept = pairs.iter().filter(|(key, _)| !without.contains(&key.as_str()));
    let word = |(key, value): &(String, Json)| match (key.as_str(), value) {
        ("address", Json::Text(mac)) if mac.len() == 17 && !mac.starts_with(CHOSEN_MAC) => "mac=drawn".to_string(),
        ("flags", Json::List(flags)) => {
            let wanted = flags.iter().filter_map(|flag| match flag {
                Json::Text(flag) if WANTED_FLAGS.contains(&flag.as_str()) => Some(flag.as_str()),
                Json::Text(flag) if flag == "onlink" => Some("onlink"),
                _ => None,
            });
            format!("flags={}", wanted.collect::<Vec<_>>().join(","))
        }
        (key, Json::Map(_)) => format!("{key}={{{}}}", words(value, without)),
        (key, Json::List(list)) => {
            format!("{key}=[{}]", list.iter().map(|one| words(one, without)).collect::<Vec<_>>().join(","))
        }
        (key, value) => format!("{key}={}", value.text()),
    };
    kept.map(word).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diff::json::parse;

    const LINKS: &str = r#"[{"ifindex":7,"link_index":16,"ifname":"v","flags":["UP","LOWER_UP"],"operstate":"UP",
        "address":"b2:9a:d7:17:10:81","link_netnsid":0,"linkinfo":{"info_kind":"veth","info_slave_data":{"state":"f",
        "hairpin":false}},"altnames":["nst-1-2"],"addr_info":[{"family":"inet","local":"10.0.0.1","prefixlen":24,
        "valid_life_time":4294967295},{"family":"inet6","local":"fe80::1","prefixlen":64}]},
        {"ifindex":3,"ifname":"x-br","flags":[],"address":"02:00:00:00:00:01","addr_info":[]}]"#;

    #[test]
    fn links_are_lines_without_what_moves() {
        let here = parse(LINKS).unwrap();
        let there = parse(r#"[{"ifindex":16,"link_index":7,"ifname":"eth0","link_netnsid":0,"address":"1"}]"#).unwrap();
        let mut all = known("", &here);
        all.extend(known("red", &there));
        assert_eq!(
            links("", &here, &all),
            [
                "host: link v ifname=\"v\" flags=UP mac=drawn linkinfo={info_kind=\"veth\" \
                 info_slave_data={hairpin=false}} altnames=[\"nst-1-2\"] other=red/eth0",
                "host: link x-br ifname=\"x-br\" flags= mac=drawn index=3 mac=02:00:00:00:00:01",
            ]
        );
        assert_eq!(addresses("", &here), ["host: address v family=\"inet\" local=\"10.0.0.1\" prefixlen=24"]);
    }

    #[test]
    fn an_other_end_must_know_this_one() {
        let one = |place: &str, name: &str, index, link, elsewhere| Known {
            place: place.to_string(),
            name: name.to_string(),
            index,
            link,
            elsewhere,
            mac: String::new(),
        };
        let all =
            [one("", "v", 7, Some(16), true), one("a", "decoy", 16, Some(9), true), one("b", "w", 16, Some(7), true)];
        assert_eq!(other(&all[0], &all).as_deref(), Some("b/w"));
        assert_eq!(other(&all[1], &all), None);
        // A VLAN's lower link knows nothing of it.
        let all = [one("", "vlan", 8, Some(3), false), one("", "lower", 3, None, false)];
        assert_eq!(other(&all[0], &all).as_deref(), Some("/lower"));
    }

    #[test]
    fn routes_of_the_kernel_for_one_link_are_left_out() {
        let listed = parse(
            r#"[{"type":"unicast","dst":"fe80::/64","dev":"v"},{"type":"multicast","dst":"ff00::/8","dev":"v"},
            {"type":"unicast","dst":"default","gateway":"10.0.0.1","dev":"v","flags":["linkdown"]},{}]"#,
        );
        assert_eq!(
            others("red", "route", &listed.unwrap()),
            ["red: route type=\"unicast\" dst=\"default\" gateway=\"10.0.0.1\" dev=\"v\" flags="]
        );
    }
}
