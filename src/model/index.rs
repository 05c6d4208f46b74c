//! Numbers of things by their keys: what keeps names, indexes of links and places findable in large topologies.

/// Numbers of things by their keys' hashes: open addressing, no deletion.
#[derive(Debug, Clone, Default)]
pub struct Index {
    /// Hash and number plus one; 0 is free. A power of two, at most three quarters full.
    slots: Vec<(u32, u32)>,
    used: usize,
}

impl Index {
    /// The number whose key has this hash and meets a condition.
    pub fn find(&self, key: &[u8], same: impl Fn(usize) -> bool) -> Option<usize> {
        self.search(key, &same)
    }

    /// One function for all conditions.
    #[inline(never)]
    fn search(&self, key: &[u8], same: &dyn Fn(usize) -> bool) -> Option<usize> {
        let hash = hash(key);
        let mut at = hash as usize;
        loop {
            let slot = self.slots.get(at & self.slots.len().wrapping_sub(1))?;
            match slot.1 {
                0 => return None,
                number if slot.0 == hash && same(number as usize - 1) => return Some(number as usize - 1),
                _ => at += 1,
            }
        }
    }

    /// Adds a number under a key.
    pub fn insert(&mut self, key: &[u8], number: usize) {
        if self.used * 4 >= self.slots.len() * 3 {
            let size = (self.slots.len() * 2).max(16);
            let old = std::mem::replace(&mut self.slots, vec![(0, 0); size]);
            old.into_iter().filter(|slot| slot.1 != 0).for_each(|slot| self.place(slot));
        }
        self.place((hash(key), u32::try_from(number + 1).unwrap_or(u32::MAX)));
        self.used += 1;
    }

    fn place(&mut self, slot: (u32, u32)) {
        let mask = self.slots.len().wrapping_sub(1);
        let mut at = slot.0 as usize & mask;
        while self.slots.get(at).is_some_and(|slot| slot.1 != 0) {
            at = (at + 1) & mask;
        }
        if let Some(free) = self.slots.get_mut(at) {
            *free = slot;
        }
    }
}

/// Eight bytes at a time, multiplied; the upper bits are the better ones.
fn hash(key: &[u8]) -> u32 {
    let hash = key.chunks(8).fold(key.len() as u64, |hash: u64, chunk| {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        (hash.rotate_left(5) ^ u64::from_le_bytes(word)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    });
    u32::try_from(hash >> 32).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_holds_several_of_one_key() {
        let mut index = Index::default();
        assert_eq!(index.find(b"a", |_| true), None);
        (0..100).for_each(|number| index.insert(b"a", number));
        assert_eq!(index.find(b"a", |number| number == 77), Some(77));
        assert_eq!(index.find(b"a", |number| number == 100), None);
        assert_eq!(index.find(b"b", |_| true), None);
    }
}
