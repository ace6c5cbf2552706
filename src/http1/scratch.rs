//! Where the connections of a thread read into.

use std::cell::RefCell;

/// Bytes that are read at once.
pub(crate) const PIECE: usize = 16 * 1024; // derived: a signed call has some 1,300 bytes, an answer 400; as much as TLS encrypts at once

thread_local! {
    static SCRATCH: RefCell<Box<[u8; PIECE]>> = RefCell::new(Box::new([0; PIECE]));
}

/// Hands out the thread's memory for one turn of a connection: what came is used up or kept before another reads.
pub(crate) fn with_scratch<T>(read: impl FnOnce(&mut [u8; PIECE]) -> T) -> T {
    SCRATCH.with_borrow_mut(|scratch| read(scratch))
}
