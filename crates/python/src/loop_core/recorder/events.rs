use tepal_core::Ring;

use crate::interop::object::Object;

use super::note::Cause;

/// One thing that happened; 32 bytes. Times are nanoseconds of the monotonic clock.
#[derive(Clone, Copy)]
pub(crate) enum Event {
    Step {
        start: u64,
        duration: u64,
        task: u32,
    },
    Callback {
        start: u64,
        duration: u64,
        text: u32,
    },
    /// `detail` is the recording's number for what was waited for, `target` the awaited Task or 0.
    Wait {
        start: u64,
        end: u64,
        task: u32,
        target: u32,
        detail: u32,
    },
    Wake {
        time: u64,
        task: u32,
        cause: Cause,
    },
}

/// A Task, for the picture.
pub(crate) struct TaskRow {
    pub(crate) id: u32,
    pub(crate) name: Object,
    pub(crate) code: u32,
    pub(crate) created: u64,
    pub(crate) stack: u32,
    pub(crate) parent: u32,
    /// 0 while it is pending.
    pub(crate) ended: u64,
    pub(crate) outcome: &'static str,
    pub(crate) error: Option<String>,
}

/// What only a picture needs.
pub(crate) struct Trace {
    pub(crate) events: Ring<Event>,
    pub(crate) rows: Vec<TaskRow>,
    /// Tasks beyond the limit.
    pub(crate) rows_dropped: u64,
    pub(crate) limit: usize,
}

impl Trace {
    /// Room for `limit` events, and for as many Tasks.
    pub(crate) fn new(limit: usize) -> Trace {
        Trace {
            events: Ring::new(limit),
            rows: Vec::new(),
            rows_dropped: 0,
            limit,
        }
    }

    pub(crate) fn add_row(&mut self, row: TaskRow) {
        if self.rows.len() < self.limit {
            self.rows.push(row);
        } else {
            self.rows_dropped += 1;
        }
    }
}
