//! Notifications: groups to join in, the kernel's messages about every change out, with
//! a word where some were lost.

use super::{Received, Socket};
use crate::error::{Error, Result};
use crate::sys::nl::Transport;
use crate::wire::build::Route;
use crate::wire::reply::Frame;

/// Receive room of a listener, bytes: a burst of some thousand changes.
const ROOM: usize = 1 << 20;

impl Socket<Route> {
    /// Joins groups (`RTNLGRP_*`), with room for a burst of notifications.
    ///
    /// # Errors
    /// A group that the kernel does not have.
    pub fn join(&mut self, groups: &[u32]) -> Result<()> {
        self.transport.reserve(0, ROOM);
        for group in groups {
            self.transport.join(*group).map_err(|e| Error::sys("join a multicast group", &e))?;
        }
        Ok(())
    }

    /// Waits for the next notifications and shows each. False if some were lost (`ENOBUFS`): what is known
    /// of the kernel's state may be stale, and listening goes on.
    ///
    /// # Errors
    /// The socket is of no more use.
    pub fn listen(&mut self, take: &mut dyn FnMut(&Frame<'_>)) -> Result<bool> {
        match self.receive()? {
            Received::Empty => match self.transport.wait() {
                Err(e) if e.kind() != std::io::ErrorKind::Interrupted => Err(Error::sys("poll", &e)),
                _ => Ok(true),
            },
            Received::Overrun | Received::Truncated => Ok(false),
            Received::Datagram(len) => {
                crate::wire::reply::frames(&self.buf[..len]).for_each(|frame| take(&frame));
                Ok(true)
            }
        }
    }
}
