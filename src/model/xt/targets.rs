//! The targets. Source of the structures: `linux/netfilter/xt_*.h`, `nf_nat.h`, `linux/netfilter_ipv4/ipt_*.h`.

/// The table; see the parent module. A head without rows shares those of the next one; `-` is no row. `base` of a NAT
/// target is where its range begins.
pub const TABLE: &str = "\
@MASQUERADE t4 = 0 24 4 0 -
@MASQUERADE t6 = 0 40 0 0 -
to-ports Zp w0.2 - masq_ports:_$
random G w0.4 - |
random-fully G w0.10 - |
@SNAT t4 = 0 24 4 0 -
@SNAT t6 = 1 40 0 0 -
to-source Z - - to:$ +
random G w0.4 - |
random-fully G w0.10 - |
persistent G w0.8 - |
@DNAT t* = 2 48 0 0 -
@DNAT t4 = 0 24 4 0 -
@DNAT t6 = 1 40 0 0 -
to-destination Z - - to:$ +
random G w0.4 - |
persistent G w0.8 - |
@REDIRECT t4 = 0 24 4 0 -
@REDIRECT t6 = 0 40 0 0 -
to-ports Zp w0.2 - redir_ports_$
random G w0.4 - |
@REJECT t4 = 0 8 0 0 -
reject-with Ew0 - - |_$ =icmp-port-unreachable :icmp-net-unreachable=0,net-unreach=0,icmp-host-unreachable=1,host-unreach=1,icmp-proto-unreachable=2,proto-unreach=2,icmp-port-unreachable=3,port-unreach=3,icmp-net-prohibited=5,net-prohib=5,icmp-host-prohibited=6,host-prohib=6,tcp-reset=7,tcp-rst=7,icmp-admin-prohibited=8,admin-prohib=8 !unknown reject type \"*\"
@REJECT t6 = 0 8 0 0 -
reject-with Ew0 - - |_$ =icmp6-port-unreachable :icmp6-no-route=0,no-route=0,icmp6-adm-prohibited=1,adm-prohibited=1,icmp6-addr-unreachable=3,addr-unreach=3,icmp6-port-unreachable=4,port-unreach=4,tcp-reset=6,icmp6-policy-fail=7,policy-fail=7,icmp6-reject-route=8,reject-route=8 !unknown reject type \"*\"
@MARK t* = 2 8 0 0 MARK !MARK: One of the --set-xmark, --{and,or,xor,set}-mark options is required
set-xmark Mx0 - - $ x
set-mark Ms0 - - - x
and-mark Ma0 - - - x
or-mark Mo0 - - - x
xor-mark Mr0 - - - x
@CONNMARK t* = 2 16 0 0 CONNMARK z12-14 !CONNMARK target: No operation specified
set-xmark Mx0 b14.ff=0 - $ x
save-mark G b14.ff=1 - save x
restore-mark G b14.ff=2 - restore x
nfmask Xw8 b14.ff=0~ - | =0xffffffff
ctmask Xw4 b14.ff=0~ - | =0xffffffff
set-mark Ms0 b14.ff=0 - - x
and-mark Ma0 b14.ff=0 - - x
or-mark Mo0 b14.ff=0 - - x
xor-mark Mr0 b14.ff=0 - - x
mask k4,8 - - -
@LOG t* = 0 32 0 0 LOG
log-prefix S2,30 ? - prefix
log-level eb0 d - level =4 :emerg=0,panic=0,alert=1,crit=2,error=3,warning=4,notice=5,info=6,debug=7 !log level \"*\" unknown^
log-tcp-sequence G b1.1 - tcp-sequence
log-tcp-options G b1.2 - tcp-options
log-ip-options G b1.4 - ip-options
log-uid G b1.8 - uid
log-macdecode G b1.20 - macdecode
@TCPMSS t4 = 0 8 0 0 TCPMSS !TCPMSS target: At least one parameter is required
set-mss Nh0 h0.ffff~ - set_$ :0-65515
clamp-mss-to-pmtu G h0.ffff - clamp_to_PMTU
@TCPMSS t6 = 0 8 0 0 TCPMSS !TCPMSS target: At least one parameter is required
set-mss Nh0 h0.ffff~ - set_$ :0-65495
clamp-mss-to-pmtu G h0.ffff - clamp_to_PMTU
@NOTRACK t* CT 2 72 0 0 NOTRACK h0.ffff=3 z2-72
-
@CT t* CT 2 72 0 0 CT h0.2=0 z4-72
notrack G h0.1 - |
zone Nh2 ? - |_$ !Cannot parse * as a zone ID
@TTL t4 = 0 8 0 0 TTL !TTL: You must specify an action
ttl-set Nb1 b0.ff=0 - set_to_$ x
ttl-inc Nb1 b0.ff=1 - increment_by_$ :1-255 x
ttl-dec Nb1 b0.ff=2 - decrement_by_$ :1-255 x
@HL t6 = 0 8 0 0 HL !HL: You must specify an action
hl-set Nb1 b0.ff=0 - set_to_$ x
hl-inc Nb1 b0.ff=1 - increment_by_$ :1-255 x
hl-dec Nb1 b0.ff=2 - decrement_by_$ :1-255 x
@CLASSIFY t* = 0 8 0 0 CLASSIFY_set
set-class K0 - - $ + !Bad class value \"*\"
@
";
