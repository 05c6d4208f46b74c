//! What `help` prints: the words that this `ip` takes, object by object.

use super::fail::Fail;

/// `ip help`.
pub const IP: &str = "\
Usage: ip [ OPTIONS ] OBJECT { COMMAND | help }
       ip [ -force ] -batch { FILE | - }
where  OBJECT := { address | addrlabel | link | maddress | monitor | neighbour | netconf | netns |
                   nexthop | route | rule | token | tuntap | vrf }
       or an applet that runs in the namespace of -n: { arp | iptables | ping | sysctl }
       OPTIONS := { -V[ersion] | -s[tatistics] | -d[etails] | -j[son] | -p[retty] | -o[neline] |
                    -br[ief] | -t[imestamp] | -ts[hort] | -c[olor][={ always | auto | never }] |
                    -f[amily] { inet | inet6 | bridge | link } | -4 | -6 | -B | -0 |
                    -n[etns] NAME | -N[umeric] | -a[ll] | -echo }";

/// `ip monitor help`.
pub const MONITOR: &str = "\
Usage: ip monitor [ all | OBJECTS ] [ label ] [ dev DEVICE ]
OBJECTS :=  address | link | neigh | netconf | nexthop | nsid | route | rule";

/// `ip netns help`.
pub const NETNS: &str = "\
Usage:  ip netns list
        ip netns add NAME
        ip netns attach NAME PID
        ip [-all] netns delete [NAME]
        ip netns identify [PID]
        ip netns pids NAME
        ip [-all] netns exec [NAME] cmd ...";

/// `ip link help`.
pub const LINK: &str = "\
Usage: ip link add [ name ] NAME [ mtu MTU ] [ address LLADDR ] [ index IDX ]
                   [ master DEV ] [ netns { PID | NAME | PATH } ] [ up | down ]
                   type TYPE [ ARGS ]
       ip link delete { DEVICE | dev DEVICE }
       ip link set { DEVICE | dev DEVICE } [ up | down ] [ name NEWNAME ]
                   [ mtu MTU ] [ address LLADDR ] [ master DEV | nomaster ]
                   [ netns { PID | NAME | PATH } ]
       ip link show [ DEVICE ] [ up ] [ master DEV | nomaster ] [ type TYPE ] [ group GROUP ]

TYPE := veth [ peer [ name ] NAME [ mtu MTU ] [ address LLADDR ] [ netns ... ] ]
        or any kind of the kernel without arguments (bridge, dummy, ...)";

/// `ip address help`.
pub const ADDRESS: &str = "\
Usage: ip address {add|replace} IFADDR dev IFNAME
       ip address del IFADDR dev IFNAME
       ip address {show|flush} [ dev IFNAME ] [ to PREFIX ] [ scope SCOPE ] [ up ]
IFADDR := PREFIX [ peer PREFIX ] [ broadcast ADDR | + | - ] [ scope SCOPE ] [ label LABEL ]
          [ nodad | noprefixroute | home | mngtmpaddr | autojoin ]
          [ metric N ] [ valid_lft LFT ] [ preferred_lft LFT ]
SCOPE := { global | site | link | host | NUMBER }
LFT := { forever | SECONDS }";

/// `ip route help`.
pub const ROUTE: &str = "\
Usage: ip route { show | flush } [ [ to ] [ root | match | exact ] PREFIX ] [ table { TABLE | all | cache } ]
                [ dev IFNAME ] [ via ADDR ] [ src PREFIX ] [ from PREFIX ] [ protocol PROTO ]
                [ scope SCOPE ] [ type TYPE ] [ tos TOS ] [ metric METRIC ] [ iif IFNAME ]
       ip route get ADDR [ from ADDR [ iif IFNAME ] ] [ oif IFNAME ] [ tos TOS ] [ mark N ]
                [ uid N ] [ fibmatch ]
       ip route { add | del | change | append | prepend | replace | test } ROUTE
ROUTE := [ TYPE ] PREFIX [ via [ inet | inet6 ] ADDR ] [ dev IFNAME ] [ onlink ] [ table TABLE ]
         [ protocol PROTO ] [ scope SCOPE ] [ src ADDR ] [ from PREFIX ] [ tos TOS ]
         [ metric METRIC ] [ pref { low | medium | high } ] [ expires SECONDS ] [ nhid ID ]
         [ METRICS ] [ nexthop NH ]...
NH := [ via [ inet | inet6 ] ADDR ] [ dev IFNAME ] [ weight 1..256 ] [ onlink ]
METRICS := { mtu | advmss | window | rtt | rttvar | rto_min | hoplimit | reordering | ssthresh |
           cwnd | initcwnd | initrwnd | quickack | congctl | fastopen_no_cookie } [ lock ] VALUE
TYPE := { unicast | local | broadcast | multicast | anycast | blackhole | unreachable | prohibit |
        throw }
TABLE := { local | main | default | NUMBER }
PROTO := { kernel | boot | static | NUMBER }
SCOPE := { host | link | global | NUMBER }";

/// `ip rule help`.
pub const RULE: &str = "\
Usage: ip rule { add | del } SELECTOR ACTION
       ip rule flush [ SELECTOR ]
       ip rule [ list [ SELECTOR ] ]
SELECTOR := [ not ] [ from PREFIX ] [ to PREFIX ] [ tos TOS ] [ fwmark FWMARK[/MASK] ]
            [ iif IFNAME ] [ oif IFNAME ] [ priority NUMBER ] [ l3mdev ] [ uidrange FIRST-LAST ]
            [ ipproto PROTOCOL ] [ sport PORT[-PORT] ] [ dport PORT[-PORT] ] [ tun_id ID ]
ACTION := [ { table | lookup } TABLE ] [ protocol PROTO ] [ realms [ FROM/ ]TO ] [ goto NUMBER ] [ nop ]
          [ type { blackhole | unreachable | prohibit } ] [ suppress_prefixlength NUMBER ]
          [ suppress_ifgroup GROUP ]";

/// `ip nexthop help`.
pub const NEXTHOP: &str = "\
Usage: ip nexthop { list | flush } [ id ID ] [ dev DEV ] [ vrf NAME ] [ master DEV ] [ groups ] [ fdb ]
                [ protocol ID ]
       ip nexthop { add | replace } id ID NH [ protocol ID ]
       ip nexthop { get | del } id ID
       ip nexthop bucket list [ id ID ] [ dev DEV ] [ vrf NAME ] [ master DEV ] [ nhid ID ]
       ip nexthop bucket get id ID index INDEX
NH := { blackhole | [ via ADDRESS ] [ dev DEV ] [ onlink ] [ fdb ] [ encap ENCAP ] |
        group ID[,WEIGHT]/ID[,WEIGHT]/... [ fdb ] [ type TYPE [ TYPE_ARGS ] ] }
TYPE := { mpath | resilient }
TYPE_ARGS := [ buckets BUCKETS ] [ idle_timer SECONDS ] [ unbalanced_timer SECONDS ]";

/// `ip neighbour help`.
pub const NEIGH: &str = "\
Usage: ip neigh { add | change | replace } ADDR dev IFNAME [ lladdr LLADDR ] [ nud STATE ]
                [ router ] [ use ] [ managed ] [ extern_learn ] [ protocol PROTO ]
       ip neigh { add | del } proxy ADDR dev IFNAME
       ip neigh del ADDR dev IFNAME
       ip neigh { show | flush } [ proxy ] [ to PREFIX ] [ dev IFNAME ] [ nud { STATE | all } ]
                [ master IFNAME ] [ vrf NAME ] [ protocol PROTO ] [ unused ]
       ip neigh get { ADDR | proxy ADDR } dev IFNAME
STATE := { permanent | noarp | stale | reachable | none | incomplete | delay | probe | failed }";

/// `ip maddress help`.
pub const MADDRESS: &str = "\
Usage: ip maddr [ add | del ] MULTIADDR dev STRING
       ip maddr show [ dev STRING ]";

/// `ip tuntap help`.
pub const TUNTAP: &str = "\
Usage: ip tuntap { add | del | show | list | lst | help } [ dev PHYS_DEV ]
       [ mode { tun | tap } ] [ user USER ] [ group GROUP ]
       [ one_queue ] [ pi ] [ vnet_hdr ] [ multi_queue ] [ name NAME ]

Where: USER  := { STRING | NUMBER }
       GROUP := { STRING | NUMBER }";

/// `ip token help`.
pub const TOKEN: &str = "Usage: ip token [ list | set | del | get ] [ TOKEN ] [ dev DEV ]";

/// `ip netconf help`.
pub const NETCONF: &str = "Usage: ip netconf show [ dev STRING ]";

/// `ip vrf help`.
pub const VRF: &str = "\
Usage:\tip vrf show [NAME] ...
\tip vrf exec [NAME] cmd ...
\tip vrf identify [PID]
\tip vrf pids [NAME]";

/// `ip addrlabel help`.
pub const ADDRLABEL: &str = "\
Usage: ip addrlabel { add | del } prefix PREFIX [ dev DEV ] [ label LABEL ]
       ip addrlabel [ list | flush | help ]";

/// A usage text as iproute2 prints it: to standard error, exit code 255.
pub fn fail(text: &str) -> Fail {
    Fail::usage(text)
}
