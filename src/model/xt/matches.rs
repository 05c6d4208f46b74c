//! The matches. Source of the structures: `linux/netfilter/xt_*.h`, `linux/netfilter_ipv4/ipt_*.h`.

/// Types of addresses (`xt_addrtype.h`): a bit each.
pub const ADDRESS_TYPES: &str = "UNSPEC=1,UNICAST=2,LOCAL=4,BROADCAST=8,ANYCAST=16,MULTICAST=32,BLACKHOLE=64,\
    UNREACHABLE=128,PROHIBIT=256,THROW=512,NAT=1024,XRESOLVE=2048";

/// The table; see the parent module.
pub const TABLE: &str = "\
@tcp m* = 0 16 0 6 tcp
sport,source-port P0,2 ? b11.1 spt#:!$ =0:65535
dport,destination-port P4,2 ? b11.2 dpt#:!$ =0:65535
tcp-option Nb8 ? b11.8 option=!$ :1-255 !Bad TCP option \"*\"
tcp-flags F9 ? b11.4 flags:!$
syn f9 - b11.4 -
@udp m* = 0 16 0 17 udp
sport,source-port Pu0,2 ? b8.1 spt#:!$ =0:65535
dport,destination-port Pu4,2 ? b8.2 dpt#:!$ =0:65535
@comment m* = 0 256 0 0 -
comment S0,256 - - /*_$_*/ +
@conntrack m* = 3 168 0 0 - h146.2000=0 !conntrack: At least one option is required
ctstate Bh150 h146.1 h148.1 ~|_$ :INVALID=1,NEW=8,RELATED=4,ESTABLISHED=2,UNTRACKED=256,SNAT=64,DNAT=128 !Bad ctstate \"*\"
ctproto Ch136 h146.2 h148.2 ~|_$
ctorigsrc A0 h146.4 h148.4 ~|_$
ctorigdst A32 h146.8 h148.8 ~|_$
ctreplsrc A64 h146.10 h148.10 ~|_$
ctrepldst A96 h146.20 h148.20 ~|_$
ctorigsrcport Pc138,16 h146.100 h148.100 ~|_$
ctorigdstport Pc140,16 h146.200 h148.200 ~|_$
ctreplsrcport Pc142,16 h146.400 h148.400 ~|_$
ctrepldstport Pc144,16 h146.800 h148.800 ~|_$
ctstatus Bh152 h146.40 h148.40 ~|_$ :NONE=0,EXPECTED=1,SEEN_REPLY=2,ASSURED=4,CONFIRMED=8 !Bad ctstatus \"*\"
ctexpire Rw128,4 h146.80 h148.80 ~|_$
ctdir Eh148,4096 h146.1000 - |_$ :ORIGINAL=0,REPLY=4096
@state m* conntrack 3 168 0 0 - h146.2000
state Bh150 h146.1 h148.1 ~|_$ :INVALID=1,NEW=8,RELATED=4,ESTABLISHED=2,UNTRACKED=256 + !Bad state \"*\"
@multiport m* = 1 48 0 0 multiport !multiport expection an option
sports,source-ports L0 b0.ff=0 b47.1 |_%$ x
dports,destination-ports L0 b0.ff=1 b47.1 |_%$ x
ports L0 b0.ff=2 b47.1 |_%$ x
@mark m* = 1 16 0 0 -
mark M0 - b8.1 |_match_~$ +
@connmark m* = 1 16 0 0 -
mark M0 - b8.1 connmark_match_&$ +
@addrtype m* = 1 8 0 0 ADDRTYPE_match !addrtype: you must specify --src-type or --dst-type
src-type Bh0 ? w4.1 |_!$ :^ !addrtype: bad type \"*\"
dst-type Bh2 ? w4.2 |_!$ :^ !addrtype: bad type \"*\"
limit-iface-in G w4.4 - limit-in x
limit-iface-out G w4.8 - limit-out x
@limit m* = 0 40 0 0 limit:
limit T0 - - avg_$ =3/hour
limit-burst Nw4 d - burst_$ =5 :0-10000
@icmp m4 = 0 8 0 1 -
icmp-type Y0 - b3.1 icmp +
@icmp6 m6 = 0 8 0 58 -
icmpv6-type Y0 - b3.1 ipv6-icmp +
@iprange m* = 1 72 0 0 - !iprange match: You must specify `--src-range' or `--dst-range'
src-range I0 b64.1 b64.10 source_IP_range_~$
dst-range I32 b64.2 b64.20 destination_IP_range_~$
@physdev m* = 0 72 0 0 PHYSDEV_match !PHYSDEV: no physdev option specified
physdev-is-in G b65.8 b64.8 ~--physdev-is-in
physdev-in D0 b65.1 b64.1 ~--physdev-in_$
physdev-is-out G b65.10 b64.10 ~--physdev-is-out
physdev-out D32 b65.2 b64.2 ~--physdev-out_$
physdev-is-bridged G b65.4 b64.4 ~--physdev-is-bridged
@owner m* = 1 24 0 0 - !owner: At least one of --uid-owner, --gid-owner or --socket-exists is required
socket-exists G b16.4 b17.4 ~owner_socket_exists
uid-owner Uu0,4 b16.1 b17.1 ~owner_UID_match_$
gid-owner Ug8,4 b16.2 b17.2 ~owner_GID_match_$
suppl-groups G b16.8 b17.8 incl._suppl._groups
@policy m* = 0 312 0 0 policy_match
dir eh304,3 - - |_$ :in=1,out=2 !policy_match: invalid dir \"*\"
pol eh304,4 - - |_$ :ipsec=0,none=4 !policy match: invalid policy \"*\"
strict G h304.8 - |
reqid Nw68 b74.20 b75.20 ~|_$
spi Xw64 b74.10 b75.10 ~|_$
proto Cb72 b74.4 b75.4 ~|_$ !policy match: protocol must be ah/esp/ipcomp
mode eb73,255 b74.8 b75.8 ~|_$ :transport=0,tunnel=1 !policy match: invalid mode \"*\"
tunnel-dst A32 b74.2 b75.2 ~|_$
tunnel-src A0 b74.1 b75.1 ~|_$
next n - - -
@mac m* = 0 16 0 0 -
mac-source H0 - w8.1 MAC_~$ +
@length m* = 0 8 0 0 -
length Rh0,2 - b4.1 |_!$ +
@pkttype m* = 0 8 0 0 -
pkt-type Ew0 - w4.1 PKTTYPE_!=_$ :unicast=0,host=0,broadcast=1,multicast=2 + !Bad packet type '*'
@ttl m4 = 0 8 0 0 - !TTL match: You must specify one of `--ttl-eq', `--ttl-lt', `--ttl-gt
ttl-lt Nb1 b0.ff=2 - TTL_match_TTL_<_$ x
ttl-gt Nb1 b0.ff=3 - TTL_match_TTL_>_$ x
ttl-eq,ttl,ttl-eq Nb1 b0.fe=0 b0.1 TTL_match_TTL_^=_$ x
@hl m6 = 0 8 0 0 - !HL match: You must specify one of `--hl-eq', `--hl-lt', `--hl-gt'
hl-lt Nb1 b0.ff=2 - HL_match_HL_<_$ x
hl-gt Nb1 b0.ff=3 - HL_match_HL_>_$ x
hl-eq,hl,hl-eq Nb1 b0.fe=0 b0.1 HL_match_HL_^=_$ x
@tcpmss m* = 0 8 0 0 -
mss Rh0,2 - b4.1 tcpmss_match_!$ +
@statistic m* = 0 24 0 0 statistic
mode eh0 - - mode_$ :random=0,nth=1 + !Bad mode \"*\"
probability V4 h0.1=1~ h2.1 ~probability_$
every Qw4,1 h0.1=0~ h2.1 ~every_$ :1-4294967295
packet Qw8 h0.1=0~ - packet_$
@esp m* = 0 16 0 50 esp
espspi Rw0,4 ? b8.1 spi#:!$ =0:4294967295
@
";
