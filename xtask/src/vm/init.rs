//! The first process of the virtual machine: mounts what every Linux has, loads the
//! modules, links the applets, runs the script with the shell, says the verdict, and
//! switches off. It does nothing to the network itself.

use std::fs::File;
use std::path::PathBuf;
use std::process::Command;

use super::{FAILURE, SUCCESS};
use crate::process::{About, Failure, Outcome};
use crate::sys;

/// `vm-init`, only as process 1.
pub fn run(_words: Vec<String>) -> Outcome {
    if std::process::id() != 1 {
        return Err(Failure::usage("vm-init is the first process of a virtual machine"));
    }
    match work() {
        Ok(()) => println!("\n{SUCCESS}"),
        Err(failure) => println!("\n{FAILURE}: {}", failure.text),
    }
    sys::power_off().about("power off")
}

fn work() -> Outcome {
    sys::mount(c"proc", c"/proc").about("/proc")?;
    sys::mount(c"sysfs", c"/sys").about("/sys")?;
    sys::mount(c"devtmpfs", c"/dev").about("/dev")?;
    let dir = "/modules";
    let mut modules: Vec<PathBuf> = std::fs::read_dir(dir).about(dir)?.flatten().map(|entry| entry.path()).collect();
    modules.sort();
    for module in &modules {
        sys::load_module(File::open(module).about(module)?).about(module)?;
    }
    println!("netstrap-vm: {} modules loaded", modules.len());
    let call = |program: &str, words: &[&str]| {
        let status = Command::new(program).args(words).env_clear().env("PATH", "/bin").status().about(program)?;
        if status.success() { Ok(()) } else { Err(Failure::from(format!("{program} {}: {status}", words.join(" ")))) }
    };
    call("/bin/netstrap", &["--version"])?;
    call("/bin/netstrap", &["install", "/bin"])?;
    call("/bin/sh", &["/walkthrough.sh"])
}
