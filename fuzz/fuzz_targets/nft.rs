//! Rules of nf_tables of any kind read back as they were meant, in every dialect; and no bytes make the reader panic.
#![no_main]

#[path = "../../tests/oracle/mod.rs"]
mod oracle;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    oracle::nft::judge_rule(bytes);
    oracle::nft::judge_bytes(bytes);
});
