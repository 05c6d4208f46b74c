//! Datagrams of any bytes: no panic, and what another implementation reads we read alike.
#![no_main]

#[path = "../../tests/oracle/mod.rs"]
mod oracle;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| oracle::judge_decoding(bytes));
