//! What a loop remembers of its run when a report is asked.
//!
//! | level      | what is kept                                                                    |
//! |------------|---------------------------------------------------------------------------------|
//! | `OFF`      | nothing                                                                         |
//! | `COUNTERS` | sums per turn ([`Counters`]); no clock is read for a step                       |
//! | `REPORT`   | a note in each Task, sums per coroutine and per creating line, steps that block |
//! | `TRACE`    | also every event, in a ring, and the stacks of creation                         |
//!
//! Sums live in tables of their own and not in the ring, so that lost events make a picture incomplete, never a finding wrong.

mod counters;
mod events;
mod note;
mod places;
mod record;

pub(crate) use counters::Counters;
pub(crate) use events::{Event, TaskRow, Trace};
pub(crate) use note::{Cause, CauseKind, Circumstances, Made, TaskNote};
pub(crate) use places::{NO_SITE, Site};
pub(crate) use record::{Block, Hooks, Origin, Recorder};

/// Nothing is counted.
pub(crate) const OFF: u8 = 0;
/// Sums per turn.
pub(crate) const COUNTERS: u8 = 1;
/// What a report needs.
pub(crate) const REPORT: u8 = 2;
/// What a picture needs.
pub(crate) const TRACE: u8 = 3;
