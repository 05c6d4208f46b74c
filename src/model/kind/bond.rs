//! Tables of `bond` and of its ports (`bond_slave`). Source: `linux/if_link.h`, `IFLA_BOND_*` and `IFLA_BOND_SLAVE_*`.

/// See [`super::Kind`].
pub const TABLE: &str = "\
@bond|command|invalid *||i
nb1:balance-rr|active-backup|balance-xor|broadcast|802.3ad|balance-tlb|balance-alb mode~
d2 active_slave~ ?
cw2:0 clear_active_slave~ -
w3 miimon~
w4 updelay~
w5 downdelay~
w28 peer_notify_delay~
b6 use_carrier~
w7 arp_interval~
b30 arp_missed_max~
A8 arp_ip_target~
A31:6 ns_ip6_target~
nw9:none|active|backup|all|filter|filter_active|filter_backup arp_validate~
nw10:any|all arp_all_targets~
d11 primary~ ?
nb12:always|better|failure primary_reselect~
nb13:none|active|follow fail_over_mac~
nb14:layer2|layer3+4|layer2+3|encap2+3|encap3+4|vlan+srcmac xmit_hash_policy~
w15 resend_igmp~
b16 num_grat_arp~num_unsol_na~ num_peer_notif!invalid num_grat_arp|num_unsol_na
b17 all_slaves_active~
w18 min_links~
w19 lp_interval~
w20 packets_per_slave~
nb29:off|on lacp_active~ ad_lacp_active
nb21:slow|fast lacp_rate~ ad_lacp_rate
nb22:stable|bandwidth|count ad_select~
xi23 - ad_info
h24 ad_actor_sys_prio~
h25 ad_user_port_key~
m26 ad_actor_system~
b27 tlb_dynamic_lb~
@bond_slave|option|* is invalid||
nb1:ACTIVE|BACKUP - state
nb2:UP|GOING_DOWN|DOWN|GOING_BACK - mii_status
w3 - link_failure_count
m4 - perm_hwaddr
h5 queue_id~
s9 prio~
h6 - ad_aggregator_id
b7 - ad_actor_oper_port_state
xs7 - ad_actor_oper_port_state_str
h8 - ad_partner_oper_port_state
xs8 - ad_partner_oper_port_state_str
";
