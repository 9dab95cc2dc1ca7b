//! When to poll and how long to wait: decisions over numbers, with neither a clock nor a kernel inside.

mod budget;
mod wait_time;

pub use budget::PollBudget;
pub use wait_time::wait_time;
