//! New namespaces, made by a thread while links are already put into the first of them. They have no name yet: if
//! the process ends, nothing is left of them.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::record::again;
use crate::error::{Error, Result};
use crate::netns::Namespace;
use crate::socket::Socket;
use crate::sys::netns as sys;
use crate::sys::thread::{self, Thread};
use crate::wire::build::Route;

/// Stack of the thread.
const STACK: usize = 128 * 1024;

/// A namespace, with a socket that was opened in it.
pub type Made = (Namespace, Socket<Route>);

/// The thread that makes namespaces, and those that are made.
#[derive(Debug)]
pub struct Maker {
    desk: Arc<Desk>,
    thread: Option<Thread>,
}

#[derive(Debug, Default)]
struct Desk {
    state: Mutex<State>,
    news: Condvar,
}

#[derive(Debug, Default)]
struct State {
    made: VecDeque<Result<Made>>,
    /// No more are wanted.
    over: bool,
}

impl Desk {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Maker {
    /// Begins to make so many namespaces.
    ///
    /// # Errors
    /// There cannot be a thread.
    pub fn start(count: usize) -> Result<Self> {
        let desk = Arc::new(Desk::default());
        let its = Arc::clone(&desk);
        let work = move || {
            for _ in 0..count {
                let made = again(make);
                let failed = made.is_err();
                let mut state = its.state();
                state.made.push_back(made);
                if failed || state.over {
                    break;
                }
                drop(state);
                its.news.notify_one();
            }
            its.state().over = true;
            its.news.notify_one();
        };
        let thread = thread::start(STACK, Box::new(work)).map_err(|e| Error::sys("thread", &e))?;
        Ok(Maker { desk, thread: Some(thread) })
    }

    /// Whether one is made already.
    pub fn has_more(&self) -> bool {
        !self.desk.state().made.is_empty()
    }

    /// The next namespace; waits until it is made.
    ///
    /// # Errors
    /// It cannot be made: `ENOSPC` above the limit `user.max_net_namespaces`.
    pub fn next(&mut self) -> Result<Made> {
        let mut state = self.desk.state();
        loop {
            match state.made.pop_front() {
                Some(made) => return made,
                None if state.over => return Err(Error::usage("no more namespaces were to be made")),
                None => state = self.desk.news.wait(state).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }
}

impl Drop for Maker {
    fn drop(&mut self) {
        self.desk.state().over = true;
        // Waits for its end.
        self.thread = None;
    }
}

/// Moves this thread into a new namespace and opens it.
fn make() -> Result<Made> {
    sys::unshare(libc::CLONE_NEWNET).map_err(|e| Error::sys("unshare", &e))?;
    let namespace = Namespace::path(Path::new("/proc/thread-self/ns/net"));
    Ok((namespace.map_err(|e| Error::sys("open a network namespace", &e))?, Socket::open()?))
}
