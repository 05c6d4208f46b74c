//! Looking at many namespaces at once from one process that stays where it is.
#![allow(clippy::unwrap_used)]

mod support;

use netstrap::lab::sockets::Sockets;
use netstrap::model::name::NsName;
use netstrap::model::world::Presence;
use netstrap::wire::link::GetLink;

use support::{ours, sandboxed};

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
        assert_eq!(sockets.len(), 5);
        for (place, there) in [(0, None), (1, Some("in-red")), (3, Some("in-blue")), (0, None), (1, Some("in-red"))] {
            let links = sockets.route(place).unwrap().dump(&GetLink::All).unwrap();
            let name =
                links.into_iter().map(|link| String::from_utf8(link.name).unwrap()).find(|n| n.starts_with("in"));
            assert_eq!(name.as_deref(), there, "{place}");
        }
        assert_eq!((sockets.presence(2), sockets.presence(4)), (Presence::Absent, Presence::Leftover));
        assert!(sockets.route(2).is_err() && sockets.netfilter(4).is_err() && sockets.within(2, || ()).is_err());
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
        std::fs::write("/run/netns/other", "").unwrap();
        support::run(std::process::Command::new("mount").args(["--bind", "/proc/self/ns/uts", "/run/netns/other"]))
            .ok();
        for (file, what) in [
            ("alias", "a symbolic link"),
            ("text", "something else"),
            ("folder", "something else"),
            ("other", "something else"),
        ] {
            let error = Sockets::open(&[name("red"), name(file)]).unwrap_err().to_string();
            assert!(error.contains(&format!("/run/netns/{file} is {what}, no network namespace")), "{error}");
        }
        // Where all names are gone through, those of others stop nothing.
        let mut sockets = Sockets::open(&[]).unwrap();
        sockets.add(&["alias", "text", "red", "other"].map(name), false).unwrap();
        sockets.retain_from(1, &mut |_, socket| socket.get(&GetLink::Index(1)).is_ok());
        assert_eq!((sockets.len(), sockets.name(1)), (2, Some(&name("red"))));
        assert!(sockets.route(1).is_ok());
    });
}
