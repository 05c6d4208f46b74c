//! Every change that we can send beside the golden record of iproute2's: each variant of `Op` names
//! the command line whose record it is held against, and each example of the forms is sent by our
//! binary and compared with its record, attribute by attribute.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[allow(dead_code)]
#[path = "../xtask/src/golden/capture.rs"]
mod capture;
#[allow(dead_code)]
#[path = "../xtask/src/golden/compare.rs"]
mod compare;
#[allow(dead_code)]
#[path = "../xtask/src/golden/judge.rs"]
mod judge;
#[path = "../xtask/src/golden/kernel.rs"]
mod kernel;
#[allow(dead_code)]
#[path = "../xtask/src/golden/message.rs"]
mod message;
#[allow(dead_code)]
#[path = "../xtask/src/golden/names.rs"]
mod names;
mod oracle;
#[allow(dead_code)]
#[path = "../xtask/src/golden/place.rs"]
mod place;
#[allow(dead_code)]
#[path = "../xtask/src/golden/record.rs"]
mod record;
mod support;
#[allow(dead_code)]
#[path = "../xtask/src/golden/table.rs"]
mod table;
#[path = "../xtask/src/sys/trace.rs"]
mod trace;

use std::path::{Path, PathBuf};

use netstrap::model::addr::AddrVerb;
use netstrap::model::neigh::NeighVerb;
use netstrap::model::nexthop::NextHopVerb;
use netstrap::model::op::Op;
use netstrap::model::route::RouteVerb;

use judge::{Verdict, judge};
use names::Names;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// A match over all changes, and all that it leads to as a list.
macro_rules! records {
    ($($op:pat => $lines:expr,)*) => {
        fn records_of(op: &Op<'_>) -> &'static [&'static str] {
            match op {
                $($op => $lines,)*
            }
        }
        const RECORDS: &[&[&str]] = &[$($lines,)*];
    };
}

// The command lines whose records show a change as iproute2 sends it. A new variant has to be named
// here, and its command lines in tests/data/ip-forms.tsv; `cargo xtask golden --bless` records them.
records! {
    Op::CreateLink(_) => &["ip link add name n0 type bridge", "ip link add n0 type veth peer name n1"],
    Op::ChangeLink(..) => &["ip link set dev v0 up", "ip link set dev br0 type bridge vlan_filtering 1"],
    Op::ReplaceLink(_) => &["ip link replace n0 type dummy"],
    Op::DeleteLink(_) => &["ip link delete dev v0"],
    Op::ChangeGroup(..) => &["ip link set group default up"],
    Op::DeleteGroup(_) => &["ip link delete group 5"],
    Op::AltNames(..) => &["ip link property add v0 altname n9"],
    Op::SetNsid(..) => &["ip netns set ns1 5"],
    Op::Addr(AddrVerb::Delete, ..) => &["ip addr delete 192.168.15.1/24 dev v0"],
    Op::Addr(..) => &["ip addr add 192.168.20.1/24 dev v0", "ip addr replace 192.168.20.1/24 dev v0"],
    Op::Route(RouteVerb::Delete, _) => &["ip route delete 10.1.0.0/16 dev v0"],
    Op::Route(..) => &["ip route add 10.2.0.0/16 via 192.168.15.2", "ip route replace 10.2.0.0/16 dev v0"],
    Op::Neigh(NeighVerb::Delete, _) => &["ip neigh delete 192.168.15.2 dev v0"],
    Op::Neigh(..) => &["ip neigh add 192.168.30.2 lladdr 02:00:00:00:03:02 dev v0"],
    Op::Fdb(..) => &["bridge fdb add 02:00:00:00:09:01 dev p0 master static"],
    Op::BridgePort(_) => &["bridge link set dev p0 learning off flood on state forwarding"],
    Op::BridgeVlan(_) => &["bridge vlan add dev p0 vid 5 pvid untagged"],
    Op::Token(..) => &["ip token set ::5 dev v0"],
    Op::AddrLabel(true, _) => &["ip addrlabel add prefix fd00:1::/64 label 99"],
    Op::AddrLabel(false, _) => &["ip addrlabel delete prefix fd00:1::/64 label 99"],
    Op::NextHop(NextHopVerb::Delete, _) => &["ip nexthop delete id 1"],
    Op::NextHop(..) => &["ip nexthop add id 50 via 192.168.15.2 dev v0", "ip nexthop add id 50 group 1/2,3"],
    Op::Rule { delete: true, .. } => &["ip rule delete priority 200"],
    Op::Rule { delete: false, .. } => &["ip rule add from 10.3.0.0/16 table 100"],
}

/// Puts the nested flag on the nests of a kind: iproute2 leaves it off, which the table of differences says.
fn flag(nodes: &mut [message::Node]) {
    for node in nodes.iter_mut().filter(|node| !node.children.is_empty()) {
        node.nested = true;
        flag(&mut node.children);
    }
}

#[test]
fn every_change_has_a_record_of_iproute2_that_we_can_read() {
    let names = Names::new();
    let records = record::read(&names, &folder()).unwrap();
    assert!(RECORDS.contains(&records_of(&oracle::source::Source(&[0; 256]).op())));
    for line in RECORDS.iter().copied().flatten() {
        let record = records.get(*line).unwrap_or_else(|| panic!("no record of: {line}"));
        assert!(!record.messages.is_empty(), "{line}");
        for message in &record.messages {
            let mut message = message.clone();
            let kind = message.attributes.iter_mut().find(|node| node.name == "LINKINFO");
            flag(kind.map(std::slice::from_mut).unwrap_or_default());
            let bytes = message.bytes();
            oracle::structure::judge(&bytes);
            oracle::judge_decoding(&bytes);
        }
    }
}

/// How many of a hundred command lines must be covered.
const LEAST: usize = 90;

/// Set for the test program that runs in the place.
const PLACE: &str = "NETSTRAP_TEST_PLACE";

#[test]
fn every_form_sends_what_its_record_says() {
    if std::env::var_os(PLACE).is_some() {
        return compare_all();
    }
    // A user namespace of its own: needs no root.
    let words = place::unshared(false);
    let output = std::process::Command::new(support::tool(words[0]))
        .args(&words[1..])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "every_form_sends_what_its_record_says", "--nocapture", "--test-threads=1"])
        .env(PLACE, "1")
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    assert!(output.status.success() && text.contains("1 passed"), "in the place:\n{}", support::quoted(&text));
}

fn compare_all() {
    place::make().unwrap();
    let names = Names::new();
    let read = |file: &str| std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
    let forms = table::forms(&read("tests/data/ip-forms.tsv")).unwrap();
    let wanted = table::differences(&read("tests/golden/differences.tsv")).unwrap();
    let records = record::read(&names, &folder()).unwrap();
    let world = kernel::World::new(&names).unwrap();
    let (mut covered, mut wrong) = (0, Vec::new());
    for form in &forms {
        let line = form.example.as_str();
        let theirs = records.get(line).unwrap_or_else(|| panic!("no record of: {line}"));
        let applet = line.split(' ').next().unwrap();
        let capture = capture::run(&names, &world, &[support::NETSTRAP, applet], line).unwrap();
        place::repair().unwrap();
        let ours = record::Record::of(&names, &capture).unwrap();
        match judge(&names, &wanted, line, theirs, &ours) {
            Verdict::Different(left) => {
                let left: Vec<String> = left.iter().map(compare::Difference::shown).collect();
                wrong.push(format!("{line}\n    {}", left.join("\n    ")));
            }
            verdict if verdict.covers() => covered += 1,
            _ => {}
        }
    }
    println!("{covered} of {} command lines covered", forms.len());
    // What is not built is left out: no more of them than that.
    assert!(covered * 100 >= forms.len() * LEAST, "only {covered} of {} are covered", forms.len());
    assert!(wrong.is_empty(), "differences that no row of the table explains:\n{}", wrong.join("\n"));
}
