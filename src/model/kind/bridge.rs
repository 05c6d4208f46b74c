//! Tables of `bridge` and of its ports (`bridge_slave`). Source: `linux/if_link.h`, `IFLA_BR_*` and `IFLA_BRPORT_*`.

/// See [`super::Kind`].
pub const TABLE: &str = "\
@bridge|command|invalid *|46|
w1 forward_delay~
w2 hello_time~
w3 max_age~
w4 ageing_time~
w5 stp_state~
h6 priority~
b7 vlan_filtering~
P8 vlan_protocol~
i11 - bridge_id
i10 - root_id designated_root
h12 - root_port
w13 - root_path_cost
b14 - topology_change
b15 - topology_change_detected
t16 - hello_timer
t17 - tcn_timer
t18 - topology_change_timer
t19 - gc_timer
h39 vlan_default_pvid~
b41 vlan_stats_enabled~
b45 vlan_stats_per_port~
H9 group_fwd_mask~
m20 group_address~ group_addr
f21 fdb_flush~ -
b22 mcast_router~ -
b23 mcast_snooping~
M46:0 no_linklocal_learn=
M46:1 mcast_vlan_snooping=
b22 - mcast_router
b24 mcast_query_use_ifaddr~
b25 mcast_querier~
w26 mcast_hash_elasticity~
w27 mcast_hash_max~
w28 mcast_last_member_count~ mcast_last_member_cnt
w29 mcast_startup_query_count~ mcast_startup_query_cnt
q30 mcast_last_member_interval~ mcast_last_member_intvl
q31 mcast_membership_interval~ mcast_membership_intvl
q32 mcast_querier_interval~ mcast_querier_intvl
q33 mcast_query_interval~ mcast_query_intvl
q34 mcast_query_response_interval~ mcast_query_response_intvl
q35 mcast_startup_query_interval~ mcast_startup_query_intvl
b42 mcast_stats_enabled~
b43 mcast_igmp_version~
b44 mcast_mld_version~
b36 nf_call_iptables~
b37 nf_call_ip6tables~
b38 nf_call_arptables~
@bridge_slave|option|* is invalid||
f24 fdb_flush~ -
b1 state~ -
nb1:disabled|listening|learning|forwarding|blocking - state
h2 priority~
w3 cost~
o4 hairpin~
o5 guard~
o6 root_block~
o7 fastleave~
o8 learning~
o9 flood~
o27 mcast_flood~ -
o30 bcast_flood~ -
o28 mcast_to_unicast~ -
H17 - id port_id
H18 - no port_no
h15 - designated_port
h16 - designated_cost
i14 - bridge_id designated_bridge
i13 - root_id designated_root
t23 - hold_timer
t21 - message_age_timer
t22 - forward_delay_timer
b19 - topology_change_ack
b20 - config_pending
o10 proxy_arp~
o12 proxy_arp_wifi~
b25 mcast_router~ multicast_router!invalid mcast_router
xf7 - mcast_fast_leave
o7 mcast_fast_leave~ -
o27 - mcast_flood
o30 - bcast_flood
o28 - mcast_to_unicast
o32 neigh_suppress~
H31 group_fwd_mask~!invalid group_fwd_mask
xg31 - group_fwd_mask_str
o29 vlan_tunnel~
o33 isolated~
o39 locked~
d34 backup_port~!Device does not exist$
cw34:0 nobackup_port~ -
";
