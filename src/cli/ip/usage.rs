//! What `help` prints: the words that this `ip` takes, object by object.

use super::fail::Fail;

/// `ip help`, in iproute2's words; what of it is not in is refused by name.
pub const IP: &str = "\
Usage: ip [ OPTIONS ] OBJECT { COMMAND | help }
       ip [ -force ] -batch filename
where  OBJECT := { address | addrlabel | amt | fou | help | ila | ioam | l2tp |
                   link | macsec | maddress | monitor | mptcp | mroute | mrule |
                   neighbor | neighbour | netconf | netns | nexthop | ntable |
                   ntbl | route | rule | sr | tap | tcpmetrics |
                   token | tunnel | tuntap | vrf | xfrm }
       OPTIONS := { -V[ersion] | -s[tatistics] | -d[etails] | -r[esolve] |
                    -h[uman-readable] | -iec | -j[son] | -p[retty] |
                    -f[amily] { inet | inet6 | mpls | bridge | link } |
                    -4 | -6 | -M | -B | -0 |
                    -l[oops] { maximum-addr-flush-attempts } | -br[ief] |
                    -o[neline] | -t[imestamp] | -ts[hort] | -b[atch] [filename] |
                    -rc[vbuf] [size] | -n[etns] name | -N[umeric] | -a[ll] |
                    -c[olor]}";

/// What is in, behind it.
const IN: &str = "netstrap has of them: address, addrlabel, link, maddress, monitor, neighbour, netconf, netns, nexthop, \
    route, rule, token, tuntap, vrf; and in the namespace of -n the applets arp, bridge, iptables, ping, sysctl";

/// `ip monitor help`.
pub const MONITOR: &str = "\
Usage: ip monitor [ all | OBJECTS ] [ file FILE ] [ label ] [ dev DEVICE ]
OBJECTS :=  address | link | neigh | netconf | nexthop | nsid | route | rule";

/// `ip netns help`.
pub const NETNS: &str = "\
Usage:  ip netns list
        ip netns add NAME
        ip netns attach NAME PID
        ip netns set NAME { auto | NSID }
        ip [-all] netns delete [NAME]
        ip netns identify [PID]
        ip netns pids NAME
        ip [-all] netns exec [NAME] cmd ...
        ip netns monitor
        ip netns list-id [ target-nsid NSID ] [ nsid NSID ]";

/// `ip link help`.
pub const LINK: &str = "\
Usage: ip link { add | replace } [ link DEV ] [ name ] NAME [ PROPERTY ]... [ index IDX ]
                   [ numtxqueues N ] [ numrxqueues N ] type TYPE [ ARGS ]
       ip link { set | change } { DEVICE | dev DEVICE | group GROUP } [ PROPERTY ]... [ name NEWNAME ]
                   [ type TYPE ARGS ]
       ip link delete { DEVICE | dev DEVICE | group GROUP } [ type TYPE ]
       ip link property { add | del } dev DEVICE [ altname NAME ]...
       ip link show [ DEVICE ] [ up ] [ master DEV | vrf NAME | nomaster ] [ type TYPE ] [ group GROUP ]
PROPERTY := up | down | mtu MTU | address LLADDR | broadcast LLADDR | alias TEXT | group GROUP |
            txqueuelen N | master DEV | vrf NAME | nomaster | netns { PID | NAME | PATH } |
            link-netns NAME | link-netnsid ID | mode { default | dormant } | state STATE |
            addrgenmode { eui64 | none | stable_secret | random } | xdp off |
            { arp | dynamic | multicast | allmulticast | promisc | trailers | carrier | protodown }
            { on | off } | protodown_reason N { on | off } |
            gso_max_size BYTES | gso_max_segs N | gro_max_size BYTES

TYPE := veth [ peer [ name ] NAME [ mtu MTU ] [ address LLADDR ] [ netns ... ] ]
        or { bond | bond_slave | bridge | bridge_slave | geneve | gre | gretap | ip6gre | ip6gretap |
             ip6tnl | ipip | ipvlan | ipvtap | macvlan | macvtap | netkit | sit | vlan | vrf | vxlan }
        (their ARGS: ip link add type TYPE help), or any kind of the kernel without arguments";

/// `ip address help`.
pub const ADDRESS: &str = "\
Usage: ip address {add|replace|change} IFADDR dev IFNAME
       ip address del IFADDR dev IFNAME
       ip address {show|flush} [ dev IFNAME ] [ to PREFIX ] [ scope SCOPE ] [ up ] [ label PATTERN ]
                  [ master DEV | vrf NAME | nomaster ] [ type TYPE ] [ group GROUP ] [ proto PROTO ]
                  [ [-]FLAG ]...
IFADDR := PREFIX [ peer PREFIX ] [ broadcast ADDR | + | - ] [ anycast ADDR ] [ scope SCOPE ]
          [ label LABEL ] [ nodad | noprefixroute | home | mngtmpaddr | optimistic | autojoin ]
          [ metric N ] [ proto PROTO ] [ valid_lft LFT ] [ preferred_lft LFT ]
FLAG := { permanent | dynamic | primary | secondary | temporary | tentative | deprecated |
          dadfailed | ... }
SCOPE := { global | site | link | host | NUMBER }
LFT := { forever | SECONDS }
PROTO := { kernel_lo | kernel_ra | kernel_ll | NUMBER }";

/// `ip route help`.
pub const ROUTE: &str = "\
Usage: ip route { show | flush } [ [ to ] [ root | match | exact ] PREFIX ] [ table { TABLE | all | cache } ]
                [ vrf NAME ] [ dev IFNAME ] [ via ADDR ] [ src PREFIX ] [ from PREFIX ] [ protocol PROTO ]
                [ scope SCOPE ] [ type TYPE ] [ tos TOS ] [ metric METRIC ] [ iif IFNAME ] [ mark N ]
                [ realms REALMS ]
       ip route get ADDR [ from ADDR [ iif IFNAME ] ] [ oif IFNAME ] [ vrf NAME ] [ tos TOS ] [ mark N ]
                [ uid N ] [ fibmatch ] [ notify ] [ connected ] [ sport N ] [ dport N ] [ ipproto PROTOCOL ]
       ip route { add | del | change | append | prepend | replace | test } ROUTE
ROUTE := [ TYPE ] PREFIX [ via [ inet | inet6 ] ADDR ] [ dev IFNAME ] [ onlink ] [ table TABLE | vrf NAME ]
         [ protocol PROTO ] [ scope SCOPE ] [ src ADDR ] [ from PREFIX ] [ tos TOS ]
         [ metric METRIC ] [ pref { low | medium | high } ] [ expires SECONDS ] [ nhid ID ]
         [ realms REALMS ] [ features ecn ] [ ttl-propagate { enabled | disabled } ]
         [ encap ENCAP ] [ METRICS ] [ nexthop NH ]...
NH := [ encap ENCAP ] [ via [ inet | inet6 ] ADDR ] [ dev IFNAME ] [ weight 1..256 ] [ onlink ] [ realms REALMS ]
ENCAP := { ip [ id ID ] [ dst ADDR ] [ src ADDR ] [ tos TOS ] [ ttl N ] [ key ] [ csum ] [ seq ] |
           ip6 [ id ID ] [ dst ADDR ] [ src ADDR ] [ tc TC ] [ hoplimit N ] [ key ] [ csum ] [ seq ] |
           mpls LABEL[/LABEL]... [ ttl N ] |
           seg6 mode { encap | encap.red | inline | l2encap | l2encap.red } segs ADDR[,ADDR]... [ hmac KEYID ] |
           seg6local action ACTION [ table TABLE ] [ vrftable TABLE ] [ nh4 ADDR ] [ nh6 ADDR ] [ iif IFNAME ]
             [ oif IFNAME ] [ srh segs ADDR[,ADDR]... [ hmac KEYID ] ] [ flavors FLAVOR[,FLAVOR]... ] [ count ] }
REALMS := [ REALM/ ]REALM
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
    let fail = Fail::usage(text);
    if text == IP { fail.hint(IN) } else { fail }
}
