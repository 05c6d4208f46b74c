//! Changes of any kind: well formed on the wire, read back as they were meant, by us and by another implementation.
#![no_main]

#[path = "../../tests/oracle/mod.rs"]
mod oracle;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| oracle::judge_encoding(&oracle::source::Source(bytes).op()));
