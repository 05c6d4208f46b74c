//! What `help` prints: the words that this `bridge` takes, object by object.

/// `bridge help`.
pub const BRIDGE: &str = "\
Usage: bridge [ OPTIONS ] { link | fdb | vlan } { COMMAND | help }
       bridge [ -force ] -batch FILE
       OPTIONS := { -V[ersion] | -s[tatistics] | -d[etails] | -o[neline] | -n[etns] NAME |
                    -4 | -6 | -com[pressvlans] | -c[olor] | -p[retty] | -j[son] }";

/// `bridge link help`.
pub const LINK: &str = "\
Usage: bridge link set dev DEV [ state STATE ] [ priority PRIO ] [ cost COST ]
                [ { hairpin | guard | root_block | fastleave | learning | learning_sync | flood |
                    mcast_flood | bcast_flood | mcast_to_unicast | neigh_suppress | vlan_tunnel |
                    isolated | locked } { on | off } ] [ mcast_router N ]
                [ backup_port DEV | nobackup_port ] [ hwmode { vepa | veb } ] [ self ] [ master ]
       bridge link [ show ] [ dev DEV ]
STATE := { disabled | listening | learning | forwarding | blocking | NUMBER }";

/// `bridge fdb help`.
pub const FDB: &str = "\
Usage: bridge fdb { add | append | replace | del } LLADDR dev DEV [ self ] [ master ] [ use ] [ router ]
                [ extern_learn ] [ sticky ] [ local | static | dynamic ] [ vlan VID ] [ via DEV ]
                [ dst ADDR ] [ port PORT ] [ vni VNI ] [ nhid ID ] [ src_vni VNI ]
       bridge fdb [ show ] [ br DEV ] [ { brport | dev } DEV ] [ vlan VID ] [ state STATE ] [ dynamic ]
       bridge fdb get LLADDR { [ br DEV ] | { brport | dev } DEV } [ vlan VID ] [ vni VNI ]
                [ self ] [ master ] [ dynamic ]
       bridge fdb flush dev DEV [ brport DEV ] [ vlan VID ] [ self ] [ master ]
                [ [no]{ permanent | static | dynamic | added_by_user | extern_learn | sticky | offloaded } ]";

/// `bridge vlan help`.
pub const VLAN: &str = "\
Usage: bridge vlan { add | del } dev DEV vid VID[-VID] [ pvid ] [ untagged ] [ self ] [ master ]
                [ tunnel_info id ID[-ID] ]
       bridge vlan { show | tunnelshow } [ dev DEV ] [ vid VID ]";
