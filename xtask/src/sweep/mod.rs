//! Sweeps: the program's promises (all or nothing, die anywhere and run again, never touch what is not ours)
//! tried at every point of a run, from outside, each trial in a sandbox of its own. In: words. Out: lines of
//! what broke them, and counts.

mod drift;
mod faults;
mod judge;
mod kill;
mod mask;
pub mod place;
mod quick;
mod race;
mod scene;
mod soak;
mod state;
mod trace;

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::args::Args;
use crate::namespaces;
use crate::process::{About, Failure, Outcome, say};
use crate::tree;
use scene::Scene;

pub use drift::{inside as drift_inside, run as drift};
pub use faults::{inside as faults_inside, run as faults};
pub use kill::{inside as kill_inside, run as kill};
pub use quick::{PARTS, run as quick};
pub use race::{inside as race_inside, run as race};
pub use soak::{inside as soak_inside, run as soak};

/// How long the kernel is given to finish by itself what was begun (namespaces end a moment later).
const SETTLE: Duration = Duration::from_millis(700);
/// How often it is told how far a sweep is.
const TELL: Duration = Duration::from_secs(20);

/// The words that all sweeps take.
pub struct Common {
    /// The program.
    binary: PathBuf,
    /// Scenes, if not all.
    only: Option<String>,
    /// How many points are tried; all if not said.
    points: Option<usize>,
    /// How many trials at once.
    jobs: usize,
    /// Whether breaches are counted only.
    quiet: bool,
}

/// A folder for the files of one sweep, which goes with it.
struct Folder(PathBuf);

impl Folder {
    /// Makes it; other sweeps may run at the same time.
    fn new() -> Outcome<Folder> {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Ok(Folder(tree::scratch(&format!("sweep-{}-{number}", std::process::id()))?))
    }

    /// A file in it.
    fn file(&self, scene: &Scene, kind: &str) -> PathBuf {
        self.0.join(format!("{}.{kind}", scene.name))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Common {
    /// Takes `--binary FILE`, `--careless`, `--points N`, `--only SCENE,...` and `--jobs N`.
    pub fn take(args: &mut Args) -> Outcome<Common> {
        if !namespaces::usable() {
            return Err("sweeps need network namespaces".into());
        }
        let cpus = std::thread::available_parallelism().map_or(2, usize::from);
        let jobs = args.number("--jobs", cpus as u64)?.max(1);
        let points = args.value("--points")?.map(|text| text.parse());
        let points = points.transpose().map_err(|_| Failure::usage("--points wants a number"))?;
        let only = args.value("--only")?;
        let binary = if args.flag("--careless") { careless()? } else { tree::binary(args)? };
        Ok(Common { binary, only, points, jobs: usize::try_from(jobs).unwrap_or(1), quiet: false })
    }

    /// The same with other scenes and another number of points.
    fn with(&self, only: &str, points: usize) -> Common {
        let (only, points) = (Some(only.to_string()), Some(points));
        Common { binary: self.binary.clone(), only, points, jobs: self.jobs, quiet: self.quiet }
    }

    /// The scenes that are tried.
    fn scenes(&self) -> Outcome<Vec<&'static Scene>> {
        faults::scenes(self.only.as_deref())
    }

    /// First words of a part in the sandbox.
    fn words(&self, command: &str) -> Vec<String> {
        vec![command.to_string(), "--binary".to_string(), self.binary.display().to_string()]
    }

    /// As many as are asked for, evenly out of all.
    fn sample<T: Clone>(&self, all: Vec<T>) -> Vec<T> {
        sample(all, self.points)
    }
}

/// The program that the harness is tried on, as a file.
fn careless() -> Outcome<PathBuf> {
    use std::os::unix::fs::PermissionsExt;
    let file = tree::cache("sweeps")?.join("careless.sh");
    std::fs::write(&file, scene::CARELESS).about(&file)?;
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).about(&file)?;
    Ok(file)
}

fn sample<T: Clone>(all: Vec<T>, count: Option<usize>) -> Vec<T> {
    match count {
        Some(count) if count < all.len() => (0..count).map(|at| all[at * all.len() / count].clone()).collect(),
        _ => all,
    }
}

/// Does many trials, several at a time, and hands over what each printed. A trial that could not be made ends it all.
fn many<T: Sync>(
    common: &Common,
    all: &[T],
    trial: impl Fn(&T) -> Outcome<String> + Sync,
    report: impl FnMut(&T, String) + Send,
) -> Outcome {
    let next = AtomicUsize::new(0);
    let report = Mutex::new((report, Instant::now()));
    let failed: Mutex<Option<Failure>> = Mutex::new(None);
    let work = || {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(one) = all.get(at) else { return };
            match trial(one) {
                Ok(text) => {
                    let mut report = report.lock().unwrap_or_else(PoisonError::into_inner);
                    report.0(one, text);
                    if report.1.elapsed() > TELL {
                        report.1 = Instant::now();
                        say(format!("{} of {}", at + 1, all.len()));
                    }
                }
                Err(failure) => {
                    next.store(all.len(), Ordering::Relaxed);
                    failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(failure);
                    return;
                }
            }
        }
    };
    std::thread::scope(|scope| (0..common.jobs).for_each(|_| drop(scope.spawn(work))));
    failed.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_spread_over_all() {
        let all: Vec<usize> = (0..10).collect();
        assert_eq!(sample(all.clone(), Some(5)), [0, 2, 4, 6, 8]);
        assert_eq!(sample(all.clone(), Some(20)), all);
        assert_eq!(sample(all.clone(), None), all);
    }
}
