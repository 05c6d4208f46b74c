//! Models in, text or JSON out. One function per noun feeds both, so that they
//! cannot disagree; this layer reads models only.

pub mod addr;
pub mod fdb;
pub mod link;
pub mod neigh;
pub mod out;
pub mod port;
pub mod route;
