//! `loop.sock_recv()` and its family: awaiting a non-blocking socket without a transport.
//!
//! Each call gives an [`OperationBody`], which is a coroutine to Python code:
//!
//! | state   | resumed                                               | socket ready     | thrown into, closed |
//! |---------|-------------------------------------------------------|------------------|---------------------|
//! | NEW     | tries; done: ENDED; would block: WAITING, its Future is yielded | –      | ENDED               |
//! | WAITING | the Future is done: ENDED with its outcome            | tries; done: the Future gets the outcome | ENDED, nothing is watched any more |
//! | ENDED   | `RuntimeError`                                        | nothing          | ENDED               |
//!
//! A file is sent in blocks; after each one that the socket took as a whole, others get their turn.
//!
//! asyncio registers the descriptor for each wait and deregisters it after, two system calls for every message. Here a
//! descriptor stays registered, edge-triggered, as long as its socket object lives and nobody else watches it: see
//! [`crate::loop_core::watchers`].

mod attempt;
mod operation;
mod sending_file;

pub(crate) use attempt::Kind;
pub(crate) use operation::{OperationBody, make_type, run_ready};
