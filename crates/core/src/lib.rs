//! The heart of tepal, without any Python in it.
//!
//! What an event loop needs below its callbacks: waiting for readiness ([`Reactor`], [`Poller`]), being woken from
//! other threads ([`Waker`]), deadlines ([`TimerHeap`]), the clock ([`monotonic_ns`]) and the rules for when to poll
//! and how long ([`PollBudget`], [`wait_time`]). It knows neither callbacks nor Tasks: `crates/python` owns those and
//! calls down.
//!
//! ```text
//! turn    poll policy: numbers in, a decision out; no clock, no kernel
//! timers  heap of deadlines; no clock
//! stream  what is to be sent, when to pause the writer, how much to read; no kernel
//! recorder what a recording of a loop is made of; no Python, no kernel but the clock
//! reactor which fd is registered for what; who sleeps and who wakes it
//! sys     the kernel: waiting, waking, the clock. The only folder with `unsafe`
//! event   the nouns that all of the above share
//! ```
//!
//! Imports point down this list only.

#![deny(unsafe_code)]

#[cfg(not(target_os = "linux"))]
compile_error!(
    "tepal runs on Linux only for now (x86-64 and aarch64). \
     A port adds a backend under crates/core/src/sys/, which states what a backend owes; nothing above it is Linux-only."
);

pub mod constants;
pub mod event;
pub mod reactor;
pub mod recorder;
pub mod stream;
#[allow(unsafe_code)]
mod sys;
pub mod timers;
pub mod turn;

pub use event::{Event, Interest, Timeout, Token};
pub use reactor::{EventBuffer, Poller, Reactor, Waker};
pub use recorder::{Ring, StepClock, StepWatch};
pub use sys::{RunDelay, datagram, file, forks, monotonic_ns, pipe, socket};
pub use timers::TimerHeap;
pub use turn::{PollBudget, wait_time};
