//! Deadlines.

mod heap;

pub use heap::TimerHeap;
