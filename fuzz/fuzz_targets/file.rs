//! Files of any bytes: no panic, bounded time and memory, errors within the text; and what is read is written and
//! read again as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use netstrap::file::{Files, json, read, toml};

/// One file, which may include itself and a second one.
struct Two<'a>(&'a [u8]);

impl Files for Two<'_> {
    fn read(&mut self, path: &str) -> std::io::Result<Vec<u8>> {
        match path {
            "a" => Ok(self.0.to_vec()),
            "b" => Ok(b"include = \"a\"\nroute = [\"192.0.2.0/24 dev lo\"]\n".to_vec()),
            _ => Err(std::io::Error::from_raw_os_error(2)),
        }
    }

    fn list(&mut self, _: &str) -> std::io::Result<Vec<String>> {
        Ok(vec!["b".into(), "a".into()])
    }
}

fuzz_target!(|bytes: &[u8]| {
    match read("a", &mut Two(bytes)) {
        Ok(file) => {
            for text in [toml(&file.topology), json(&file.topology)] {
                // Members of a range may be shorter to say than one by one.
                if text.len() > netstrap::file::MOST_BYTES {
                    return;
                }
                match read("a", &mut Two(text.as_bytes())) {
                    Ok(again) => assert_eq!(again.topology, file.topology, "{text}"),
                    Err(refused) => panic!("{refused}\n{text}"),
                }
            }
        }
        Err(refused) => {
            let text = refused.to_string();
            assert!(!text.is_empty());
            assert!(text.lines().all(|line| line.starts_with("a:") || line.starts_with("b:") || line.starts_with("and ")));
        }
    }
});
