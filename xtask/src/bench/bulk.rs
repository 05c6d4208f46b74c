//! Many changes in one process, and a long list: `ip -batch` of routes and of addresses, and a
//! dump, beside iproute2. In: contenders by name and program. Out: rows of the table.

use std::path::{Path, PathBuf};

use super::measure::{self, Contender};
use crate::process::{About, Outcome};

/// Routes of one batch.
const ROUTES: usize = 10_000;
/// Addresses of one batch.
const ADDRESSES: usize = 1_000;
/// Routes of the list.
const LISTED: usize = 20_000;
/// A run takes a good part of a second: this many are enough.
const RUNS: usize = 15;

/// Network number `n` of 10.0.0.0/8, as the third and second byte of its address.
fn network(n: usize) -> String {
    format!("10.{}.{}.0/24", n / 250, n % 250)
}

/// One line for each of `count` things.
fn lines(count: usize, line: impl Fn(usize) -> String) -> String {
    (0..count).map(|n| line(n) + "\n").collect()
}

fn file(dir: &Path, name: &str, text: String) -> Outcome<PathBuf> {
    let path = dir.join(name);
    std::fs::write(&path, text).about(&path)?;
    Ok(path)
}

/// Measures, on the device `v-bench`; `ips` are the programs that stand as `ip`.
pub fn cases(ips: &[(String, String)], runs: usize) -> Outcome {
    let runs = runs.min(RUNS);
    let dir = std::env::temp_dir().join(format!("netstrap-bulk-{}", std::process::id()));
    std::fs::create_dir_all(&dir).about(&dir)?;
    let contenders = |words: &str| -> Vec<_> {
        ips.iter().map(|(name, ip)| Contender::new(name, &format!("{ip} {words}"))).collect()
    };
    let by = |words: &str| Contender::new("undo", &format!("{} {words}", ips[0].1));
    by("link set v-bench up").time()?;
    let batch = |name: &str, count: usize, add: &dyn Fn(usize, &str) -> String| -> Outcome {
        let adds = file(&dir, "add", lines(count, |n| add(n, "add")))?;
        let dels = file(&dir, "del", lines(count, |n| add(n, "del")))?;
        let undo = by(&format!("-batch {}", dels.display()));
        measure::case(name, &contenders(&format!("-batch {}", adds.display())), Some(&undo), runs)
    };
    batch(&format!("ip -batch, {ROUTES} routes"), ROUTES, &|n, verb| {
        format!("route {verb} {} dev v-bench", network(n))
    })?;
    batch(&format!("ip -batch, {ADDRESSES} addresses"), ADDRESSES, &|n, verb| {
        format!("addr {verb} 10.{}.{}.1/24 dev v-bench", n / 250, n % 250)
    })?;
    let listed = file(&dir, "list", lines(LISTED, |n| format!("route add {} dev v-bench", network(n))))?;
    by(&format!("-batch {}", listed.display())).time()?;
    let outcome = measure::case(&format!("ip route show, {LISTED} routes"), &contenders("route show"), None, runs)
        .and_then(|()| {
            measure::case(&format!("ip -j route show, {LISTED} routes"), &contenders("-j route show"), None, runs)
        });
    by("link set v-bench down").time()?;
    let _ = std::fs::remove_dir_all(&dir);
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_all_different() {
        let mut all: Vec<String> = (0..LISTED).map(network).collect();
        all.sort();
        all.dedup();
        assert_eq!((all.len(), network(251).as_str()), (LISTED, "10.1.1.0/24"));
    }
}
