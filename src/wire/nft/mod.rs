//! nf_tables messages: tables, chains, rules and their expressions. Integer
//! attributes are big-endian throughout; register data keeps its own order.

pub mod batch;
