//! Looking at many namespaces at once from one process that stays where it is.
#![allow(clippy::unwrap_used)]

mod support;

use netstrap::error::Kind;
use netstrap::lab::look::{self, Wanted};
use netstrap::lab::sockets::Sockets;
use netstrap::model::lab::Lab;
use netstrap::model::link::{LinkChange, LinkId, LinkNumber};
use netstrap::model::name::NsName;
use netstrap::model::op::Op;
use netstrap::model::topology::{Place, Topology};
use netstrap::model::world::{EtcFile, Presence, Seen, World};
use netstrap::wire::encode;
use netstrap::wire::link::GetLink;

use support::lab::{apply, down, file, sh, traced, unchanged};
use support::{ours, run, sandboxed};

fn name(name: &str) -> NsName {
    NsName::new(name.as_bytes()).unwrap()
}

#[test]
fn sockets_are_each_in_the_namespace_of_their_place() {
    sandboxed("sockets_are_each_in_the_namespace_of_their_place", || {
        let home = std::fs::read_link("/proc/thread-self/ns/net").unwrap();
        for name in ["red", "blue"] {
            ours(&["ip", "netns", "add", name]).ok();
            ours(&["ip", "-n", name, "link", "add", &format!("in-{name}"), "type", "bridge"]).ok();
        }
        std::fs::write("/run/netns/stale", "").unwrap();
        let mut sockets = Sockets::open(&["red", "gone", "blue", "stale"].map(name)).unwrap();
        assert_eq!(sockets.count(), 5);
        for (place, there) in [(0, None), (1, Some("in-red")), (3, Some("in-blue")), (0, None), (1, Some("in-red"))] {
            let links = sockets.route(place).unwrap().dump(&GetLink::All).unwrap();
            let name =
                links.into_iter().map(|link| String::from_utf8(link.name).unwrap()).find(|n| n.starts_with("in"));
            assert_eq!(name.as_deref(), there, "{place}");
        }
        assert_eq!((sockets.presence(2), sockets.presence(4)), (Presence::Absent, Presence::Leftover));
        assert!(sockets.route(2).is_err() && sockets.route(4).is_err() && sockets.within(2, || ()).is_err());
        // A link of another place is not taken, though there is one of that index here, too.
        let lo = LinkId { ns: 1, index: std::num::NonZeroU32::MIN };
        let change = LinkChange { numbers: vec![(LinkNumber::Group, 7)], ..LinkChange::default() };
        let op = encode(&Op::ChangeLink(lo, change));
        assert_eq!(sockets.route(3).unwrap().request(op).unwrap_err().kind, Kind::ForeignLink);
        // Parameters are those of the thread's namespace.
        sockets.within(1, || std::fs::write("/proc/sys/net/ipv4/ip_forward", "1").unwrap()).unwrap();
        let mut seen = Vec::new();
        sockets
            .visit(&[0, 1, 2, 3], &mut |place| {
                seen.push((place, std::fs::read_to_string("/proc/sys/net/ipv4/ip_forward").unwrap()));
                Ok(())
            })
            .unwrap();
        assert_eq!(seen, [(0, "0\n".into()), (1, "1\n".into()), (3, "0\n".into())]);
        assert_eq!(std::fs::read_link("/proc/thread-self/ns/net").unwrap(), home);
    });
}

#[test]
fn what_is_no_namespace_is_refused_by_name() {
    sandboxed("what_is_no_namespace_is_refused_by_name", || {
        ours(&["ip", "netns", "add", "red"]).ok();
        std::os::unix::fs::symlink("/run/netns/red", "/run/netns/alias").unwrap();
        std::fs::write("/run/netns/text", "text").unwrap();
        std::fs::create_dir("/run/netns/folder").unwrap();
        let _socket = std::os::unix::net::UnixListener::bind("/run/netns/socket").unwrap();
        std::fs::write("/run/netns/other", "").unwrap();
        support::run(std::process::Command::new("mount").args(["--bind", "/proc/self/ns/uts", "/run/netns/other"]))
            .ok();
        for (file, what) in [
            ("alias", "a symbolic link"),
            ("text", "something else"),
            ("folder", "something else"),
            ("socket", "something else"),
            ("other", "something else"),
        ] {
            let error = Sockets::open(&[name("red"), name(file)]).unwrap_err().to_string();
            assert!(error.contains(&format!("/run/netns/{file} is {what}, no network namespace")), "{error}");
        }
        // Where all names are gone through, those of others stop nothing.
        let mut sockets = Sockets::open(&[]).unwrap();
        sockets.add(&["alias", "text", "socket", "red", "other"].map(name), false).unwrap();
        sockets.retain_from(1, &mut |_, socket| socket.get(&GetLink::Index(1)).is_ok());
        assert_eq!((sockets.count(), sockets.name(1)), (2, Some(&name("red"))));
        assert!(sockets.route(1).is_ok());
    });
}

fn index(seen: &Seen, name: &str) -> u32 {
    seen.state.links.iter().find(|link| link.name == name.as_bytes()).unwrap().index
}

#[test]
fn ids_of_namespaces_are_told_apart_where_indexes_are_the_same() {
    sandboxed("ids_of_namespaces_are_told_apart_where_indexes_are_the_same", || {
        for name in ["a", "b", "c", "d", "hidden"] {
            ours(&["ip", "netns", "add", name]).ok();
        }
        // Two pairs with the same indexes at each end, and one that leads where nobody looks.
        for (one, other) in [("a", "c"), ("b", "d")] {
            let words =
                ["ip", "-n", one, "link", "add", "v", "index", "20", "type", "veth", "peer", "name", "v", "index"];
            ours(&[&words[..], &["20", "netns", other]].concat()).ok();
        }
        ours(&[
            "ip", "link", "add", "x", "index", "20", "type", "veth", "peer", "name", "x", "index", "20", "netns",
            "hidden",
        ])
        .ok();
        ours(&[
            "ip", "link", "add", "y", "index", "31", "type", "veth", "peer", "name", "y", "index", "31", "netns", "d",
        ])
        .ok();
        let names: Vec<Vec<u8>> = ["d", "c", "b", "a", "c"].map(|name| name.as_bytes().to_vec()).to_vec();
        let world = look::live(true, &names, false).unwrap();
        let order: Vec<_> =
            world.places.iter().filter_map(|seen| seen.name.as_ref()).map(ToString::to_string).collect();
        assert_eq!(order, ["a", "b", "c", "d"], "by name, and each once");
        let leads = |place: usize, link: &str| {
            let seen: &Seen = &world.places[place];
            let id = seen.state.link(index(seen, link)).unwrap().link_netnsid.unwrap();
            seen.ids.iter().find(|known| known.0 == id).map(|known| known.1)
        };
        assert_eq!([leads(1, "v"), leads(2, "v"), leads(3, "v"), leads(4, "v")], [Some(3), Some(4), Some(1), Some(2)]);
        assert_eq!([leads(0, "x"), leads(0, "y"), leads(4, "y")], [None, Some(4), Some(0)]);
    });
}

#[test]
fn a_look_finds_what_a_topology_can_say_and_what_else_is_the_labs() {
    sandboxed("a_look_finds_what_a_topology_can_say_and_what_else_is_the_labs", || {
        let lab = Lab::new("one");
        for name in ["red", "left", "other"] {
            ours(&["ip", "netns", "add", name]).ok();
            ours(&["ip", "-n", name, "link", "add", "name", "br", "type", "bridge"]).ok();
            ours(&["ip", "-n", name, "link", "set", "dev", "br", "up"]).ok();
            ours(&["ip", "-n", name, "addr", "add", "10.0.0.1/24", "dev", "br"]).ok();
        }
        for name in ["red", "left"] {
            let mark = lab.mark(name.as_bytes(), b"lo").altname();
            ours(&["ip", "-n", name, "link", "property", "add", "dev", "lo", "altname", &mark]).ok();
        }
        for line in [
            "addr add fd00::1/64 dev br",
            "route add 10.1.0.0/16 via 10.0.0.9 table 77",
            "rule add from 10.0.0.0/8 table 77",
            "neigh add 10.0.0.5 lladdr 02:00:00:00:00:05 dev br",
            "neigh add 10.0.0.6 lladdr 02:00:00:00:00:06 nud reachable dev br",
            "neigh add proxy 10.0.0.7 dev br",
        ] {
            let words: Vec<&str> = ["ip", "-n", "red"].into_iter().chain(line.split(' ')).collect();
            ours(&words).ok();
        }
        std::fs::create_dir_all("/etc/netns/red").unwrap();
        std::fs::write("/etc/netns/red/hosts", "10.0.0.5 db\n").unwrap();
        let mut topology = Topology { name: "one".into(), places: vec![Place::default()] };
        topology.places.push(Place { name: Some(name("red")), ..Place::default() });
        topology.places.push(Place { name: Some(name("new")), ..Place::default() });
        topology.places[1].forward.v4 = true;
        let looked = |further: Option<&[Vec<u8>]>| -> World {
            let mut sockets = look::open(&topology, &lab, further).unwrap();
            look::look(&mut sockets, &Wanted { topology: &topology, lab: &lab, own: None }).unwrap()
        };
        let world = looked(None);
        let names: Vec<_> = world.places.iter().map(|seen| seen.name.as_ref().map(ToString::to_string)).collect();
        assert_eq!(names, [None, Some("red".into()), Some("new".into()), Some("left".into())]);
        assert_eq!(world.places[2], Seen { name: Some(name("new")), ..Seen::default() });
        assert!(world.places[1].is_of(&lab) && world.places[3].is_of(&lab) && !world.places[0].is_of(&lab));
        let red = &world.places[1];
        let addrs = red.state.addrs.iter().filter(|(_, addr)| !addr.own().unwrap().to_string().starts_with("fe80"));
        assert_eq!(addrs.filter(|(link, _)| *link == index(red, "br")).count(), 2);
        assert!(red.state.routes.iter().any(|route| route.table == 77));
        assert!(red.state.routes.iter().all(|route| route.table != 255 || route.protocol != 2));
        assert!(red.rules.iter().any(|rule| rule.table == 77) && red.rules.len() == 6);
        let neighs = red.state.neighs.iter().filter_map(|neigh| neigh.dst).map(|dst| dst.to_string());
        let neighs: Vec<_> = neighs.filter(|dst| dst.starts_with("10.")).collect();
        assert_eq!(neighs, ["10.0.0.5", "10.0.0.7"]);
        assert_eq!((red.sysctls.len(), red.sysctls[0].value.as_str()), (1, "0"));
        assert_eq!(red.files, [(EtcFile::Hosts, "10.0.0.5 db\n".to_owned())]);
        // By name alone further ones are found that are the lab's, and no other.
        assert_eq!(looked(Some(&[])).places.len(), 3);
        assert_eq!(looked(Some(&[b"other".to_vec(), b"left".to_vec(), b"red".to_vec()])).places.len(), 4);
    });
}

#[test]
fn many_namespaces_are_looked_at_by_two_threads_or_by_one() {
    sandboxed("many_namespaces_are_looked_at_by_two_threads_or_by_one", || {
        let text = "name = \"wide\"\n[bridge.b]\n[netns.\"w{1..40}\".veth.eth0]\naddress = [\"10.9.0.0/16 + {i}\"]\n\
                    peer = { name = \"p{i}\", master = \"b\" }\n";
        apply(text);
        unchanged(text);
        for damaged in [1, 20, 21, 40] {
            sh(&format!("ip -n w{damaged} link set eth0 mtu 1400"));
            let ran = ours(&["status", "wide"]);
            let said = format!("~ veth eth0 in w{damaged}: mtu 1400 -> 1500\n1 to change\n");
            assert_eq!((ran.code, ran.out), (2, said));
            assert_eq!(apply(text), "changed: 1 changed\n");
        }
        // A thread that cannot be: sockets are opened by one, and nothing is begun then; lists are read without.
        let path = file("wide", text);
        let mut ends = Vec::new();
        for k in 1..9 {
            let inject = format!("inject=clone,clone3:error=EAGAIN:when={k}");
            let ran = run(&mut traced(&["-e", &inject], "/run/trace", &["apply", &path]));
            if !std::fs::read_to_string("/run/trace").unwrap().contains("(INJECTED)") {
                break;
            }
            let is_told = ran.code == 1 && ran.err.contains("Resource temporarily unavailable");
            assert!(is_told || ran.out == "unchanged\n", "{ran:?}");
            ends.push(ran.code);
        }
        ends.sort_unstable();
        assert_eq!(ends, [0, 1]);
        down("wide");
    });
}
