//! A machine that QEMU emulates, with Debian's kernel for virtual machines. In: settings for
//! the first process. Out: the command line that boots, and the process that serves it the
//! host's files.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread::sleep;
use std::time::Duration;

use super::{MEMORY, MODULES};
use crate::process::{About, Outcome};
use crate::vm::cpio::Archive;
use crate::vm::machine::PROCESSOR;
use crate::vm::{kernel, modules};
use crate::{packages, sys};

static FETCH: Mutex<()> = Mutex::new(());
/// Where the host's root is, inside, before it is the root.
const HOST: &str = "host";
/// Where packages have the server of files; it is on no PATH.
const SERVERS: &[&str] = &["/usr/lib/qemu/virtiofsd", "/usr/libexec/virtiofsd"];

/// The server of files; it ends with the machine.
pub struct Files(Child);

impl Drop for Files {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The emulator's command line, with settings for the machine's first process.
pub fn command(dir: &Path, busybox: &Path, names: &[String]) -> Outcome<(Command, Files)> {
    if std::env::consts::ARCH != "x86_64" {
        return Err("the emulator's kernel is for x86_64 only; this machine is not".into());
    }
    packages::ensure(&[("qemu-system-x86_64", "qemu-system-x86"), ("dpkg-deb", "dpkg")])?;
    let server = server()?;
    let kernel = {
        // Machines that start together fetch it once.
        let _lock = FETCH.lock().unwrap_or_else(PoisonError::into_inner);
        kernel::get(None)?
    };
    let image = super::write(dir, "initramfs", pack(&kernel, busybox)?)?;
    let socket = dir.join("files");
    let mut files = Command::new(server);
    files.arg(format!("--socket-path={}", socket.display()));
    files.args(["-o", "source=/", "-o", "sandbox=chroot", "-o", "cache=auto", "-f"]);
    sys::lead_and_follow(&mut files);
    let files = files.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().about("virtiofsd")?;
    let files = Files(files);
    for _ in 0..100 {
        if socket.exists() {
            break;
        }
        sleep(Duration::from_millis(50));
    }
    let mut qemu = super::logged(dir, Path::new("qemu-system-x86_64"));
    qemu.args(["-accel", "tcg", "-cpu", PROCESSOR, "-smp", "1", "-display", "none", "-nodefaults", "-no-reboot"]);
    qemu.args(["-nic", "none", "-m", MEMORY, "-numa", "node,memdev=memory", "-object"]);
    qemu.arg(format!("memory-backend-memfd,id=memory,size={MEMORY},share=on"));
    qemu.arg("-chardev").arg(format!("socket,id=files,path={}", socket.display()));
    qemu.arg("-device").arg(format!("vhost-user-fs-pci,chardev=files,tag={HOST}"));
    // Its own messages, what the command prints, and the command's errors.
    qemu.args(["-serial", "file:/dev/fd/1", "-serial", "file:/dev/fd/3", "-serial", "file:/dev/fd/4"]);
    qemu.arg("-kernel").arg(kernel.image).arg("-initrd").arg(image).arg("-append");
    let settings = "console=ttyS0 quiet panic=-1 mitigations=off OUT=/dev/ttyS1 ERR=/dev/ttyS2 MODULES=/modules/list";
    let names = names.join(" ");
    qemu.arg(format!("{settings} HOST=/{HOST} {names} rdinit={} -- sh /init.sh", busybox.display()));
    Ok((qemu, files))
}

/// The server of files that a package has brought.
fn server() -> Outcome<PathBuf> {
    let found = || SERVERS.iter().map(PathBuf::from).find(|file| file.exists());
    found().ok_or_else(|| "virtiofsd is not here; on Debian it is in qemu-system-common or virtiofsd".into())
}

/// The initramfs: busybox, the first process's script, the modules and their list.
fn pack(kernel: &kernel::Kernel, busybox: &Path) -> Outcome<Vec<u8>> {
    let mut archive = Archive::new();
    for dir in ["dev", "proc", "sys", "mnt", "modules", HOST] {
        archive.dir(dir);
    }
    archive.device("dev/console", 5, 1);
    let content = std::fs::read(busybox).about(busybox)?;
    archive.file(busybox.to_string_lossy().trim_start_matches('/'), 0o755, &content);
    archive.file("init.sh", 0o644, super::INIT.as_bytes());
    let wanted: Vec<&str> = ["virtio_pci", "virtiofs"].into_iter().chain(MODULES.split_whitespace()).collect();
    let mut list = String::new();
    for module in modules::needed(&kernel.modules, &wanted, false)? {
        let file = format!("modules/{}.ko", module.name);
        archive.file(&file, 0o644, &module.bytes);
        list += &format!("/{file}\n");
    }
    archive.file("modules/list", 0o644, list.as_bytes());
    Ok(archive.finish())
}
