//! The oracles of the fuzz targets with a fixed-seed generator: every contributor has
//! them, without a fuzzer.
#![allow(clippy::unwrap_used)]

mod oracle;

use oracle::source::Source;

/// xorshift64*: small, fixed, good enough to choose bytes with.
struct Random(u64);

impl Random {
    fn fill(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            self.0 ^= self.0 >> 12;
            self.0 ^= self.0 << 25;
            self.0 ^= self.0 >> 27;
            *byte = (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 56) as u8;
        }
    }
}

#[test]
fn every_encoding_is_well_formed_and_reads_back() {
    let mut random = Random(0x6e65_7473_7472_6170);
    let mut bytes = [0; 256];
    let mut kinds = [0u32; 11];
    for _ in 0..50_000 {
        random.fill(&mut bytes);
        let op = Source(&bytes).op();
        use netstrap::model::op::Op;
        kinds[match &op {
            Op::CreateLink(_) | Op::ReplaceLink(_) => 0,
            Op::ChangeLink(..) | Op::ChangeGroup(..) | Op::AltNames(..) | Op::SetNsid(..) => 1,
            Op::DeleteLink(_) | Op::DeleteGroup(_) => 2,
            Op::Addr(..) => 3,
            Op::Route(..) => 4,
            Op::Neigh(..) => 5,
            Op::Fdb(..) => 8,
            Op::BridgePort(_) => 9,
            Op::BridgeVlan(_) => 10,
            Op::Token(..) | Op::AddrLabel(..) => continue,
            Op::Rule { .. } => 6,
            Op::NextHop(..) => 7,
        }] += 1;
        oracle::judge_encoding(&op);
    }
    assert!(kinds.iter().all(|count| *count > 1_000), "{kinds:?}");
}

#[test]
fn no_bytes_make_the_decoders_panic() {
    let mut random = Random(0x6465_636f_6465_7273);
    let mut bytes = [0; 256];
    for round in 0..50_000u32 {
        random.fill(&mut bytes);
        // Half of the rounds: real messages with a few bytes changed, cut short now and then.
        let mut message = match round % 2 {
            0 => netstrap::wire::encode(&Source(&bytes).op()).seal(1, 0).unwrap(),
            _ => {
                let mut message = bytes.to_vec();
                message[..4].copy_from_slice(&256u32.to_ne_bytes());
                let kinds = [16u16, 20, 24, 28, 32, 72, 80, 88, 104, 116, 2, 3];
                message[4..6].copy_from_slice(&kinds[usize::from(bytes[9]) % kinds.len()].to_ne_bytes());
                message
            }
        };
        for pair in bytes[200..208].chunks(2) {
            let at = 16 + usize::from(pair[0]) % (message.len() - 16);
            message[at] = pair[1];
        }
        if bytes[210] & 3 == 0 {
            message.truncate(usize::from(bytes[211]) % message.len());
        }
        oracle::judge_decoding(&message);
    }
}

#[test]
fn every_rule_reads_back_in_every_dialect() {
    let mut random = Random(0x6e66_745f_7275_6c65);
    let mut bytes = [0; 192];
    for _ in 0..10_000 {
        random.fill(&mut bytes);
        oracle::nft::judge_rule(&bytes);
    }
}

#[test]
fn no_bytes_make_the_reader_of_rules_panic() {
    let mut random = Random(0x6e66_745f_6279_7465);
    let mut bytes = [0; 160];
    for round in 0..10_000u32 {
        random.fill(&mut bytes);
        // Half of the rounds: the attributes of a real rule with a few bytes changed.
        if round % 2 == 0 {
            let mut message = oracle::nft::attributes_of(&bytes);
            for pair in bytes[..8].chunks(2) {
                let at = usize::from(pair[0]) % message.len();
                message[at] = pair[1];
            }
            oracle::nft::judge_bytes(&message);
        } else {
            oracle::nft::judge_bytes(&bytes);
        }
    }
}
