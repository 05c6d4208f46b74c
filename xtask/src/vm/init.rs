//! The first process of the virtual machine: mounts what every Linux has, loads the
//! modules, does what the machine was booted for, says the verdict, and switches off. What
//! it does to the network itself is to connect through it.

use std::fs::File;
use std::path::PathBuf;

use super::boots::{self, Boot};
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
    boots::call("/bin/netstrap", &["--version"])?;
    Boot::this()?.work()
}
