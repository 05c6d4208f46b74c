//! Plain data with its rules: what links, addresses, routes, neighbours and NAT
//! rules are. Parsers make it, encoders and printers read it.

pub mod addr;
pub mod addrlabel;
pub mod encap;
pub mod etc;
pub mod fdb;
pub mod index;
pub mod ip;
pub mod kind;
pub mod lab;
pub mod link;
pub mod name;
pub mod nat;
pub mod neigh;
pub mod netconf;
pub mod nexthop;
pub mod op;
pub mod plan;
pub mod port;
pub mod route;
pub mod rtnames;
pub mod rule;
pub mod state;
pub mod template;
pub mod time;
pub mod token;
pub mod topology;
pub mod translation;
pub mod world;
pub mod xt;
