//! The memory of the program. musl's own gives freed pages back at once and fetches them again for the next
//! vector, two system calls and a page fault each time. Here, what is freed is kept for the next piece of its size.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::UnsafeCell;
use std::ptr::{copy_nonoverlapping, null_mut};
use std::sync::atomic::{AtomicBool, Ordering};

/// Sizes of pieces: 16, 24, 32, 48, 64 bytes and so on. Larger ones, and those that want more than [`ALIGN`], are the
/// C library's.
const CLASSES: usize = 22;
/// Bytes of the largest piece.
const LARGEST: usize = size(CLASSES - 1);
/// Every piece begins at a multiple of it.
const ALIGN: usize = 8;
/// Bytes that are asked of the kernel at once.
const CHUNK: usize = 1 << 17;

/// The heap.
pub struct Heap {
    is_busy: AtomicBool,
    pieces: UnsafeCell<Pieces>,
}

struct Pieces {
    /// Freed pieces of each size; each begins with the address of the next.
    free: [*mut u8; CLASSES],
    /// What is left of the chunk at hand.
    next: *mut u8,
    left: usize,
}

// SAFETY: the pieces are only reached through `lock`.
unsafe impl Sync for Heap {}

impl Heap {
    /// An empty one.
    pub const fn new() -> Self {
        let pieces = Pieces { free: [null_mut(); CLASSES], next: null_mut(), left: 0 };
        Heap { is_busy: AtomicBool::new(false), pieces: UnsafeCell::new(pieces) }
    }

    /// Does something with the pieces while nobody else does.
    fn lock<R>(&self, work: impl FnOnce(&mut Pieces) -> R) -> R {
        while self.is_busy.swap(true, Ordering::Acquire) {
            std::thread::yield_now();
        }
        // SAFETY: nobody else is between the two marks, and `work` does not allocate.
        let result = work(unsafe { &mut *self.pieces.get() });
        self.is_busy.store(false, Ordering::Release);
        result
    }
}

/// Bytes of the pieces of a class.
const fn size(class: usize) -> usize {
    (16 + 8 * (class & 1)) << (class / 2)
}

/// The smallest class that holds a layout.
fn class(layout: Layout) -> Option<usize> {
    let bytes = layout.size().max(16);
    if bytes > LARGEST || layout.align() > ALIGN {
        return None;
    }
    // Of 2^n + 1 to 2^(n+1) bytes, the lower half fits the class between.
    let power = (bytes - 1).ilog2() as usize;
    let is_upper = bytes > (1 << power) + (1 << power) / 2;
    Some(2 * power + usize::from(is_upper) - 7)
}

impl Pieces {
    fn take(&mut self, class: usize) -> *mut u8 {
        let piece = self.free[class];
        if !piece.is_null() {
            // SAFETY: a freed piece holds the address of the next; all are aligned for one.
            self.free[class] = unsafe { piece.cast::<*mut u8>().read() };
            return piece;
        }
        let bytes = size(class);
        if self.left < bytes && !self.fetch() {
            return null_mut();
        }
        let piece = self.next;
        self.forward(bytes);
        piece
    }

    fn give(&mut self, piece: *mut u8, class: usize) {
        // SAFETY: the piece is free, at least 16 bytes long and aligned for an address.
        unsafe { piece.cast::<*mut u8>().write(self.free[class]) };
        self.free[class] = piece;
    }

    /// Makes the last piece of the chunk longer, if this is the last one.
    fn extend(&mut self, piece: *mut u8, from: usize, to: usize) -> bool {
        let (from, to) = (size(from), size(to));
        let fits = piece.wrapping_add(from) == self.next && to > from && self.left >= to - from;
        if fits {
            self.forward(to - from);
        }
        fits
    }

    fn forward(&mut self, bytes: usize) {
        self.next = self.next.wrapping_add(bytes);
        self.left -= bytes;
    }

    /// A new chunk; what is left of the last one is forgotten.
    #[cold]
    fn fetch(&mut self) -> bool {
        let (access, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        // SAFETY: a new mapping of our own.
        let chunk = unsafe { libc::mmap(null_mut(), CHUNK, access, flags, -1, 0) };
        if chunk == libc::MAP_FAILED {
            return false;
        }
        (self.next, self.left) = (chunk.cast(), CHUNK);
        true
    }
}

// SAFETY: pieces do not overlap: each comes from the unused part of a chunk or from the list of the freed ones of its
// class, and the class that a layout leads to is the same when it is taken and when it is given back.
unsafe impl GlobalAlloc for Heap {
    #[inline(never)]
    // SAFETY: the caller's promise, as the trait says.
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match class(layout) {
            Some(class) => self.lock(|pieces| pieces.take(class)),
            // SAFETY: the caller's promise.
            None => unsafe { System.alloc(layout) },
        }
    }

    #[inline(never)]
    // SAFETY: the caller's promise, as the trait says.
    unsafe fn dealloc(&self, piece: *mut u8, layout: Layout) {
        match class(layout) {
            Some(class) => self.lock(|pieces| pieces.give(piece, class)),
            // SAFETY: the caller's promise; it was taken there.
            None => unsafe { System.dealloc(piece, layout) },
        }
    }

    #[inline(never)]
    // SAFETY: the caller's promise, as the trait says.
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        match class(layout) {
            // SAFETY: the piece is as long as the layout.
            Some(class) => unsafe {
                let piece = self.lock(|pieces| pieces.take(class));
                if !piece.is_null() {
                    piece.write_bytes(0, layout.size());
                }
                piece
            },
            // SAFETY: the caller's promise. New pages are not written to.
            None => unsafe { System.alloc_zeroed(layout) },
        }
    }

    #[inline(never)]
    // SAFETY: the caller's promise, as the trait says.
    unsafe fn realloc(&self, piece: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        // SAFETY: the caller's promise: with this alignment, the new size is one of a layout.
        let new = unsafe { Layout::from_size_align_unchecked(bytes, layout.align()) };
        match (class(layout), class(new)) {
            // SAFETY: the caller's promise; it was taken there.
            (None, None) => return unsafe { System.realloc(piece, layout, bytes) },
            (from, to) if from == to => return piece,
            (Some(from), Some(to)) if self.lock(|pieces| pieces.extend(piece, from, to)) => return piece,
            _ => {}
        }
        // SAFETY: the caller's promise; both pieces are at least as long as what is copied.
        unsafe {
            let to = self.alloc(new);
            if !to.is_null() {
                copy_nonoverlapping(piece, to, layout.size().min(bytes));
                self.dealloc(piece, layout);
            }
            to
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(bytes: usize) -> Layout {
        Layout::from_size_align(bytes, 8).unwrap()
    }

    #[test]
    fn each_size_has_the_smallest_class_that_holds_it() {
        for bytes in 1..=LARGEST {
            let class = class(layout(bytes)).unwrap();
            assert!(size(class) >= bytes && (class == 0 || size(class - 1) < bytes), "{bytes}: {class}");
        }
        assert_eq!((class(layout(LARGEST + 1)), LARGEST), (None, 24 << 10));
        assert_eq!(class(Layout::from_size_align(32, 16).unwrap()), None);
    }

    #[test]
    fn pieces_keep_what_is_in_them_and_are_used_again() {
        let heap = Heap::new();
        // SAFETY: layouts are those that the pieces were taken with.
        unsafe {
            let first = heap.alloc(layout(20));
            first.write_bytes(1, 20);
            let longer = heap.realloc(first, layout(20), 400);
            assert_eq!(longer, first, "the last piece grows where it is");
            let second = heap.alloc(layout(500));
            second.write_bytes(2, 500);
            longer.add(20).write_bytes(1, 380);
            let moved = heap.realloc(longer, layout(400), 1 << 20);
            assert_ne!(moved, longer);
            assert!((0..400).all(|at| *moved.add(at) == 1) && (0..500).all(|at| *second.add(at) == 2));
            let back = heap.realloc(moved, layout(1 << 20), 400);
            assert_eq!(back, longer, "what was freed is taken first");
            assert!((0..400).all(|at| *back.add(at) == 1));
            heap.dealloc(back, layout(400));
            heap.dealloc(second, layout(500));
        }
    }

    #[test]
    fn threads_do_not_get_the_same_piece() {
        let heap = Heap::new();
        std::thread::scope(|scope| {
            for mark in 1..5u8 {
                let heap = &heap;
                scope.spawn(move || {
                    // SAFETY: layouts are those that the pieces were taken with.
                    unsafe {
                        for turn in 0..2000usize {
                            let bytes = turn % 300 + 1;
                            let piece = heap.alloc(layout(bytes));
                            piece.write_bytes(mark, bytes);
                            std::thread::yield_now();
                            assert!((0..bytes).all(|at| *piece.add(at) == mark));
                            heap.dealloc(piece, layout(bytes));
                        }
                    }
                });
            }
        });
    }
}
