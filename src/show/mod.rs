//! Models in, text or JSON out. One function per noun feeds both, so that they
//! cannot disagree; this layer reads models only.

pub mod addr;
pub mod addrlabel;
pub mod encap;
pub mod fdb;
pub mod kind;
pub mod link;
pub mod neigh;
pub mod netconf;
pub mod nexthop;
pub mod nft;
pub mod number;
pub mod out;
pub mod plan;
pub mod port;
pub mod route;
pub mod rule;
pub mod stats;
