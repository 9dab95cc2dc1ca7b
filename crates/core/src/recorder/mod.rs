//! What a recording of a loop is made of: events in a ring, a clock for steps, and the watch over the step that runs.

mod ring;
mod step_clock;
mod step_watch;

pub use ring::Ring;
pub use step_clock::StepClock;
pub use step_watch::StepWatch;
