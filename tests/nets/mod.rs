//! What the tests of planned contents share: a host of a sandbox that is looked at and changed over one socket,
//! by planner and socket layer alone.

#![allow(dead_code)]

use std::io;

use netstrap::file;
use netstrap::model::ip::Family;
use netstrap::model::lab::Lab;
use netstrap::model::neigh::NeighFilter;
use netstrap::model::op::Op;
use netstrap::model::plan::{Act, Plan, Sign, Step};
use netstrap::model::port::{PVID, PortFilter, UNTAGGED, rows};
use netstrap::model::route::RouteFilter;
use netstrap::model::rule::RuleFilter;
use netstrap::model::topology::{PortVlan, Sysctl, Topology, long_ones};
use netstrap::model::world::{Presence, Seen, World};
use netstrap::plan::{Known, Options, plan};
use netstrap::socket::Socket;
use netstrap::sysctl::Key;
use netstrap::translations::Translations;
use netstrap::wire;
use netstrap::wire::addr::GetAddrs;
use netstrap::wire::build::Route;
use netstrap::wire::link::GetLink;

/// Links that all cases have: `a` and `b` are up with addresses, `c` has none.
pub const BASE: &str = r#"
name = "t"
[veth.a]
address = ["10.1.0.1/24", "fd01::1/64"]
peer = { name = "pa" }
[veth.b]
address = ["10.2.0.1/24", "fd02::1/64"]
peer = { name = "pb" }
[veth.c]
peer = { name = "pc" }
"#;

struct One(String);

impl file::Files for One {
    fn read(&mut self, _: &str) -> io::Result<Vec<u8>> {
        Ok(self.0.clone().into_bytes())
    }

    fn list(&mut self, _: &str) -> io::Result<Vec<String>> {
        Ok(Vec::new())
    }
}

/// What a file says.
#[track_caller]
pub fn topology(text: &str) -> Topology {
    match file::read("t.toml", &mut One(text.to_owned())) {
        Ok(file) => file.topology,
        Err(refused) => panic!("{text}\n{refused}"),
    }
}

/// Parameters of a link of the host that a plan implies.
const IMPLIED: [&str; 3] =
    ["net.ipv4.conf.accept_redirects", "net.ipv6.conf.accept_redirects", "net.ipv6.conf.accept_ra"];
const FORWARDING: [&str; 2] = ["net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"];

/// Runs a script by the real nft.
#[track_caller]
pub fn nft(script: &str) {
    use std::io::Write;
    use std::process::{Command, Stdio};
    let mut nft = Command::new(crate::support::tool("nft")).args(["-f", "-"]).stdin(Stdio::piped()).spawn().unwrap();
    nft.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    assert!(nft.wait().unwrap().success(), "{script}");
}

/// A step in a line.
fn brief(step: &Step) -> String {
    format!("{:?} {:?} {:?}", step.sign, step.act, step.why)
}

/// The host of the sandbox.
pub struct Host {
    pub lab: Lab,
    pub socket: Socket<Route>,
    pub known: Known,
    pub options: Options,
}

impl Host {
    pub fn new(lab: &str) -> Self {
        let options = Options { adopt: false, replace: false, prune: true, index: 1 << 21 };
        Host { lab: Lab::new(lab), socket: Socket::open().unwrap(), known: Known::default(), options }
    }

    /// What is there.
    pub fn look(&mut self, topology: &Topology) -> World {
        let mut seen = Seen { presence: Presence::There, ..Seen::default() };
        let socket = &mut self.socket;
        seen.state.links = socket.dump(&GetLink::All).unwrap();
        seen.state.addrs = socket.dump(&GetAddrs::default()).unwrap();
        for family in [Family::V4, Family::V6] {
            seen.state.routes.extend(socket.dump(&RouteFilter { family, ..RouteFilter::default() }).unwrap());
            seen.rules.extend(socket.dump(&RuleFilter { family }).unwrap());
            for proxies in [false, true] {
                let filter = NeighFilter { family, proxies, ..NeighFilter::default() };
                seen.state.neighs.extend(socket.dump(&filter).unwrap());
            }
        }
        for port in socket.dump(&PortFilter::VlanRanges).unwrap() {
            for row in rows(&port.vlans, 0) {
                let (pvid, untagged) = (row.flags & PVID != 0, row.flags & UNTAGGED != 0);
                seen.vlans.push((port.link.index, PortVlan { ids: row.ids, pvid, untagged }));
            }
        }
        let place = &topology.places[0];
        let of_links = place.links.iter().flat_map(|link| {
            // Those that are implied too.
            let names = link.sysctls.iter().map(|said| said.what.name.as_str()).chain(IMPLIED);
            names.map(|name| {
                let own = Sysctl { name: name.to_owned(), value: String::new() };
                own.of_link(&link.name.to_string())
            })
        });
        let of_place = place.sysctls.iter().map(|said| said.what.name.clone());
        for name in of_place.chain(FORWARDING.map(str::to_owned)).chain(of_links) {
            if let Ok(value) = Key::parse(&name).read() {
                let value = String::from_utf8(value).unwrap().trim_end().to_owned();
                seen.sysctls.push(Sysctl { name, value });
            }
        }
        let long = long_ones(place, &seen.state.addrs);
        let (translations, right) = Translations::of_lab(Socket::open().unwrap(), &self.lab).found(&long).unwrap();
        (seen.translations, seen.foreign_rules) = (translations, !right);
        World { places: vec![seen] }
    }

    /// What would be done.
    pub fn plan(&mut self, topology: &Topology) -> Plan {
        let world = self.look(topology);
        plan(topology, &world, &self.known, self.options).unwrap_or_else(|conflicts| panic!("{conflicts:#?}"))
    }

    pub fn run(&mut self, step: &Step) -> netstrap::error::Result<()> {
        match &step.act {
            Act::Op(op) => self.socket.request(wire::encode(op)).map(|_| ()),
            Act::MakeLink(make) => self.socket.request(wire::encode(&Op::CreateLink(make.new.clone()))).map(|_| ()),
            Act::Sysctl { name, to, .. } => {
                Key::parse(name).write(to).unwrap();
                Ok(())
            }
            Act::Translations(translations) => {
                Translations::of_lab(Socket::open().unwrap(), &self.lab).make(translations).unwrap();
                Ok(())
            }
            other => panic!("{other:?}"),
        }
    }

    /// Does what is planned, and asserts that nothing is left to do; the steps that were done.
    #[track_caller]
    pub fn apply(&mut self, text: &str) -> Result<Vec<Step>, String> {
        let mut topology = topology(text);
        topology.name = self.lab.name().to_owned();
        let made = self.plan(&topology);
        for step in &made.steps {
            match self.run(step) {
                // What went before took it along.
                Err(error)
                    if step.sign == Sign::Remove
                        && matches!(error.errno(), Some(libc::ENOENT | libc::ESRCH | libc::EADDRNOTAVAIL)) => {}
                Err(error) => return Err(format!("{} at {}", error.kind, brief(step))),
                Ok(()) => {}
            }
        }
        let again = self.plan(&topology);
        match again.steps.is_empty() {
            true => {
                // As the state file would say.
                self.known.own = Some(topology);
                Ok(made.steps)
            }
            false => {
                let list = |steps: &[Step]| steps.iter().map(brief).collect::<Vec<_>>().join("\n    ");
                Err(format!("\n  done {}\n  left {}", list(&made.steps), list(&again.steps)))
            }
        }
    }

    /// As [`Host::apply`], where nothing may go wrong.
    #[track_caller]
    pub fn must(&mut self, text: &str) -> Vec<Step> {
        self.apply(text).unwrap_or_else(|wrong| panic!("{wrong}"))
    }
}
