//! Tables of the links that stand on another one or on nothing: `vlan`, `vxlan`, `macvlan`, `ipvlan`, `netkit`, `vrf`,
//! `vrf_slave`, `tun`.
//! Source: `linux/if_link.h`, `linux/if_vlan.h`.

/// See [`super::Kind`].
pub const TABLE: &str = "\
@vlan|command|* is invalid|2|
P5 protocol~
h1 id~
V2:0 reorder_hdr~ -
V2:1 gvrp~ -
V2:3 mvrp~ -
V2:2 loose_binding~ -
V2:4 bridge_binding~ -
xv2 - flags
Q4 ingress-qos-map~ ingress_qos
Q3 egress-qos-map~ egress_qos
@vxlan|command|invalid *|1 4 17 2 16 7 15|1
I1 id~vni~ -
a2:16 group~ -!invalid group address
F25 - ?external
F30:- - ?vnifilter
w1 - id
a2:16 remote~!invalid remote address
a4:17 local~!invalid local address
d3 dev~ ?link dev
L5:28 ttl~hoplimit~ -!invalid TTL
R10 port~srcport~ port_range srcport
p15 dstport~ port!dst port
c7:0 nolearning~ -
c7:1 learning~ -
O7 - learning nolearning
c11:0 noproxy~ -
c11:1 proxy~ -
F11 - ?proxy
c12:0 norsc~ -
c12:1 rsc~ -
F12 - ?rsc
c13:0 nol2miss~ -
c13:1 l2miss~ -
F13 - ?l2miss
c14:0 nol3miss~ -
c14:1 l3miss~ -
F14 - ?l3miss
T6 tos~dsfield~ ?!bad TOS value
L5:28 - ttl
nb29:unset|set|inherit df~ -!DF must be 'unset', 'set' or 'inherit'
xd29:unset|set|inherit - df
X26 label~flowlabel~ ? flowlabel!invalid flowlabel
w8:none=0 ageing~!ageing timer
w9:unlimited=0 maxaddress~ ?limit maxaddr!max addresses
c18:1 udpcsum~ -
c18:0 noudpcsum~ -
N18 - udp_csum udpcsum
c19:1 udp6zerocsumtx~ -
c19:0 noudp6zerocsumtx~ -
N19 - udp_zero_csum6_tx udp6zerocsumtx
c20:1 udp6zerocsumrx~ -
c20:0 noudp6zerocsumrx~ -
N20 - udp_zero_csum6_rx udp6zerocsumrx
c21:1 remcsumtx~ -
c21:0 noremcsumtx~ -
F21 - ?remcsum_tx remcsumtx
c22:1 remcsumrx~ -
c22:0 noremcsumrx~ -
F22 - ?remcsum_rx remcsumrx
c25:1 external~ -
c25:0 noexternal~ -
f23 gbp~
f27 gpe~
c30:1 vnifilter~ -
c30:0 novnifilter~ -
@macvlan macvtap|option|invalid *|1 2|
nw1:private=1|vepa=2|bridge=4|passthru=8|source=16 mode~!^\"private\", \"vepa\", \"bridge\", \"passthru\" or \"source\",
K2:nopromisc=1|nodst=2|null=0 flag~ -!^\"nopromisc\", \"nodst\" or \"null\",
k2:1 nopromisc~
k2:2 nodst~
xm3:add|del|flush|set macaddr~ -
w7 bcqueuelen~!^a positive integer [0-4294967295],
w8 - usedbcqueuelen
xM6 - macaddr_data
@ipvlan ipvtap|option|invalid *|2:0000|u
nh1:l2|l3|l3s mode~ mode +mode!^either \"l2\", \"l3\" or \"l3s\"
k2:1 private~ -
k2:2 vepa~ -
k2:0 bridge~ -
K2:bridge=0|private=1|vepa=2 - flags
@vrf|option|||
Y1 table~!invalid table ID$
@vrf_slave||||s
w1 - table
@netkit|option|invalid *||p
nw5:l2|l3 mode=!^either \"l3\" or \"l2\"
nb2:peer|primary - type
cw3:0 forward= -
cw3:2 blackhole= -
nw3:forward=0|blackhole=2 - policy
nw4:forward=0|blackhole=2 - peer_policy peer+policy
@tun||||s
nb3:UNKNOWN|tun|tap - type
o4 - pi
o5 - vnet_hdr
xq7 - multi_queue
o6 - persist
U1 - user
G2 - group
";
