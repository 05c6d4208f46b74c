//! `iptables`.

use std::ffi::OsString;

use super::io::Io;

/// Runs the applet.
pub fn run(_argv: &[OsString], io: &mut Io) -> u8 {
    io.error("iptables: not supported by netstrap");
    2
}
