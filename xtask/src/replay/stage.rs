//! The place where lines are run, inside a sandbox. In: the world that a line needs. Out: that
//! world, made anew by iproute2 whichever tool is tried, and the answers.

use std::ffi::CString;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::answer::Answer;
use super::line::Line;
use super::world::{Space, World};
use crate::process::{About, Outcome, find};
use crate::sys;

/// Where `ip netns` keeps its names.
const NAMES: &str = "/run/netns";
const OWN: &str = "/proc/thread-self/ns/net";

/// A stage with its current world.
pub struct Stage {
    /// Folder that is all of PATH for the lines.
    path: PathBuf,
    /// Folder in which they run.
    folder: PathBuf,
    real: PathBuf,
    world: Option<World>,
}

impl Stage {
    /// A stage for the tools in a folder; commands run in another one.
    pub fn new(path: PathBuf, folder: PathBuf) -> Outcome<Self> {
        let real = find("ip").ok_or("ip: not found")?;
        std::fs::create_dir_all(NAMES).about(NAMES)?;
        Ok(Stage { path, folder, real, world: None })
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("PATH", &self.path).env("LC_ALL", "C").current_dir(&self.folder);
        command
    }

    /// Runs a line in its world.
    pub fn play(&mut self, words: &[String], world: World) -> Outcome<Answer> {
        if self.world.as_ref() != Some(&world) {
            self.make(&world)?;
            self.world = Some(world);
        }
        let answer = Answer::of(self.command(&self.path.join("ip")).args(words))?;
        if answer.code < 0 || answer.code > 2 && answer.code != 255 || answer.code == 0 && !Line::of(words).only_reads()
        {
            self.world = None;
        }
        Ok(answer)
    }

    fn make(&self, world: &World) -> Outcome {
        for entry in std::fs::read_dir(NAMES).about(NAMES)?.flatten() {
            let name = entry.path();
            let _ = sys::unmount(&text(&name)?);
            std::fs::remove_file(&name).about(&name)?;
        }
        sys::new_network().about("a new network namespace")?;
        let outside = File::open(OWN).about(OWN)?;
        for (name, space) in &world.spaces {
            if !name.is_empty() {
                sys::new_network().about("a new network namespace")?;
                let file = Path::new(NAMES).join(name);
                File::create(&file).about(&file)?;
                sys::bind(&text(Path::new(OWN))?, &text(&file)?).about(&file)?;
            }
            self.fill(space)?;
            if !name.is_empty() {
                sys::enter_network(&outside).about(OWN)?;
            }
        }
        if let Some(words) = &world.prelude {
            let mut command = self.command(&self.real);
            command.args(words).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            command.status().about(&self.real)?;
        }
        Ok(())
    }

    /// Fills the namespace that this thread is in.
    fn fill(&self, space: &Space) -> Outcome {
        let mut command = self.command(&self.real);
        command.args(["-force", "-batch", "-"]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().about(&self.real)?;
        if let Some(mut pipe) = child.stdin.take() {
            pipe.write_all(space.script().as_bytes()).about(&self.real)?;
        }
        child.wait().map(|_| ()).about(&self.real)
    }
}

fn text(path: &Path) -> Outcome<CString> {
    use std::os::unix::ffi::OsStrExt;
    CString::new(path.as_os_str().as_bytes()).map_err(|err| format!("{}: {err}", path.display()).into())
}
