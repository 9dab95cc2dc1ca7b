//! `tepal.Task`: drives a coroutine.
//!
//! | state of the Task         | a step does                                     | then                      |
//! |---------------------------|-------------------------------------------------|---------------------------|
//! | scheduled                 | send None, or throw (cancel, failed future)     | one of the three below    |
//! | coroutine yielded a future| wait: `fut_waiter` is set, the future wakes us  | waiting → scheduled       |
//! | coroutine yielded None    | schedule the next step                          | scheduled                 |
//! | coroutine ended           | result, exception or cancellation of the Future | done, no further step     |
//!
//! `cancel()` while waiting cancels the awaited future; while scheduled, or if that future
//! cannot be cancelled, it sets `must_cancel`, and the next step throws `CancelledError`.

mod body;
mod cancel;
mod eager;
mod note;
mod outcome;
mod python;
mod start;
mod step;

pub(crate) use body::TaskBody;
pub(crate) use python::make_type;
pub(crate) use start::{TaskOptions, create_on};
pub(crate) use step::{install_driver, run_step, run_wake};
