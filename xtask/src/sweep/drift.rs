//! `drift`: a second run changes nothing, and one after somebody's change puts that right and nothing else. In:
//! words. Out: a line for each breach, and lines of counts.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::judge::brief;
use super::place::{self, DESK};
use super::scene::{self, Act, Program};
use super::state::State;
use super::{Common, SETTLE, many, trace};
use crate::args::Args;
use crate::process::{About, Failure, Outcome};
use crate::sys;

/// How long an answer on a connection may take: what was lost meanwhile is sent again after a second or two.
const ANSWER: Duration = Duration::from_secs(8);

/// Something that somebody did to what a file made.
struct Damage {
    scene: &'static str,
    /// What was done, by commands with `;` between.
    lines: &'static str,
    /// Links (`PLACE/NAME`) that must be made anew; all others keep index and address.
    remade: &'static [&'static str],
}

const fn walk(lines: &'static str, remade: &'static [&'static str]) -> Damage {
    Damage { scene: "reup", lines, remade }
}

const fn wide(lines: &'static str, remade: &'static [&'static str]) -> Damage {
    Damage { scene: "wide", lines, remade }
}

const RED: &[&str] = &["/veth-red-br", "red/veth-red"];
const WIDE_A: &[&str] = &["/wide-a", "wide-a/eth0", "wide-a/to-b", "wide-b/to-a", "wide-a/inner"];

const DAMAGES: &[Damage] = &[
    walk("ip link delete veth-red-br", RED),
    walk("ip -n red link delete veth-red", RED),
    walk("ip netns delete red", RED),
    walk("umount /run/netns/red", RED),
    walk("ip link delete v-net-0", &["/v-net-0"]),
    walk("ip address delete 192.168.15.5/24 dev v-net-0", &[]),
    walk("ip address flush dev v-net-0 ; ip address add 192.168.15.5/25 dev v-net-0", &[]),
    walk("ip -n red address delete 192.168.15.1/24 dev veth-red", &[]),
    walk("ip -n red route delete default", &[]),
    walk("ip -n red route replace default via 192.168.15.2", &[]),
    walk("ip -n red link set veth-red down", &[]),
    walk("ip link set veth-red-br down", &[]),
    walk("ip link set v-net-0 down", &[]),
    walk("ip link set veth-red-br nomaster", &[]),
    walk("ip link set veth-red-br down ; ip link set veth-red-br name renamed up", &[]),
    walk("ip -n red link set veth-red down ; ip -n red link set veth-red name renamed", &[]),
    walk("ip link set v-net-0 down ; ip link set v-net-0 name renamed", &[]),
    walk("ip -n red link set lo down", &[]),
    walk("ip link set veth-red-br group 0", &[]),
    walk("nft delete table ip netstrap-walk", &[]),
    walk("nft flush table ip netstrap-walk", &[]),
    walk("nft add chain ip netstrap-walk extra", &[]),
    walk("nft add rule ip netstrap-walk postrouting counter accept", &[]),
    walk("nft insert rule ip netstrap-walk postrouting ip saddr 192.168.15.1 accept", &[]),
    walk("nft flush ruleset", &[]),
    walk("sysctl -q -w net.ipv4.ip_forward=0", &[]),
    walk("ip -n red address add 10.5.5.5/24 dev veth-red", &[]),
    walk("ip address add 10.5.6.5/24 dev v-net-0", &[]),
    walk("ip -n red route add 10.6.0.0/16 via 192.168.15.5", &[]),
    wide("ip link delete wide-tap", &["/wide-tap"]),
    wide("ip link delete wide-vx", &["/wide-vx"]),
    wide("ip link delete wide-mv", &["/wide-mv"]),
    wide("ip link delete wide-br", &["/wide-br", "/wide-mv"]),
    wide("ip link set wide-br mtu 1450 txqueuelen 300 alias other", &[]),
    wide("ip link set wide-br type bridge ageing_time 9000 forward_delay 400", &[]),
    wide("sysctl -q -w net.ipv4.conf.wide-br.rp_filter=0", &[]),
    wide("sysctl -q -w net.ipv4.ip_default_ttl=77", &[]),
    wide("ip address delete 10.66.1.1/24 dev x-dev", &[]),
    wide("ip link set x-dev mtu 1500", &[]),
    wide("ip route delete 10.79.0.0/24", &[]),
    wide("ip route delete blackhole 10.77.0.0/16", &[]),
    wide("ip route delete default table 170", &[]),
    wide("ip -6 route delete unreachable fd78::/64", &[]),
    wide("ip rule delete priority 700", &[]),
    wide("ip -6 rule delete priority 701", &[]),
    wide("ip -n wide-a neighbour delete 10.70.0.9 dev eth0", &[]),
    wide("ip -n wide-a address delete fd70::2/64 dev eth0", &[]),
    wide("ip -n wide-b route delete default", &[]),
    wide("ip -n wide-a link delete to-b", &["wide-a/to-b", "wide-b/to-a"]),
    wide("ip -n wide-a link delete inner", &["wide-a/inner"]),
    wide("ip netns delete wide-a", WIDE_A),
    wide("rm /etc/netns/wide-a/resolv.conf", &[]),
    wide("rm -r /etc/netns/wide-a", &[]),
    wide("ip netns exec wide-b sysctl -q -w net.ipv4.tcp_mtu_probing=0", &[]),
    wide("ip netns exec wide-a nft flush ruleset", &[]),
    wide("nft delete table ip6 netstrap-wide", &[]),
];

/// `cargo xtask drift`.
pub fn run(words: Vec<String>) -> Outcome {
    let mut args = Args::new(words);
    let common = Common::take(&mut args)?;
    args.finish()?;
    let bad = again(&common)? + damages(&common)?;
    if bad == 0 { Ok(()) } else { Err(format!("{bad} breaches").into()) }
}

/// A second run of each scene that makes something; the number of breaches.
pub fn again(common: &Common) -> Outcome<usize> {
    let scenes = common.scenes()?;
    let scenes: Vec<_> = scenes.into_iter().filter(|scene| matches!(scene.tried, Act::Apply(_))).collect();
    let mut bad = 0;
    let one = |scene: &&scene::Scene| {
        let mut words = common.words("drift-inside");
        words.extend(["again".to_string(), scene.name.to_string()]);
        place::inside(&words)
    };
    many(common, &scenes, one, |scene, text| {
        if text.trim() != "fine" {
            bad += 1;
            println!("{}: the second run: {}", scene.name, text.trim_end().replace('\n', "\n    "));
        }
    })?;
    println!("drift: again: scenes={} BAD={bad}", scenes.len());
    Ok(bad)
}

/// Every damage; the number of breaches.
pub fn damages(common: &Common) -> Outcome<usize> {
    let scenes = common.scenes()?;
    let all = (0..DAMAGES.len()).filter(|at| scenes.iter().any(|scene| scene.name == DAMAGES[*at].scene));
    let all = common.sample(all.collect());
    let mut bad = 0;
    let one = |at: &usize| {
        let mut words = common.words("drift-inside");
        words.extend(["damage".to_string(), at.to_string()]);
        place::inside(&words)
    };
    many(common, &all, one, |at, text| {
        if text.trim() != "fine" {
            bad += 1;
            println!("{}: {}: {}", DAMAGES[*at].scene, DAMAGES[*at].lines, text.trim_end().replace('\n', "\n    "));
        }
    })?;
    println!("drift: damages={} put-right={} BAD={bad}", all.len(), all.len() - bad);
    Ok(bad)
}

/// The part in the sandbox: `again SCENE` or `damage NUMBER`.
pub fn inside(words: Vec<String>) -> Outcome {
    let mut args = Args::new(words);
    let program = Program { file: PathBuf::from(args.value("--binary")?.ok_or("--binary is missing")?) };
    let words = args.rest()?;
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["again", scene] => again_inside(&program, scene::named(scene)?),
        ["damage", number] => {
            let damage = number.parse().ok().and_then(|number: usize| DAMAGES.get(number));
            damage_inside(&program, damage.ok_or("no such damage")?)
        }
        _ => Err(Failure::usage("usage: drift-inside again SCENE | damage NUMBER")),
    }
}

fn again_inside(program: &Program, scene: &scene::Scene) -> Outcome {
    scene.set(program)?;
    program.must(scene.tried)?;
    std::thread::sleep(SETTLE);
    let before = State::look()?;
    let file = PathBuf::from(format!("{DESK}/calls"));
    let ran = place::run(&mut trace::traced(&program.words(scene.tried), "all", &file))?;
    let after = State::look()?;
    let changes = trace::changes(&std::fs::read_to_string(&file).about(&file)?);
    if !ran.is_fine() || ran.out.trim() != "unchanged" {
        println!("{}: {}", place::told(ran.end), ran.last());
    } else if !changes.is_empty() {
        println!("{} changes: {}", changes.len(), changes.join(", "));
    } else if after != before {
        println!("the state is another: {}", brief(&after.against(&before)).join("; "));
    } else {
        println!("fine");
    }
    Ok(())
}

fn damage_inside(program: &Program, damage: &Damage) -> Outcome {
    let scene = scene::named(damage.scene)?;
    scene.set(program)?;
    let Act::Apply(file) = scene.tried else { return Err("that scene makes nothing".into()) };
    program.must(scene.tried)?;
    std::thread::sleep(SETTLE);
    let goal = State::look()?;
    // A connection of strangers, and one of the lab's own that no damage is about.
    let mut flows = vec![("x-other", Flow::open("x-other", "10.66.0.2:7")?)];
    if damage.scene == "reup" {
        flows.push(("blue", Flow::open("blue", "192.168.15.2:7")?));
    }
    for line in damage.lines.split(" ; ") {
        place::must(line)?;
    }
    let hurt = State::look()?;
    if hurt.lines == goal.lines {
        return Err(format!("{}: changes nothing", damage.lines).into());
    }
    let status = place::run(std::process::Command::new(&program.file).args(["status", &scene::path(file)]))?;
    if status.end != place::End::Code(2) {
        println!("status: {}: {}", place::told(status.end), status.last());
    }
    let ran = program.run(scene.tried)?;
    // Who broke others' things does not get them back.
    let theirs = |line: &&String| line.contains(" nft table ip x-table");
    let mut wanted = goal.clone();
    wanted.lines.retain(|line| !theirs(&line) || hurt.lines.contains(line));
    let after = State::settled(&[&wanted], SETTLE)?;
    let mut wrong = false;
    if !ran.is_fine() || !ran.out.starts_with("changed") || after.lines != wanted.lines {
        wrong = true;
        println!("{}: {}", place::told(ran.end), ran.last());
        brief(&after.against(&wanted)).into_iter().for_each(|line| println!("{line}"));
    }
    for (name, id) in &goal.identity {
        let now = after.identity.get(name);
        if now != Some(id) && !damage.remade.contains(&name.as_str()) && !is_bridge_of(damage, name) {
            wrong = true;
            println!("made anew: {name}: {id:?}, now {now:?}");
        }
    }
    for (name, flow) in &mut flows {
        if let Err(failure) = flow.check() {
            wrong = true;
            println!("the connection with {name}: {}", failure.text);
        }
    }
    let status = place::run(std::process::Command::new(&program.file).args(["status", &scene::path(file)]))?;
    if !status.is_fine() {
        wrong = true;
        println!("status, afterwards: {}: {}", place::told(status.end), status.out.trim());
    }
    if !wrong {
        println!("fine");
    }
    Ok(())
}

/// A bridge without an address of its own takes the lowest one of its ports, so that comes and goes with them.
fn is_bridge_of(damage: &Damage, name: &str) -> bool {
    !damage.remade.is_empty() && ["/v-net-0", "/wide-br"].contains(&name)
}

/// A connection with a namespace; what is sent comes back.
struct Flow {
    stream: TcpStream,
}

impl Flow {
    fn open(place: &str, address: &str) -> Outcome<Flow> {
        let file = File::open(Path::new("/run/netns").join(place)).about(place)?;
        let address: SocketAddr = address.parse().map_err(|err| format!("{address}: {err}"))?;
        // The thread alone moves there.
        let listener = std::thread::scope(|scope| {
            let made = scope.spawn(|| {
                sys::enter_network(&file)?;
                TcpListener::bind(address)
            });
            made.join().map_err(|_| Failure::from("the listener failed"))?.about(place)
        })?;
        std::thread::spawn(move || {
            let Ok((mut stream, _)) = listener.accept() else { return };
            let mut byte = [0];
            while stream.read_exact(&mut byte).is_ok() && stream.write_all(&byte).is_ok() {}
        });
        let mut flow = Flow { stream: TcpStream::connect_timeout(&address, ANSWER).about(place)? };
        flow.check()?;
        Ok(flow)
    }

    fn check(&mut self) -> Outcome {
        let mut byte = [0];
        self.stream.set_read_timeout(Some(ANSWER)).about("a connection")?;
        self.stream.write_all(b"x").about("send")?;
        self.stream.read_exact(&mut byte).about("the answer")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damages_are_of_scenes_that_make_something() {
        for damage in DAMAGES {
            assert!(matches!(scene::named(damage.scene).unwrap().tried, Act::Apply(_)), "{}", damage.lines);
            assert!(
                damage.lines.split(" ; ").all(|line| !line.contains(';') && line.contains(' ')),
                "{}",
                damage.lines
            );
        }
    }
}
