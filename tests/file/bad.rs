//! Bad files and what each is told, exactly.

use super::parse;

const BAD: &str = include_str!("../data/file-bad.txt");

#[test]
fn every_bad_file_is_told_what_is_wrong() {
    let mut count = 0;
    for case in BAD.split("\n====\n").filter(|case| !case.trim().is_empty()) {
        let (text, expected) = case.split_once("\n----\n").unwrap_or_else(|| panic!("no ---- in {case}"));
        let found = parse(text).err().unwrap_or_default();
        assert_eq!(found, expected.trim_end(), "\n{text}");
        count += 1;
    }
    assert!(count >= 60, "{count}");
}
