//! Numbers of a seed, each drawn by a name of its own.

/// Draws by name.
#[derive(Clone, Copy)]
pub struct Dice {
    /// The seed.
    pub seed: u64,
    /// Another seed, and one in how many decisions is drawn by it.
    pub other: Option<(u64, u64)>,
}

impl Dice {
    /// A number below `sides`, for the decision of this name.
    pub fn roll(self, name: &str, sides: u64) -> u64 {
        let seed = match self.other {
            Some((other, one_in)) if mixed(other, name).is_multiple_of(one_in) => other ^ 0xff,
            _ => self.seed,
        };
        mixed(seed, name) % sides
    }

    /// Whether one chance in `sides` came.
    pub fn one_in(self, name: &str, sides: u64) -> bool {
        self.roll(name, sides) == 0
    }

    /// One of a list.
    pub fn pick<'a>(self, name: &str, list: &[&'a str]) -> &'a str {
        list[usize::try_from(self.roll(name, list.len() as u64)).unwrap()]
    }
}

/// A number of a seed and a name: FNV-1a, then the last steps of splitmix64.
fn mixed(seed: u64, name: &str) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325 ^ seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    for byte in name.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}
