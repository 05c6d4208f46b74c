//! What only an ioctl does to devices: making TUN and TAP ones, multicast addresses of the hardware, and the driver.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use super::check;

/// Adds a multicast address of the hardware (`linux/sockios.h`).
pub const SIOCADDMULTI: u32 = 0x8931;
/// Takes one away.
pub const SIOCDELMULTI: u32 = 0x8932;
/// Makes or opens the device of a name (`linux/if_tun.h`).
pub const TUNSETIFF: u32 = write_int(202);
/// Whether the device outlives the descriptor.
pub const TUNSETPERSIST: u32 = write_int(203);
/// The user who may open it.
pub const TUNSETOWNER: u32 = write_int(204);
/// The index that the device will have, before it is made (kernel 3.7).
pub const TUNSETIFINDEX: u32 = write_int(218);
/// The group that may open it.
pub const TUNSETGROUP: u32 = write_int(206);

/// `_IOW('T', number, int)`; a few architectures have the direction elsewhere.
const fn write_int(number: u32) -> u32 {
    let other =
        cfg!(any(target_arch = "powerpc", target_arch = "powerpc64", target_arch = "mips", target_arch = "mips64"));
    let direction = if other { 0x8000_0000 } else { 0x4000_0000 };
    direction | 4 << 16 | 0x5400 | number
}

/// `struct ifreq` (`linux/if.h`): a name and 16 or 24 bytes.
#[repr(C, align(8))]
struct Ifreq {
    name: [u8; libc::IFNAMSIZ],
    data: [u8; 24],
}

/// Calls one of the ioctls that take a `struct ifreq`. A name of more than 15 bytes, and data of more
/// than 16, are cut.
pub fn with_name(fd: BorrowedFd<'_>, number: u32, name: &[u8], data: &[u8]) -> io::Result<()> {
    let mut ifreq = Ifreq { name: [0; libc::IFNAMSIZ], data: [0; 24] };
    ifreq.name.iter_mut().zip(name.iter().take(libc::IFNAMSIZ - 1)).for_each(|(to, from)| *to = *from);
    ifreq.data.iter_mut().zip(data.iter().take(16)).for_each(|(to, from)| *to = *from);
    // SAFETY: these ioctls read and write one struct ifreq at most, which is not larger than `ifreq`.
    check(unsafe { libc::ioctl(fd.as_raw_fd(), number as _, &raw mut ifreq) }).map(|_| ())
}

/// Calls one of the ioctls that take a number.
pub fn with_number(fd: BorrowedFd<'_>, number: u32, value: u32) -> io::Result<()> {
    // SAFETY: these ioctls take a number, and no memory.
    check(unsafe { libc::ioctl(fd.as_raw_fd(), number as _, libc::c_ulong::from(value)) }).map(|_| ())
}

/// Calls one of the ioctls that read a number from memory.
pub fn with_int(fd: BorrowedFd<'_>, number: u32, value: u32) -> io::Result<()> {
    // SAFETY: these ioctls read one number, and it outlives the call.
    check(unsafe { libc::ioctl(fd.as_raw_fd(), number as _, &raw const value) }).map(|_| ())
}

/// `SIOCETHTOOL` (`linux/sockios.h`).
const SIOCETHTOOL: u32 = 0x8946;
/// `ETHTOOL_GDRVINFO` (`linux/ethtool.h`).
const GDRVINFO: u32 = 3;

/// `struct ethtool_drvinfo`: the command, the name of the driver, and what nobody asks for here.
#[repr(C)]
struct DriverInfo {
    command: u32,
    driver: [u8; 32],
    rest: [u8; 160],
}

/// The name of a device's driver, of the namespace that a socket was opened in. Needs no rights.
pub fn driver(socket: BorrowedFd<'_>, name: &[u8]) -> io::Result<Vec<u8>> {
    let mut info = DriverInfo { command: GDRVINFO, driver: [0; 32], rest: [0; 160] };
    let at = (&raw mut info).expose_provenance().to_ne_bytes();
    // The kernel writes the whole struct, and with this command nothing behind it.
    with_name(socket, SIOCETHTOOL, name, &at)?;
    // SAFETY: `info` outlives the call, and any bytes are a `DriverInfo`.
    let info = unsafe { (&raw const info).read_volatile() };
    Ok(info.driver.split(|byte| *byte == 0).next().unwrap_or_default().to_vec())
}
