//! One topology: the table, the kinds of device that the kernel has, a seed and a number in;
//! command lines out, each with its namespace and the options that it uses.

use super::chance::Chance;
use super::table::{Section, Table, Times};

/// The namespaces of a topology.
pub const NAMESPACES: [&str; 3] = ["a", "b", "c"];

/// A command line to be run in a namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Number of the namespace.
    pub ns: usize,
    /// `ip ...`, `bridge ...`, or `proc FILE VALUE`.
    pub text: String,
    /// Options used.
    pub options: Vec<usize>,
}

/// A device that exists if its line was taken.
#[derive(Clone)]
struct Device {
    ns: usize,
    name: String,
    kind: String,
    /// Whether it is the second end of a pair.
    is_peer: bool,
    /// Its number within the namespace, in its addresses.
    number: usize,
}

/// What is known while lines are made.
struct Maker<'a> {
    chance: Chance,
    devices: Vec<Device>,
    /// Nexthop objects: namespace, number and whether they are hops, groups or fdb groups.
    nexthops: Vec<(usize, u64, &'static str)>,
    last: u64,
    ns: usize,
    kind: &'a str,
    /// What `{x=...}` remembers within a section; `this` and `gwdev` among it.
    names: Vec<(String, String)>,
}

/// Every so many topologies one has all sections: what needs several of them is in no small one.
const WHOLE: u64 = 40;

/// Makes the topology of a number, of a share of the sections (in per cent); number 0 has more of everything.
pub fn make(table: &Table, kinds: &[String], seed: u64, number: u64, share: u64) -> Vec<Line> {
    let mut maker = Maker {
        chance: Chance::new(seed, number),
        devices: Vec::new(),
        nexthops: Vec::new(),
        last: 0,
        ns: 0,
        kind: "",
        names: Vec::new(),
    };
    let mut lines = Vec::new();
    for phase in &table.phases {
        for ns in 0..NAMESPACES.len() {
            maker.ns = ns;
            for section in phase {
                if section.kind.as_ref().is_some_and(|kind| !kinds.contains(kind)) {
                    continue;
                }
                if !number.is_multiple_of(WHOLE) && share < 100 && !maker.chance.percent(share) {
                    continue;
                }
                maker.kind = section.kind.as_deref().unwrap_or("");
                for this in maker.turns(&section.times, number == 0) {
                    maker.names.clear();
                    maker.names.extend(this.map(|name| ("this".to_string(), name)));
                    maker.section(section, &mut lines);
                }
            }
        }
    }
    lines
}

impl<'a> Maker<'a> {
    /// How often a section is done, and with which devices.
    fn turns(&mut self, times: &Times, rich: bool) -> Vec<Option<String>> {
        match times {
            Times::Range(low, high) => {
                let count = if rich { *high * 2 } else { self.chance.within(*low, *high) };
                (0..count).map(|_| None).collect()
            }
            Times::Each(percent, kinds) => {
                let own: Vec<String> = self.own(kinds).into_iter().map(|device| device.name).collect();
                own.into_iter().filter(|_| self.chance.percent(*percent)).map(Some).collect()
            }
        }
    }

    /// Devices of this namespace, of some kinds or of all.
    fn own(&self, kinds: &[String]) -> Vec<Device> {
        let end = |device: &Device| device.kind == "veth" && !device.is_peer && kinds.iter().any(|kind| kind == "end");
        let fits = |device: &&Device| {
            device.ns == self.ns && (kinds.is_empty() || kinds.contains(&device.kind) || end(device))
        };
        self.devices.iter().filter(fits).cloned().collect()
    }

    /// The lines of a section; it ends at a line that lacks something.
    fn section(&mut self, section: &Section, lines: &mut Vec<Line>) {
        for template in &section.lines {
            let Some(mut text) = self.fill(&template.text) else { return };
            let mut options = vec![section.option];
            for clause in &template.clauses {
                if !self.chance.percent(clause.percent) {
                    continue;
                }
                let Some((way, option)) = self.chance.one(&clause.ways).cloned() else { continue };
                match self.fill(&way) {
                    Some(words) => {
                        text = format!("{text} {words}");
                        options.push(option);
                    }
                    None if clause.percent == 100 => return,
                    None => {}
                }
            }
            lines.push(Line { ns: self.ns, text, options });
        }
    }

    /// A text with its placeholders filled; `None` if there is nothing to fill one with.
    fn fill(&mut self, text: &str) -> Option<String> {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (inside, after) = after.split_once('}')?;
            out += before;
            out += &match inside.split_once('=') {
                Some((name, what)) => {
                    let value = self.value(what)?;
                    self.names.push((name.to_string(), value.clone()));
                    value
                }
                None => self.value(inside)?,
            };
            rest = after;
        }
        Some(out + rest)
    }

    /// What stands for one placeholder.
    fn value(&mut self, what: &str) -> Option<String> {
        if let Some((_, value)) = self.names.iter().rev().find(|(name, _)| name == what) {
            return Some(value.clone());
        }
        if let Some((low, high)) = what.split_once("..") {
            return Some(self.chance.within(low.parse().ok()?, high.parse().ok()?).to_string());
        }
        if let Some(kinds) = what.strip_prefix("dev:") {
            let kinds: Vec<String> = kinds.split(',').map(str::to_string).collect();
            return Some(self.pick(&kinds)?.name);
        }
        if let Some(kind) = what.strip_prefix("new:") {
            return Some(self.device(self.ns, kind));
        }
        if what.contains(',') {
            let ways: Vec<&str> = what.split(',').collect();
            return self.chance.one(&ways).map(|way| way.to_string());
        }
        let (kind, other) = (self.kind, (self.ns + self.chance.within(1, 2) as usize) % NAMESPACES.len());
        let (x, y, z) = (self.chance.within(0, 255), self.chance.within(0, 255), self.chance.within(1, 254));
        Some(match what {
            "dev" => self.pick(&[])?.name,
            "new" => self.device(self.ns, kind),
            "peer" => {
                let here = self.chance.percent(60);
                let name = self.device(if here { self.ns } else { other }, kind);
                self.devices.last_mut()?.is_peer = true;
                if here { format!("name {name}") } else { format!("name {name} netns {}", NAMESPACES[other]) }
            }
            "ns" => NAMESPACES[other].to_string(),
            // A device's own addresses tell namespace and device.
            "base4" | "base6" => {
                let this = self.value("this")?;
                let device = self.devices.iter().find(|device| device.ns == self.ns && device.name == this)?;
                match what {
                    "base4" => format!("10.{}.{}.1/24", device.ns, device.number),
                    _ => format!("2001:db8:{}:{}::1/64", device.ns, device.number),
                }
            }
            "gw4" | "gw6" | "own4" | "own6" | "second4" => {
                let device = self.near()?;
                self.names.push(("gwdev".to_string(), device.name));
                let (ns, number) = (device.ns, device.number);
                match what {
                    "gw4" => format!("10.{ns}.{number}.{}", z.max(2)),
                    "gw6" => format!("2001:db8:{ns}:{number}::{:x}", z.max(2)),
                    "own4" => format!("10.{ns}.{number}.1"),
                    "own6" => format!("2001:db8:{ns}:{number}::1"),
                    _ => format!("10.{ns}.{number}.{}/24", z.max(2)),
                }
            }
            "gwdev" => self.near()?.name,
            "host4" => format!("172.{}.{y}.{z}", 16 + x % 16),
            "host6" => format!("fd00:{x:x}:{y:x}::{z:x}"),
            "mc4" => format!("239.{x}.{y}.{z}"),
            "mc6" => format!("ff05::{x:x}:{z:x}"),
            "net4" => match x % 4 {
                0 => format!("192.{x}.{y}.{z}"),
                1 => format!("198.18.{y}.0/24"),
                2 => format!("100.{x}.{y}.{}/30", z & 0xfc),
                _ => format!("11.{y}.0.0/16"),
            },
            "net6" => match x % 3 {
                0 => format!("2001:db8:f{x:02x}:{y:x}::/64"),
                1 => format!("fc00:{x:x}:{y:x}::/48"),
                _ => format!("fc01::{x:x}:{y:x}:{z:x}"),
            },
            "net6s" => format!("2001:db8:{:x}", 0x1000 + x),
            "mac" => format!("02:00:5e:{x:02x}:{y:02x}:{z:02x}"),
            "newnh" => self.nexthop("hop"),
            "newnh6" => self.nexthop("hop6"),
            "newgroup" => self.nexthop("group"),
            "newfdb" => self.nexthop("fdb"),
            "nh" => self.known("hop")?,
            "group" => self.known("group")?,
            "fdbnh" => self.known("fdb")?,
            _ => return None,
        })
    }

    /// A device of this namespace.
    fn pick(&mut self, kinds: &[String]) -> Option<Device> {
        let own = self.own(kinds);
        self.chance.one(&own).cloned()
    }

    /// A device that has neighbours, most often: of a kind that always comes up with its addresses.
    fn near(&mut self) -> Option<Device> {
        let plain = self.own(&["veth", "dummy", "bridge", "vxlan", "geneve"].map(str::to_string));
        if self.chance.percent(80) && !plain.is_empty() {
            return self.chance.one(&plain).cloned();
        }
        self.pick(&[])
    }

    /// A new device's name.
    fn device(&mut self, ns: usize, kind: &str) -> String {
        let number = self.devices.iter().filter(|device| device.ns == ns).count();
        let name = match self.chance.within(0, 9) {
            0 => format!("{:.8}-long{number}", kind),
            _ => format!("{:.3}{}{number}", kind, NAMESPACES[ns]),
        };
        self.devices.push(Device { ns, name: name.clone(), kind: kind.to_string(), is_peer: false, number });
        name
    }

    /// A new nexthop object's number.
    fn nexthop(&mut self, what: &'static str) -> String {
        self.last += self.chance.within(1, 50);
        self.nexthops.push((self.ns, self.last, what));
        self.last.to_string()
    }

    /// The number of a nexthop object of this namespace.
    fn known(&mut self, what: &str) -> Option<String> {
        let own = self.nexthops.iter().filter(|(ns, _, kind)| *ns == self.ns && *kind == what);
        let own: Vec<u64> = own.map(|(_, id, _)| *id).collect();
        self.chance.one(&own).map(u64::to_string)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diff::table::{TEXT, parse};

    #[test]
    fn the_same_numbers_make_the_same_topology() {
        let table = parse(TEXT).unwrap();
        let kinds: Vec<String> = table.kinds().into_iter().map(str::to_string).collect();
        assert_eq!(make(&table, &kinds, 1, 5, 100), make(&table, &kinds, 1, 5, 100));
        assert_ne!(make(&table, &kinds, 1, 5, 100), make(&table, &kinds, 1, 6, 100));
        assert!(make(&table, &kinds, 1, 0, 100).len() > make(&table, &kinds, 1, 5, 100).len());
    }

    #[test]
    fn every_option_is_reached_and_every_placeholder_known() {
        let table = parse(TEXT).unwrap();
        let kinds: Vec<String> = table.kinds().into_iter().map(str::to_string).collect();
        let mut used = vec![0; table.options.len()];
        for number in 0..400 {
            for line in make(&table, &kinds, 1, number, 100) {
                assert!(!line.text.contains(['{', '}']), "{}", line.text);
                line.options.iter().for_each(|&option| used[option] += 1);
            }
        }
        let never = |option: usize| used[option] == 0;
        let never: Vec<&str> =
            (0..used.len()).filter(|&option| never(option)).map(|option| table.options[option].name.as_str()).collect();
        assert!(never.is_empty(), "{never:?}");
    }

    #[test]
    fn no_bridge_has_both_ends_of_a_pair() {
        let table = parse(TEXT).unwrap();
        let kinds = ["veth", "bridge", "vxlan"].map(str::to_string);
        for number in 0..40 {
            let lines = make(&table, &kinds, 1, number, 100);
            // Names tell the namespace, save for long ones.
            let second = |line: &Line| Some(line.text.split_once(" peer name ")?.1.split(' ').next()?.to_string());
            let seconds: Vec<String> = lines.iter().filter_map(second).collect();
            for line in &lines {
                let port = line.text.strip_prefix("ip link set ").and_then(|rest| rest.split_once(" master "));
                let Some((port, _)) = port.filter(|(_, bridge)| bridge.starts_with("bri")) else { continue };
                assert!(port.contains("-long") || !seconds.iter().any(|second| second == port), "{}", line.text);
            }
        }
    }

    #[test]
    fn kinds_that_the_kernel_lacks_are_left_out() {
        let table = parse(TEXT).unwrap();
        let lines = make(&table, &["veth".to_string()], 1, 0, 100);
        assert!(lines.iter().any(|line| line.text.contains("type veth")));
        assert!(!lines.iter().any(|line| line.text.contains("type bridge ")));
    }
}
