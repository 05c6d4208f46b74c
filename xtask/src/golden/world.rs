//! The little world in which command lines are captured: the same devices, addresses, routes and
//! next hops in the sandbox and in its namespaces, with fixed numbers. Out: a world; again the same one
//! after a command line that changed it.

use std::collections::BTreeSet;
use std::io::Write;
use std::process::{Command, Stdio};

/// Its namespaces; `spare` has nothing in it.
const NAMESPACES: [&str; 3] = ["ns1", "ns2", "spare"];

/// Bridges stand in for kinds that a kernel may lack; those called `vrf...` are shown as VRFs, with
/// their forward delay as table.
const DEVICES: &str = "\
link set lo up
link add v0 index 10 address 02:00:00:00:00:10 type veth peer name v1 index 11 address 02:00:00:00:00:11
link add p0 index 12 address 02:00:00:00:00:12 type veth peer name p1 index 13 address 02:00:00:00:00:13
link add br0 index 20 address 02:00:00:00:00:20 type bridge
link add vrf-red index 30 address 02:00:00:00:00:30 type bridge forward_delay 1000
link add vrf-blue index 31 address 02:00:00:00:00:31 type bridge forward_delay 1100
link add vx0 index 40 address 02:00:00:00:00:40 type bridge
link add bond0 index 41 address 02:00:00:00:00:41 type bridge
link add d0 index 42 address 02:00:00:00:00:42 type bridge
link add d1 index 43 address 02:00:00:00:00:43 type bridge
link add vlan5 index 44 address 02:00:00:00:00:44 type bridge
link add tun0 index 45 address 02:00:00:00:00:45 type bridge
link set p0 master br0
link set v0 addrgenmode none
link set v1 addrgenmode none
link set d0 addrgenmode none
link set d1 addrgenmode none
link set v0 up
link set v1 up
link set d0 up
link set d1 up
link set p0 addrgenmode none
link set p0 up
link property add dev v0 altname other
";

const REST: &str = "\
addr add 192.168.15.1/24 dev v0
addr add 10.0.0.1/24 dev d0 label d0:1
addr add fd00:15::1/64 dev v0 nodad
addr add fd00:16::1/64 dev d0 nodad
neigh add 192.168.15.2 lladdr 02:00:00:00:01:02 dev v0
neigh add fd00:15::2 lladdr 02:00:00:00:01:02 dev v0
neigh add proxy 192.168.15.9 dev v0
route add default via 192.168.15.2 dev v0
route add 10.1.0.0/16 via 192.168.15.2 dev v0 metric 20
route add 10.9.0.0/16 dev d0 table 100
route add default via fd00:15::2 dev v0
route add fd00:1::/64 via fd00:15::2 dev v0
route add fd00:9::/64 dev d0 table 100
nexthop add id 1 via 192.168.15.2 dev v0
nexthop add id 2 via 192.168.15.3 dev v0 proto static
nexthop add id 3 via fd00:15::2 dev v0
nexthop add id 10 group 1/2
nexthop add id 20 group 1/2 type resilient buckets 32
rule add from 10.9.0.0/16 table 100 pref 100
";

/// A capturing world inside a sandbox.
pub struct World {
    ip: String,
}

impl World {
    /// Builds it with the `ip` of the system.
    pub fn new(ip: &str) -> Result<Self, String> {
        let world = World { ip: ip.to_string() };
        world.batch(&[], DEVICES)?;
        world.batch(&[], REST)?;
        world.batch(&[], "tuntap add tap0 mode tap\n")?;
        world.repair()?;
        Ok(world)
    }

    /// Makes again what a command line may have taken away, and takes away what it made.
    pub fn repair(&self) -> Result<(), String> {
        let here = names("/run/netns");
        for name in NAMESPACES.into_iter().filter(|name| !here.contains(*name)) {
            self.batch(&[], &format!("netns add {name}\n"))?;
            if name != "spare" {
                self.batch(&["-n", name], DEVICES)?;
                self.batch(&["-n", name], REST)?;
            }
        }
        for name in here.iter().filter(|name| !NAMESPACES.contains(&name.as_str())) {
            self.batch(&[], &format!("netns delete {name}\n"))?;
        }
        let devices = names("/sys/class/net");
        if !devices.contains("tap0") {
            self.batch(&[], "tuntap add tap0 mode tap\n")?;
        }
        for name in devices.iter().filter(|name| name.starts_with("tap") && *name != "tap0") {
            self.batch(&[], &format!("link delete {name}\n"))?;
        }
        Ok(())
    }

    fn batch(&self, options: &[&str], lines: &str) -> Result<(), String> {
        let problem = |error: std::io::Error| format!("{}: {error}", self.ip);
        let mut command = Command::new(&self.ip);
        command.args(options).args(["-batch", "-"]).stdin(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(problem)?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(lines.as_bytes()).map_err(problem)?;
        }
        let output = child.wait_with_output().map_err(problem)?;
        match output.status.success() {
            true => Ok(()),
            false => Err(format!("the world: {}", String::from_utf8_lossy(&output.stderr).trim())),
        }
    }
}

fn names(folder: &str) -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}
