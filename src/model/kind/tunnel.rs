//! Tables of the tunnels: `geneve`, `gre` over IPv4 and IPv6, `ipip` and `sit`, `ip6tnl`.
//! Source: `linux/if_link.h`, `linux/if_tunnel.h`, `linux/ip6_tunnel.h`.

/// See [`super::Kind`].
pub const TABLE: &str = "\
@geneve|command|invalid *|1:00000000 2 7 11:00000000 3:00 4:00 5 6 14 8 9 10|1
I1 id~vni~ -
f6 external~
w1 - id
a2:7 remote~!invalid remote address
L3:12 ttl~hoplimit~!invalid TTL
T4 tos~dsfield~ ?!bad TOS value
nb13:unset|set|inherit df~ -!DF must be 'unset', 'set' or 'inherit'
xd13:unset|set|inherit - df
X11 label~flowlabel~ ? flowlabel!invalid flowlabel
p5 dstport~ port!dstport
c6:- noexternal~ -
c8:1 udpcsum~ -
c8:0 noudpcsum~ -
N8 - udp_csum udpcsum
c9:1 udp6zerocsumtx~ -
c9:0 noudp6zerocsumtx~ -
N9 - udp_zero_csum6_tx udp6zerocsumtx
c10:1 udp6zerocsumrx~ -
c10:0 noudp6zerocsumrx~ -
N10 - udp_zero_csum6_rx udp6zerocsumrx
f14 innerprotoinherit~ inner_proto_inherit innerprotoinherit
@gre gretap erspan||invalid *|4:00000000 5:00000000 2:0000 3:0000 6 7 10:01 19 9:00 1 8:00 20:00000000 14:0000 15:0000 16:0000 17:0000|9o
f18 external=
&k0
c10:0 nopmtudisc~ -
c10:1 pmtudisc~ -
e7 remote~
e6 local~
d1 dev~ ?link dev
b8:inherit=0 ttl~hoplimit~hlim~!invalid TTL$
T9 tos~tclass~dsfield~ ?!bad TOS value
O10 - pmtudisc nopmtudisc
c19:1 ignore-df= -
c19:0 noignore-df= -
F19 - ?ignore_df ignore-df
&s0
W20 fwmark= ?!invalid fwmark$
&r0
&e14
@ip6gre ip6gretap ip6erspan||invalid *|4:00000000 5:00000000 2:0000 3:0000 6 7 1 8:40 11:04 12:00000000 13:00000000 20:00000000 22:01 14:0000 15:0200 16:0000 17:0000|9o
f18 external=
&k0
e7:6 remote~
e6:6 local~
d1 dev~ ?link dev
b8:inherit=0 ttl~hoplimit~hlim~ ttl hoplimit!invalid HLIM$
jb11:13,1,none,ign_encap_limit encaplimit= encap_limit!invalid ELIM
jt12:13,2,inherit,use_orig_tclass tos~tclass~dsfield~ tclass tclass!invalid TClass
jl12:13,4,inherit,use_orig_flowlabel flowlabel=fl=!invalid Flowlabel
jd13:13,16,inherit,rcv_dscp_copy dscp=!not inherit
k13:8 - ip6_tnl_f_mip6_dev mip6
&s0
k13:64 allow-localremote= ip6_tnl_f_allow_local_remote
k13:-64 noallow-localremote= -
jw20:13,32,inherit,use_orig_fwmark fwmark=!invalid fwmark$
&r0
&e14
@ipip sit||invalid *|9:00 2 3 10:01 5:00 4:00 1:00000000 20:00000000 15:0000 16:0000 17:0000 18:0000 8:0000 11 13 12 14 19|6o
f19 external=
nb9:ip6ip=41|ipv6/ipv4=41|ipip=4|ipv4/ipv4=4|ip4ip4=4|mplsip=137|mpls/ipv4=137|any=0|any/ipv4=0 mode= proto _!Cannot guess tunnel mode.
e3 remote=
e2 local=
d1 dev~ ?link dev
b4:inherit=0 ttl=hoplimit=hlim=!invalid TTL$
T5 tos=tclass=dsfield~ ?!bad TOS value
c10:0 nopmtudisc= -
c10:1 pmtudisc= -
N10 - pmtudisc
k8:1 isatap=
zp11 6rd-prefix= -
zr12 6rd-relay_prefix= -
zz11 6rd-reset= -
xp11 - prefix
W20 fwmark= ?!invalid fwmark$
&e15
@ip6tnl||invalid *|9:00 2 3 4:40 6:04 7:00000000 8:00000000 1:00000000 20:00000000 15:0000 16:0200 17:0000 18:0000 19|6o
f19 external=
nb9:ip6ip6=41|ipv6/ipv6=41|ipip6=4|ip/ipv6=4|ipv4/ipv6=4|ip4ip6=4|any=0|any/ipv6=0 mode~ proto _!Cannot guess tunnel mode.
e3:6 remote=
e2:6 local=
d1 dev~ ?link dev
b4:inherit=0 ttl=hoplimit=hlim= ttl hoplimit!invalid HLIM$
jb6:8,1,none,ign_encap_limit encaplimit= encap_limit!invalid ELIM
jt7:8,2,inherit,use_orig_tclass tclass=tc=tos=dsfield~!invalid TClass
jl7:8,4,inherit,use_orig_flowlabel flowlabel=fl=!invalid Flowlabel
jd8:8,16,inherit,rcv_dscp_copy dscp=!not inherit
k8:8 - ip6_tnl_f_mip6_dev mip6
k8:64 allow-localremote= ip6_tnl_f_allow_local_remote
k8:-64 noallow-localremote= -
jw20:8,32,inherit,use_orig_fwmark fwmark=!invalid fwmark$
&e15
";

/// Rows that several tunnels share, by their letter; the number behind the letter is added to the attributes'.
pub const SHARED: &str = "\
@k
yb4:8192 key~ -
yi4:8192 ikey~ -
yo5:8192 okey~ -
Jb2:-8192 nokey~ -
Ji2:-8192 noikey~ -
Jo2:-8192 nookey~ -
Jb2:4096 seq~ -
Ji2:4096 iseq~ -
Jo2:4096 oseq~ -
Jb2:-4096 noseq~ -
Ji2:-4096 noiseq~ -
Jo2:-4096 nooseq~ -
Jb2:32768 csum~ -
Ji2:32768 icsum~ -
Jo2:32768 ocsum~ -
Jb2:-32768 nocsum~ -
Ji2:-32768 noicsum~ -
Jo2:-32768 noocsum~ -
@s
y4:8192 - ikey
y5:8192 - okey
J2:4096 - iseq
J3:4096 - oseq
J2:32768 - icsum
J3:32768 - ocsum
@r
w21 - erspan_index
b22 - erspan_ver
nb23:ingress|egress - erspan_dir
H24 - erspan_hwid
@e
ch0:0 noencap= -
nh0:none|fou|gue encap= -!Invalid encap type.
p2:auto=0 encap-sport= -!Invalid source port.
p3 encap-dport= -!Invalid destination port.
k1:1 encap-csum= -
k1:-1 noencap-csum= -
k1:2 encap-udp6-csum= -
k1:-2 noencap-udp6-csum= -
k1:4 encap-remcsum= -
k1:-4 noencap-remcsum= -
xe0 - encap
";
