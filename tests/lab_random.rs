//! Any topology can become any other: what is made of the first by applying the second is what the second
//! makes in an empty place.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;
#[path = "support/topologies.rs"]
mod topologies;

#[test]
fn what_is_made_up_is_right() {
    for seed in 0..400 {
        let (first, second) = topologies::pair(seed);
        for text in [first, second] {
            let file = std::env::temp_dir().join(format!("made-up-{}.toml", std::process::id()));
            std::fs::write(&file, &text).unwrap();
            let read = netstrap::file::read(file.to_str().unwrap(), &mut Disk);
            assert!(read.is_ok(), "seed {seed}:\n{}\n{text}", read.err().unwrap());
            std::fs::remove_file(file).unwrap();
        }
    }
}
struct Disk;
impl netstrap::file::Files for Disk {
    fn read(&mut self, path: &str) -> std::io::Result<Vec<u8>> {
        std::fs::read(path)
    }
    fn list(&mut self, _folder: &str) -> std::io::Result<Vec<String>> {
        Ok(vec![])
    }
}
