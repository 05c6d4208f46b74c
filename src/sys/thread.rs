//! Threads: a function that runs beside another one, or for as long as its handle is held. They have no names and
//! no guard that tells of an overflow; what std has for that is 20 KB.

use std::ffi::c_void;
use std::io;
use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What a thread does, and whether it came to its end.
struct Job<'w> {
    work: &'w mut (dyn FnMut() + Send),
    done: bool,
}

/// What a thread of its own does.
type Owned = Box<dyn FnMut() + Send>;

/// A thread that runs; dropping it waits for its end.
#[derive(Debug)]
pub struct Thread {
    id: libc::pthread_t,
    job: *mut Owned,
}

/// Waits for a thread when it is dropped.
struct Waiting(libc::pthread_t);

impl Drop for Waiting {
    fn drop(&mut self) {
        // SAFETY: the thread is joinable, and joined here alone.
        unsafe { libc::pthread_join(self.0, std::ptr::null_mut()) };
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        drop(Waiting(self.id));
        // SAFETY: the box was made by `start`, and the thread that used it is over.
        drop(unsafe { Box::from_raw(self.job) });
    }
}

/// Runs one function in a thread of its own, with a stack of so many bytes, and another one here meanwhile.
/// Returns when both are through.
///
/// # Errors
/// `EAGAIN` where there cannot be a thread: neither was run. `EIO`: the one in the thread panicked.
#[inline(never)]
pub fn beside(stack: usize, work: &mut (dyn FnMut() + Send), own: &mut dyn FnMut()) -> io::Result<()> {
    extern "C" fn run(job: *mut c_void) -> *mut c_void {
        // SAFETY: `beside` keeps its job until this thread is joined, and does not touch it before.
        let job = unsafe { &mut *job.cast::<Job<'_>>() };
        job.done = catch_unwind(AssertUnwindSafe(|| (job.work)())).is_ok();
        std::ptr::null_mut()
    }
    let mut job = Job { work, done: false };
    // SAFETY: the job is what `run` expects, and outlives the thread, which is joined even if `own` panics.
    let waiting = Waiting(unsafe { create(stack, run, (&raw mut job).cast()) }?);
    own();
    drop(waiting);
    if job.done { Ok(()) } else { Err(io::Error::from_raw_os_error(libc::EIO)) }
}

/// Starts a thread with a stack of so many bytes.
///
/// # Errors
/// `EAGAIN` where there cannot be one.
pub fn start(stack: usize, work: Owned) -> io::Result<Thread> {
    extern "C" fn run(job: *mut c_void) -> *mut c_void {
        // SAFETY: the handle keeps the box until this thread is joined, and does not touch it before.
        let work = unsafe { &mut *job.cast::<Owned>() };
        // Whoever waits for what it makes sees that nothing more comes.
        let _ = catch_unwind(AssertUnwindSafe(work));
        std::ptr::null_mut()
    }
    let job = Box::into_raw(Box::new(work));
    // SAFETY: the job is what `run` expects; it is dropped behind the thread.
    match unsafe { create(stack, run, job.cast()) } {
        Ok(id) => Ok(Thread { id, job }),
        Err(error) => {
            // SAFETY: no thread has it.
            drop(unsafe { Box::from_raw(job) });
            Err(error)
        }
    }
}

/// Makes a thread.
///
/// # Safety
/// `job` must be what `run` expects, and be there until the thread is joined.
// SAFETY: the callers keep their job until they have joined.
unsafe fn create(
    stack: usize,
    run: extern "C" fn(*mut c_void) -> *mut c_void,
    job: *mut c_void,
) -> io::Result<libc::pthread_t> {
    let (mut attr, mut id) = (MaybeUninit::uninit(), MaybeUninit::uninit());
    // SAFETY: the attributes are initialised before they are used, and the thread's number is read only where there
    // is a thread.
    unsafe {
        libc::pthread_attr_init(attr.as_mut_ptr());
        libc::pthread_attr_setstacksize(attr.as_mut_ptr(), stack.max(libc::PTHREAD_STACK_MIN));
        let errno = libc::pthread_create(id.as_mut_ptr(), attr.as_ptr(), run, job);
        libc::pthread_attr_destroy(attr.as_mut_ptr());
        if errno == 0 { Ok(id.assume_init()) } else { Err(io::Error::from_raw_os_error(errno)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    const STACK: usize = 256 * 1024;

    #[test]
    fn both_run_and_the_other_one_elsewhere() {
        let (mut there, mut here) = (None, None);
        beside(STACK, &mut || there = Some(std::thread::current().id()), &mut || {
            here = Some(std::thread::current().id());
        })
        .unwrap();
        assert_eq!(here, Some(std::thread::current().id()));
        assert!(there.is_some() && there != here);
    }

    #[test]
    fn a_panic_is_an_error() {
        let error = beside(STACK, &mut || panic!("as it should"), &mut || {}).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EIO));
    }

    #[test]
    fn a_dropped_thread_has_ended() {
        let count = Arc::new(AtomicUsize::new(0));
        let its = Arc::clone(&count);
        let thread = start(
            STACK,
            Box::new(move || {
                std::thread::sleep(std::time::Duration::from_millis(20));
                its.fetch_add(1, Ordering::SeqCst);
            }),
        );
        drop(thread.unwrap());
        assert_eq!((count.load(Ordering::SeqCst), Arc::strong_count(&count)), (1, 1));
    }
}
