//! BPF programs of control groups: loading one, and putting it to a group. Source: `linux/bpf.h`.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use super::check;

const BPF_PROG_LOAD: libc::c_long = 5;
const BPF_PROG_ATTACH: libc::c_long = 8;
const BPF_PROG_TYPE_CGROUP_SOCK: u32 = 9;
const BPF_CGROUP_INET_SOCK_CREATE: u32 = 2;

/// `union bpf_attr` as far as the two commands read it.
type Attr = [u64; 6];

/// Two fields of 32 bits, one after the other.
fn pair(first: u32, second: u32) -> u64 {
    let ([a, b, c, d], [e, f, g, h]) = (first.to_ne_bytes(), second.to_ne_bytes());
    u64::from_ne_bytes([a, b, c, d, e, f, g, h])
}

/// One instruction: code, destination and source register, offset 0, a number.
fn instruction(code: u8, destination: u8, source: u8, number: u32) -> [u8; 8] {
    let registers = if cfg!(target_endian = "big") { destination << 4 | source } else { source << 4 | destination };
    let [a, b, c, d] = number.to_ne_bytes();
    [code, registers, 0, 0, a, b, c, d]
}

/// The program that binds each socket to an interface as it is made: `sock->bound_dev_if = index; return 1`.
/// `bound_dev_if` is the first field of `struct bpf_sock`, which register 1 points to.
fn program(index: u32) -> [[u8; 8]; 4] {
    [instruction(0xb7, 3, 0, index), instruction(0x63, 1, 3, 0), instruction(0xb7, 0, 0, 1), instruction(0x95, 0, 0, 0)]
}

/// Loads the program that binds new sockets to an interface (kernel 4.10).
pub fn load_binder(index: u32) -> io::Result<OwnedFd> {
    let program = program(index);
    let license = c"GPL";
    let head = pair(BPF_PROG_TYPE_CGROUP_SOCK, 4);
    let fd = call(BPF_PROG_LOAD, &[head, program.as_ptr() as u64, license.as_ptr() as u64, 0, 0, 0])?;
    // SAFETY: the kernel has just made this descriptor, and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Makes the program run for each socket that a process of the group makes, in place of one before it.
pub fn attach(program: BorrowedFd<'_>, group: BorrowedFd<'_>) -> io::Result<()> {
    let [group, program] = [group.as_raw_fd(), program.as_raw_fd()].map(|fd| u32::try_from(fd).unwrap_or(u32::MAX));
    // The second pair is type and flags.
    call(BPF_PROG_ATTACH, &[pair(group, program), pair(BPF_CGROUP_INET_SOCK_CREATE, 0), 0, 0, 0, 0]).map(|_| ())
}

fn call(command: libc::c_long, attr: &Attr) -> io::Result<libc::c_int> {
    // SAFETY: `attr` is as long as said, and what it points to outlives the call; the kernel only reads.
    let ret = unsafe { libc::syscall(libc::SYS_bpf as libc::c_long, command, attr as *const Attr, size_of::<Attr>()) };
    check(libc::c_int::try_from(ret).unwrap_or(-1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_endian = "little")]
    fn the_programs_bytes() {
        let expected = [
            [0xb7, 3, 0, 0, 7, 0, 0, 0],
            [0x63, 0x31, 0, 0, 0, 0, 0, 0],
            [0xb7, 0, 0, 0, 1, 0, 0, 0],
            [0x95, 0, 0, 0, 0, 0, 0, 0],
        ];
        assert_eq!(program(7), expected);
    }
}
