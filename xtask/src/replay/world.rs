//! What must be there so that a command line can succeed. In: the line. Out: namespaces,
//! devices, addresses and nexthops, and the command that makes what the line removes.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::line::{Line, Verb};

/// Words after which the name of a plain device stands.
const DEVICE: &[&str] = &["dev", "oif", "iif", "link"];
/// Device for what names none.
const COMMON: &str = "common0";
/// Addresses that a namespace gets at most: a line with a hundred nexthops needs few.
const MOST_ADDRESSES: usize = 8;

/// One network namespace.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Space {
    /// Names, and whether it is a bridge; anything else is one end of a cable.
    devices: BTreeMap<String, bool>,
    /// Device and address with its length.
    addresses: Vec<(String, String)>,
    /// Ids of nexthop objects.
    nexthops: Vec<u32>,
}

/// All of it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct World {
    /// By name; the empty name is where commands start.
    pub spaces: BTreeMap<String, Space>,
    /// Words of the command that makes what the line itself works on.
    pub prelude: Option<Vec<String>>,
}

impl Space {
    fn device(&mut self, name: &str, bridge: bool) {
        if name != "lo" && is_name(name) {
            *self.devices.entry(name.to_string()).or_default() |= bridge;
        }
    }

    fn address(&mut self, device: &str, address: IpAddr, length: u8) {
        self.device(device, false);
        let entry = (device.to_string(), format!("{address}/{length}"));
        if self.addresses.len() < MOST_ADDRESSES && !self.addresses.contains(&entry) {
            self.addresses.push(entry);
        }
    }

    /// Makes an address reachable through a device.
    fn reach(&mut self, device: &str, address: IpAddr) {
        let (near, length) = neighbour(address);
        let same = |known: &str| known.rsplit_once(['.', ':']).map(|(net, _)| net.to_string());
        let text = near.to_string();
        if !self.addresses.iter().any(|(of, known)| of == device && same(known) == same(&text)) {
            self.address(device, near, length);
        }
    }

    /// The lines for `ip -force -batch` that make it.
    pub fn script(&self) -> String {
        let mut out = String::from("link set lo up\n");
        for (number, (name, &bridge)) in self.devices.iter().enumerate() {
            out += &match bridge {
                true => format!("link add {name} type bridge\nlink set {name} up\n"),
                false => format!(
                    "link add {name} type veth peer name ~{number}\nlink set {name} up\nlink set ~{number} up\n"
                ),
            };
        }
        for (device, address) in &self.addresses {
            let nodad = if address.contains(':') { " nodad" } else { "" };
            out += &format!("address add {address} dev {device}{nodad}\n");
        }
        let device = self.devices.keys().next().map_or("lo", String::as_str);
        for id in &self.nexthops {
            out += &format!("nexthop add id {id} dev {device}\n");
        }
        out
    }
}

/// Whether the kernel takes a word as the name of a device.
fn is_name(word: &str) -> bool {
    (1..16).contains(&word.len()) && !word.contains(['/', ':', ' ']) && word != "." && word != ".."
}

/// Another address of the same small net, and its length.
fn neighbour(address: IpAddr) -> (IpAddr, u8) {
    match address {
        IpAddr::V4(v4) => {
            let mut bytes = v4.octets();
            bytes[3] = if matches!(bytes[3] ^ 2, 0 | 255) { bytes[3] ^ 4 } else { bytes[3] ^ 2 };
            (bytes.into(), 24)
        }
        IpAddr::V6(v6) => {
            let mut bytes = v6.octets();
            bytes[15] ^= 2;
            (bytes.into(), 64)
        }
    }
}

/// An address, with its length cut off.
fn address(word: &str) -> Option<IpAddr> {
    word.split('/').next().and_then(|word| word.parse().ok())
}

/// The word after a keyword.
fn after<'a>(words: &'a [String], keyword: &str) -> Option<&'a str> {
    let at = words.iter().position(|word| word == keyword)?;
    words.get(at + 1).map(String::as_str)
}

impl World {
    /// What a line needs.
    pub fn of(words: &[String]) -> World {
        let line = Line::of(words);
        let mut world = World::default();
        world.spaces.insert(String::new(), Space::default());
        for space in &line.spaces {
            world.space(space);
        }
        match line.object {
            "netns" => world.netns(&line),
            "link" => world.link(&line),
            "" | "help" | "vrf" => {}
            _ => world.other(&line),
        }
        world
    }

    /// The namespace of a name; one that can have no file is where commands start.
    fn space(&mut self, name: &str) -> &mut Space {
        let good = !name.contains('/') && name != "." && name != ".." && name.len() < 256;
        self.spaces.entry(if good { name.to_string() } else { String::new() }).or_default()
    }

    fn netns(&mut self, line: &Line) {
        if let (false, Some(name)) = (line.verb == Verb::Add || line.verb == Verb::Exec, line.rest().first()) {
            self.space(name);
        }
    }

    fn link(&mut self, line: &Line) {
        let rest = line.rest();
        let own = line.spaces.last().copied().unwrap_or_default();
        let kind = rest.iter().position(|word| word == "type").unwrap_or(rest.len());
        let bridge = rest.get(kind + 1).is_some_and(|kind| kind == "bridge");
        let named = after(&rest[..kind], "dev").or_else(|| rest.first().map(String::as_str));
        let adds = matches!(line.verb, Verb::Add | Verb::Replace);
        let keyword = ["up", "down", "type", "dev", "group", "master", "help"];
        if let Some(name) = named.filter(|name| !adds && line.verb != Verb::Other && !keyword.contains(name)) {
            self.space(own).device(name, bridge);
        }
        if let (Verb::Other, Some(name)) = (line.verb, after(rest, "dev")) {
            self.space(own).device(name, bridge);
        }
        for (at, pair) in rest.windows(2).enumerate() {
            match pair[0].as_str() {
                "link" => self.space(own).device(&pair[1], false),
                "dev" if at > kind => self.space(own).device(&pair[1], false),
                "master" => self.space(own).device(&pair[1], true),
                "netns" if pair[1].parse::<u32>().is_err() => {
                    self.space(&pair[1]);
                }
                "bridge_slave" | "type" if pair[0] == "bridge_slave" || pair[1] == "bridge_slave" => {
                    self.space(own).device("bridge0", true);
                    self.prelude = named.map(|name| with_spaces(line, &["link", "set", name, "master", "bridge0"]));
                }
                _ => {}
            }
        }
    }

    fn other(&mut self, line: &Line) {
        let rest = line.rest();
        let space = self.space(line.spaces.last().copied().unwrap_or_default());
        for pair in rest.windows(2) {
            match pair[0].as_str() {
                word if DEVICE.contains(&word) => space.device(&pair[1], false),
                "master" => space.device(&pair[1], true),
                _ => {}
            }
        }
        if matches!(line.object, "route" | "nexthop") {
            Self::reachable(line, space);
        }
        self.prelude = prelude(line);
    }

    /// Gateways, sources and nexthop objects of a route.
    fn reachable(line: &Line, space: &mut Space) {
        let rest = line.rest();
        let common = after(rest, "dev").unwrap_or(COMMON);
        for part in rest.split(|word| word == "nexthop") {
            let device = after(part, "dev").unwrap_or(common);
            let gateway = match after(part, "via") {
                Some("inet" | "inet6") => after(part, "inet6").or(after(part, "inet")),
                other => other,
            };
            if let Some(gateway) = gateway.and_then(address) {
                space.reach(device, gateway);
            }
            if let Some(source) = after(part, "src").or(after(part, "from")).and_then(address) {
                space.address(device, source, if source.is_ipv4() { 24 } else { 64 });
            }
        }
        if line.verb == Verb::Get && line.object == "route" {
            let target = rest.iter().find_map(|word| address(word));
            if let Some(target) = target {
                space.reach(common, target);
            }
        }
        let ids = |word: &str| {
            let of = |part: &str| part.split(',').next().and_then(|id| id.parse().ok());
            word.split('/').filter_map(of).take(MOST_ADDRESSES).collect::<Vec<u32>>()
        };
        for keyword in ["nhid", "group"] {
            space.nexthops.extend(after(rest, keyword).map(ids).unwrap_or_default());
        }
        if !space.nexthops.is_empty() {
            space.device(common, false);
        }
    }
}

/// The line with which a namespace's command is given.
fn with_spaces(line: &Line, words: &[&str]) -> Vec<String> {
    let mut all = match line.spaces.last() {
        Some(space) => vec!["-n".to_string(), space.to_string()],
        None => Vec::new(),
    };
    all.extend(words.iter().map(|word| word.to_string()));
    all
}

/// The same line as an `add`, for a verb that needs something to be there.
fn prelude(line: &Line) -> Option<Vec<String>> {
    let needs = matches!(line.verb, Verb::Delete | Verb::Change)
        || (line.verb == Verb::Get && matches!(line.object, "neighbor" | "nexthop"));
    let known = matches!(line.object, "address" | "route" | "rule" | "neighbor" | "nexthop" | "tuntap" | "maddress");
    if !needs || !known || line.verb_at >= line.words.len() {
        return None;
    }
    let mut words = line.words.to_vec();
    words[line.verb_at] = "add".into();
    let more: &[&str] = match line.object {
        "neighbor" if !line.rest().iter().any(|word| word == "lladdr" || word == "proxy") => {
            &["lladdr", "02:00:00:00:00:01"]
        }
        "nexthop" if line.rest().len() == 2 => &["blackhole"],
        "route" if !line.rest().iter().any(|word| ["dev", "via", "nexthop", "nhid"].contains(&word.as_str())) => {
            &["dev", "lo"]
        }
        _ => &[],
    };
    words.extend(more.iter().map(|word| word.to_string()));
    Some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn world(text: &str) -> World {
        World::of(&text.split(' ').map(str::to_string).collect::<Vec<_>>())
    }

    fn script(text: &str, space: &str) -> String {
        world(text).spaces[space].script()
    }

    #[test]
    fn devices_where_they_are_named() {
        let text = script("-n red link set dev a master b", "red");
        assert!(text.contains("link add a type veth peer name ~0\n"), "{text}");
        assert!(text.contains("link add b type bridge\n"), "{text}");
        assert!(script("link set v netns red", "").contains("link add v "));
        assert!(world("link set v netns red").spaces.contains_key("red"));
        assert_eq!(world("link set v netns 12").spaces.len(), 1);
        assert_eq!(script("link add v1 type veth peer name v2", ""), "link set lo up\n");
        assert!(script("li add link a name a.1 type vlan id 1", "").contains("link add a type veth"));
        assert!(!script("li add link a name a.1 type vlan id 1", "").contains("a.1"));
        assert!(script("link set br0 type bridge stp_state 1", "").contains("link add br0 type bridge"));
    }

    #[test]
    fn gateways_are_in_reach() {
        let text = script("route add 10.0.0.0/8 via 192.0.2.1 dev x src 192.0.2.9", "");
        assert!(text.contains("address add 192.0.2.3/24 dev x\n"), "{text}");
        assert!(text.contains("address add 192.0.2.9/24 dev x\n"), "{text}");
        let text = script("-6 route add 2001:db8::/64 nexthop via 2001:db8:1::1 nexthop via 2001:db8:1::4", "");
        assert_eq!(text.matches("address add").count(), 1, "{text}");
        assert!(text.contains("address add 2001:db8:1::3/64 dev common0 nodad\n"), "{text}");
        assert!(script("route add 10.0.0.0/8 nhid 5", "").contains("nexthop add id 5 dev common0\n"));
    }

    #[test]
    fn what_is_deleted_is_made_first() {
        let words = |text: &str| world(text).prelude.map(|words| words.join(" "));
        assert_eq!(words("-6 ro del default dev x").as_deref(), Some("-6 ro add default dev x"));
        assert_eq!(words("route del 10.0.0.0/8").as_deref(), Some("route add 10.0.0.0/8 dev lo"));
        assert_eq!(
            words("netns exec n ip nexthop del id 5").as_deref(),
            Some("netns exec n ip nexthop add id 5 blackhole")
        );
        assert_eq!(words("route add 10.0.0.0/8 dev x"), None);
        assert_eq!(words("link del x"), None);
    }
}
