//! Tables of `bond` and of its ports (`bond_slave`). Source: `linux/if_link.h`, `IFLA_BOND_*` and `IFLA_BOND_SLAVE_*`.

/// See [`super::Kind`].
pub const TABLE: &str = "\
";
