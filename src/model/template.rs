//! Texts with places for words: less code than pieces of text that are put together wherever they are needed.

/// A template with words in place of its `%`, one each.
#[inline(never)]
pub fn filled(template: &str, words: &[&str]) -> String {
    let mut text = String::new();
    let mut words = words.iter();
    for (number, part) in template.split('%').enumerate() {
        if number > 0 {
            text.push_str(words.next().copied().unwrap_or_default());
        }
        text.push_str(part);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_fill_their_places() {
        assert_eq!(filled("no word", &[]), "no word");
        assert_eq!(filled("%: \"%\"%", &["a", "50%", ""]), "a: \"50%\"");
    }
}
