//! What `netstrap nat --help` prints.

/// The whole of it.
pub const HELP: &str = "\
usage: netstrap nat [-n NAME] add RULE | del RULE | list [-j] | replace FILE | flush

RULE, every word of which `list` prints again:
 masquerade from SUBNET [to SUBNET] [out DEV] [ports PORT[-PORT]] [PICK]
   connections from SUBNET leave with the address of the interface they leave by
 snat from SUBNET [to SUBNET] [out DEV] to ADDR[-ADDR][:PORT[-PORT]] [PICK]
   they leave with ADDR (the last `to`)
 forward tcp|udp [in DEV] [listen ADDR:]PORT[-PORT] to ADDR[:PORT] [hairpin SUBNET]
   connections to PORT of this host (of its ADDR) go to another host; so do its own, unless
   `in DEV`, and those from the target's subnet, which get this host's address (SUBNET: whose
   do; else that of this host's address there, else the target's /24 or /64)
 redirect tcp|udp [in DEV] [listen ADDR:]PORT[-PORT] to PORT
   connections that arrive for PORT, wherever they lead, go to a port of this host; with
   `listen` only those to ADDR, and its own too
 PICK: random | fully-random, persistent: how addresses and ports are picked
 An IPv6 address with a port is [ADDR]:PORT; `redirect tcp listen [::]:80 to 81` is for IPv6.
 Without `to SUBNET`, masquerade and snat leave alone what stays inside the subnet, multicast
 and broadcast; `to 0.0.0.0/0` (::/0) is everything. Ports are for TCP and UDP; other
 protocols get the address only.

commands:
 add RULE      puts it at the end; if it is there: `unchanged`, exit code 0
 del RULE      takes it away; if it is not there: exit code 1
 list          prints the rules, a line each
 replace FILE  makes the rules of FILE (-: standard input) the only ones, at once, without a
               gap; one a line, # begins a comment; `unchanged` if they are
 flush         takes all away, with their tables; connections being translated end if no
               other nat table is left

options:
 -n NAME            in the network namespace NAME
 -j                 a JSON array of objects: words, family (ip, ip6), action, protocol, from,
   to, in, out, listen, ports, addr, new_ports, pick (an array), hairpin (each only if the rule
   has it), backend (nftables, xtables), allow_forward, packets, bytes; packets are those that
   open a connection. A foreign rule in our tables: family, chain, handle
 --allow-forward    add, replace (also at the end of a line): where the policy of iptables'
   chain FORWARD is drop, lets the rule's packets through there, in DOCKER-USER if it
   leads there; del, flush and replace take that back
 --flush-conntrack  after a change, makes the kernel forget all connections of the namespace:
   those from before a rule are not translated by it

exit codes: 0 done; 1 refused, or not there; 64 wrong words.
Rules are in the nftables tables `ip netstrap` and `ip6 netstrap`, their words as comments
(`ns1 ...`; over 127 bytes, cut, with `~` and a hash: the rest stands beside it, and is lost
where nft loads its own listing). Where the kernel lacks nft_masq, nft_nat or nft_redir they are
in iptables' table nat, in chains NETSTRAP-PRE, -OUT and -POST.
";
