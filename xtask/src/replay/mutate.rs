//! Command lines with one word wrong. In: recorded lines and a seed. Out: distinct mutants,
//! each with the line that it comes from; the same for the same seed.

use std::collections::HashSet;

use super::line::Line;

/// A small generator of numbers that look random (xorshift64*).
pub struct Dice(u64);

impl Dice {
    /// A sequence of its own for each seed.
    pub fn new(seed: u64) -> Self {
        Dice(seed | 1)
    }

    /// A number below a bound; 0 for the bound 0.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(high).unwrap_or_default() % bound.max(1)
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        from.get(self.below(from.len()))
    }
}

/// What may stand for a number: junk, and too much.
const JUNK: &[&str] = &["abc", "-1", "99999999999999999999", "4294967296", "0x", "1x", "", "65536"];

/// Words that are keywords by their looks, from the part of the lines that `ip` judges.
pub fn keywords(lines: &[Vec<String>]) -> Vec<String> {
    let word = |word: &&String| word.len() > 1 && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let mut all: Vec<String> =
        lines.iter().flat_map(|words| words[..Line::of(words).judged()].iter().filter(word)).cloned().collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// One mutation of a line, or `None` if the dice asked for one that it does not allow.
fn mutant(words: &[String], keywords: &[String], dice: &mut Dice) -> Option<Vec<String>> {
    let judged = Line::of(words).judged();
    let at = dice.below(judged);
    let word = words.get(at)?;
    let mut out = words.to_vec();
    match dice.below(7) {
        0 => {
            out.remove(at);
        }
        1 => out.insert(at, word.clone()),
        2 => {
            if at + 1 >= judged {
                return None;
            }
            out.swap(at, at + 1);
        }
        3 => {
            let keep = 1 + dice.below(word.chars().count().saturating_sub(1));
            out[at] = word.chars().take(keep).collect();
        }
        4 => {
            let mut chars: Vec<char> = word.chars().collect();
            let letters: Vec<char> = ('a'..='z').chain('0'..='9').collect();
            let place = dice.below(chars.len());
            *chars.get_mut(place)? = *dice.pick(&letters)?;
            out[at] = chars.into_iter().collect();
        }
        5 => {
            if !word.starts_with(|first: char| first.is_ascii_digit()) {
                return None;
            }
            out[at] = dice.pick(JUNK)?.to_string();
        }
        _ => {
            if keywords.binary_search(word).is_err() {
                return None;
            }
            out[at] = dice.pick(keywords)?.clone();
        }
    }
    (out != words).then_some(out)
}

/// So many distinct mutants of lines: the number of the line, and the words.
pub fn mutants(lines: &[Vec<String>], count: usize, seed: u64) -> Vec<(usize, Vec<String>)> {
    let keywords = keywords(lines);
    let mut known: HashSet<Vec<String>> = lines.iter().cloned().collect();
    let mut dice = Dice::new(seed);
    let mut out = Vec::new();
    for _ in 0..count.saturating_mul(20) {
        if out.len() == count {
            break;
        }
        let from = dice.below(lines.len());
        let made = lines.get(from).and_then(|words| mutant(words, &keywords, &mut dice));
        if let Some(words) = made.filter(|words| known.insert(words.clone())) {
            out.push((from, words));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines() -> Vec<Vec<String>> {
        ["link set dev a mtu 1400", "route add default via 10.0.0.1", "netns exec red ping -c 1 10.0.0.1"]
            .map(|line| line.split(' ').map(str::to_string).collect())
            .to_vec()
    }

    #[test]
    fn the_same_seed_makes_the_same_mutants() {
        let (one, two) = (mutants(&lines(), 100, 7), mutants(&lines(), 100, 7));
        assert_eq!(one.len(), 100);
        assert_eq!(one, two);
        assert_ne!(one, mutants(&lines(), 100, 8));
    }

    #[test]
    fn a_mutant_is_new_and_leaves_a_programs_words_alone() {
        let lines = lines();
        for (from, words) in mutants(&lines, 100, 1) {
            assert!(!lines.contains(&words));
            assert!(words.len().abs_diff(lines[from].len()) <= 1);
            assert!(from != 2 || words.ends_with(&["-c".into(), "1".into(), "10.0.0.1".into()]), "{words:?}");
        }
    }

    #[test]
    fn keywords_are_those_of_ip() {
        let all = keywords(&lines());
        assert!(all.contains(&"mtu".to_string()) && !all.contains(&"10.0.0.1".to_string()));
    }
}
