//! Bad files and what each is told, exactly.

use super::parse;

const BAD: &str = include_str!("../data/file-bad.txt");

#[test]
fn every_bad_file_is_told_what_is_wrong() {
    let (mut count, mut wrong) = (0, Vec::new());
    for case in BAD.split("\n====\n").filter(|case| !case.trim().is_empty()) {
        let (text, expected) = case.split_once("\n----\n").unwrap_or_else(|| panic!("no ---- in {case}"));
        let found = parse(text).err().unwrap_or_default();
        if found != expected.trim_end() {
            wrong.push(format!("{text}\n----\n{found}"));
        }
        count += 1;
    }
    assert!(wrong.is_empty(), "these are told otherwise:\n{}", wrong.join("\n====\n"));
    assert!(count >= 60, "{count}");
}
