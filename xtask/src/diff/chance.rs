//! Numbers that look random and come again: a seed in, the same numbers out (splitmix64).

/// A stream of numbers.
pub struct Chance(u64);

impl Chance {
    /// The stream of a seed and a number within it.
    pub fn new(seed: u64, number: u64) -> Self {
        let mut chance = Chance(seed ^ number.wrapping_mul(0xd134_2543_de82_ef95));
        chance.next();
        chance
    }

    /// The next number.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number of a range, both ends in it.
    pub fn within(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % (high.max(low) - low).saturating_add(1)
    }

    /// Whether something that happens in so many of a hundred happens now.
    pub fn percent(&mut self, percent: u64) -> bool {
        self.next() % 100 < percent
    }

    /// One of a list; `None` of an empty one.
    pub fn one<'a, T>(&mut self, list: &'a [T]) -> Option<&'a T> {
        let last = u64::try_from(list.len()).ok()?.checked_sub(1)?;
        list.get(usize::try_from(self.within(0, last)).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_numbers() {
        let numbers = |seed, number| (0..8).scan(Chance::new(seed, number), |c, _| Some(c.next())).collect::<Vec<_>>();
        assert_eq!(numbers(1, 2), numbers(1, 2));
        assert_ne!(numbers(1, 2), numbers(1, 3));
        assert_ne!(numbers(1, 2), numbers(2, 2));
    }

    #[test]
    fn numbers_stay_within_their_range() {
        let mut chance = Chance::new(7, 0);
        let seen: std::collections::BTreeSet<u64> = (0..200).map(|_| chance.within(3, 6)).collect();
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), [3, 4, 5, 6]);
        assert_eq!(chance.one::<u8>(&[]), None);
        assert!((0..100).all(|_| chance.percent(100) && !chance.percent(0)));
    }
}
