//! Files of topologies: what the examples say, what bad files are told, and text -> topology -> text -> topology.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "file/bad.rs"]
mod bad;
#[path = "file/docs.rs"]
mod docs;
#[path = "file/includes.rs"]
mod includes;
#[path = "file/round_trip.rs"]
mod round_trip;
#[path = "file/syntax.rs"]
mod syntax;

use std::io;

use netstrap::file::{File, Files, read};
use netstrap::model::topology::{LinkKind, Place, SettingValue};

/// Files in memory.
pub struct Memory<'a>(pub &'a [(&'a str, &'a str)]);

impl Files for Memory<'_> {
    fn read(&mut self, path: &str) -> io::Result<Vec<u8>> {
        let found = self.0.iter().find(|file| file.0 == path);
        found.map(|file| file.1.as_bytes().to_vec()).ok_or(io::Error::from_raw_os_error(2))
    }

    fn list(&mut self, folder: &str) -> io::Result<Vec<String>> {
        let start = if folder == "." { String::new() } else { format!("{folder}/") };
        let inside = self.0.iter().filter_map(|file| file.0.strip_prefix(&start));
        Ok(inside.filter(|name| !name.contains('/')).map(str::to_owned).collect())
    }
}

/// Reads one text.
pub fn parse(text: &str) -> Result<File, String> {
    read("f", &mut Memory(&[("f", text)])).map_err(|refused| refused.to_string())
}

fn example(name: &str) -> File {
    let path = format!("{}/examples/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    parse(&text).unwrap_or_else(|errors| panic!("{name}:\n{errors}"))
}

fn place<'a>(file: &'a File, name: &str) -> &'a Place {
    let is = |place: &&Place| place.name.as_ref().is_some_and(|own| own.to_string() == name);
    file.topology.places.iter().find(is).unwrap_or_else(|| panic!("no {name}"))
}

fn names(place: &Place) -> String {
    place.links.iter().map(|link| link.name.to_string()).collect::<Vec<_>>().join(" ")
}

#[test]
fn the_walkthrough_is_twenty_lines() {
    let file = example("walkthrough.toml");
    let text = &file.sources.files[0].text;
    let lines = text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')).count();
    assert!(lines <= 20, "{lines}");
    let topology = &file.topology;
    assert_eq!((topology.name.as_str(), topology.places.len()), ("walkthrough", 3));
    let host = &topology.places[0];
    assert!(host.forward.v4 && !host.forward.v6);
    assert_eq!(names(host), "v-net-0 veth-red-br veth-blue-br");
    assert_eq!(host.masquerades[0].what.from[0].to_string(), "192.168.15.0/24");
    let red = place(&file, "red");
    assert_eq!(names(red), "veth-red");
    let link = &red.links[0];
    assert_eq!((link.kind, link.up), (LinkKind::Veth, true));
    let peer = link.peer.as_ref().unwrap();
    assert_eq!((peer.place, peer.name.to_string().as_str()), (0, "veth-red-br"));
    assert_eq!(host.links[1].master.as_ref().unwrap().what.to_string(), "v-net-0");
    assert_eq!(host.links[1].peer.as_ref().unwrap().place, 1);
    assert_eq!(red.routes[0].what.route.via, Some("192.168.15.5".parse().unwrap()));
    // What an apply would name: file, line, column.
    assert_eq!(file.sources.place(red.routes[0].at), "f:12:10");
    assert_eq!(file.sources.place(link.at), "f:13:17");
}

#[test]
fn a_range_makes_a_thousand_namespaces() {
    let file = example("thousand.toml");
    assert_eq!(file.topology.places.len(), 1001);
    assert_eq!(file.topology.places[0].links.len(), 1001);
    for (name, v4, v6) in [("w1", "10.1.0.1", "fd00:1::1"), ("w1000", "10.1.3.232", "fd00:1::3e8")] {
        let link = &place(&file, name).links[0];
        let own: Vec<_> = link.addresses.iter().map(|addr| addr.what.own().unwrap().to_string()).collect();
        assert_eq!(own, [v4, v6]);
        assert_eq!(link.peer.as_ref().unwrap().name.to_string(), name);
        assert_eq!(link.number("mtu"), None);
    }
    let odd = &place(&file, "w7").links[0];
    assert_eq!((odd.number("mtu"), odd.addresses.len()), (Some(1400), 2));
}

#[test]
fn the_other_examples() {
    let (a, b) = (example("lab-a.toml"), example("lab-b.toml"));
    let all = |file: &File| -> Vec<String> {
        let names = file.topology.places.iter().filter_map(|place| place.name.as_ref()).map(ToString::to_string);
        names.chain(file.topology.places[0].links.iter().map(|link| link.name.to_string())).collect()
    };
    assert!(all(&a).iter().all(|name| !all(&b).contains(name)), "the labs share a name");
    assert_eq!(names(place(&b, "b-router")), "to-1 to-2 to-3 to-4");
    assert_eq!(place(&a, "a-server").hosts.len(), 2);

    let router = example("router.toml");
    let host = &router.topology.places[0];
    let ports: Vec<_> = host.forward_ports.iter().map(|said| (said.what.protocol, said.what.ports)).collect();
    assert_eq!(ports, [(6, (8080, 8080)), (6, (6000, 6063)), (17, (53, 53))]);
    let eth0 = host.links.iter().find(|link| link.kind == LinkKind::Device).unwrap();
    assert_eq!(eth0.get("wait"), Some(&SettingValue::Number(10_000)));
    assert_eq!(place(&router, "dns").rules.len(), 1);

    // The script hands its file to `netstrap apply -`.
    let script = std::fs::read_to_string(format!("{}/examples/init.sh", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let boot = script.split_once("netstrap apply - <<'END'\n").unwrap().1.strip_suffix("END\n").unwrap();
    assert_eq!(names(&parse(boot).unwrap().topology.places[0]), "br0 eth0 app");
}

#[test]
fn json_says_the_same_as_toml() {
    let toml = parse("name = \"a\"\n[dummy.d]\naddress = [\"10.0.0.1/24\"]\nmtu = 1400\nup = false\n").unwrap();
    let json =
        parse(r#" {"name": "\u0061", "dummy": {"d": {"address": ["10.0.0.1\/24"], "mtu": 1400, "up": false}}} "#);
    assert_eq!(json.unwrap().topology, toml.topology);
}

#[test]
fn a_member_is_merged_over_its_ranges() {
    let file = parse(
        "name = \"a\"
        [netns.c.dummy.d]
        mtu = 1300
        [netns.\"{a,b,c}\".dummy.d]
        mtu = 1400
        alias = \"{i}\"
        [netns.\"{b,c}\".dummy.\"d{1..2}\"]
        address = [\"10.{i}.0.1/24\"]
        [netns.\"{b,c}\".dummy.d]
        mtu = 1500
        txqueuelen = 5
        ",
    )
    .unwrap();
    for (name, mtu, queue, links) in
        [("a", 1400, None, "d"), ("b", 1500, Some(5), "d d1 d2"), ("c", 1300, Some(5), "d d1 d2")]
    {
        let place = place(&file, name);
        assert_eq!(place.links.iter().map(|link| link.name.to_string()).filter(|name| name == "d").count(), 1);
        let mut found: Vec<_> = place.links.iter().map(|link| link.name.to_string()).collect();
        found.sort();
        assert_eq!(found.join(" "), links);
        let link = place.links.iter().find(|link| link.name.to_string() == "d").unwrap();
        assert_eq!((link.number("mtu"), link.number("txqueuelen")), (Some(mtu), queue), "{name}");
        assert_eq!(link.get("alias"), Some(&SettingValue::Text(name.into())));
    }
}

#[test]
fn a_lower_link_is_here_or_else_on_the_host() {
    let file = parse(
        "name = \"a\"
        [dummy.eth0]
        [dummy.other]
        [netns.n.dummy.other]
        [netns.n.macvlan]
        eth0 = { link = \"eth0\" }
        here = { link = \"other\", mode = \"bridge\" }
        there = { link = \"host:other\" }
        ",
    )
    .unwrap();
    let place = place(&file, "n");
    let lower = |name: &str| {
        let link = place.links.iter().find(|link| link.name.to_string() == name).unwrap();
        let lower = &link.lower.as_ref().unwrap().what;
        (lower.place, lower.name.to_string())
    };
    assert_eq!(lower("eth0"), (0, "eth0".into()));
    assert_eq!(lower("here"), (1, "other".into()));
    assert_eq!(lower("there"), (0, "other".into()));
}

#[test]
fn no_range_is_without_end() {
    // 65,536 names and no more, whatever the nesting.
    for text in [
        "name = \"a\"\n[netns.\"n{0..65536}\"]\n",
        "name = \"a\"\n[netns.\"n{0..999999999999}\"]\n",
        "name = \"a\"\n[netns.\"n{1..300}\".dummy.\"d{1..300}\"]\n",
    ] {
        let errors = parse(text).unwrap_err();
        assert!(errors.contains("the ranges of the file make more than 65536 names"), "{errors}");
    }
    // An error of every member is told once, and costs no more than that.
    for text in [
        "name = \"a\"\n[dummy.\"d{1..30000}\"]\nmaster = \"x\"\n",
        "name = \"a\"\n[vlan.\"d{1..30000}\"]\nlink = \"x\"\nid = 1\n",
        "name = \"a\"\n[veth.\"d{1..30000}\"]\npeer = { name = \"p{i}\", netns = \"x\" }\n",
        "name = \"a\"\n[netns.n.dummy.\"d{1..30000}\"]\n[netns.n]\nroute = \"default dev x\"\n",
    ] {
        assert_eq!(parse(text).unwrap_err().lines().count(), 1);
    }
    let list = "\"10.0.0.1/24\", ".repeat(100);
    let text = format!("name = \"a\"\n[netns.\"n{{1..60000}}\".dummy.d]\naddress = [{list}]\n");
    let errors = parse(&text).unwrap_err();
    assert!(errors.contains("has more than 2000000 values"), "{errors}");
}
