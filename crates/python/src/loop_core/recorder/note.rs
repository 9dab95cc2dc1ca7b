use std::cell::Cell;

use crate::interop::spare::{Spare, SparePieces};

/// What kind of entry ran when a Task became ready.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum CauseKind {
    Task,
    Timer,
    Descriptor,
    Thread,
    Callback,
    /// The loop did not run.
    Outside,
}

impl CauseKind {
    /// The word in a trace.
    pub(crate) fn text(self) -> &'static str {
        match self {
            CauseKind::Task => "task",
            CauseKind::Timer => "timer",
            CauseKind::Descriptor => "descriptor",
            CauseKind::Thread => "thread",
            CauseKind::Callback | CauseKind::Outside => "callback",
        }
    }
}

/// What ran when a Task became ready.
#[derive(Clone, Copy)]
pub(crate) struct Cause {
    pub(crate) kind: CauseKind,
    /// The Task; 0 for none.
    pub(crate) task: u32,
}

impl Cause {
    pub(crate) const OUTSIDE: Cause = Cause {
        kind: CauseKind::Outside,
        task: 0,
    };
}

/// How a Task was made.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Made {
    /// By the line itself, without a name, a context or an eager start.
    Plainly,
    /// By the line itself: nothing of asyncio's (gather, TaskGroup ...) lies between it and the Task.
    Directly,
    /// By asyncio's own, or by no line of the program.
    Inside,
}

impl Made {
    /// Whether the line itself made it.
    #[inline(always)]
    pub(crate) fn directly(self) -> bool {
        self != Made::Inside
    }
}

/// What only a picture and the question what a Task waited for need to know.
pub(crate) struct Circumstances {
    /// Index of the stack that made it.
    pub(crate) stack: u32,
    /// The Task that made it; 0 for none.
    pub(crate) parent: u32,
    /// What put it into the ready queue.
    pub(crate) cause: Cell<Cause>,
}

/// What is known of one Task while it lives: one line of the processor's cache, which each step of the Task touches. Times are
/// nanoseconds of the monotonic clock; 0 means: not yet.
#[repr(align(64))]
pub(crate) struct TaskNote {
    /// From 1 on; of all loops of the process.
    pub(crate) id: u32,
    /// Index of the coroutine's code.
    pub(crate) code: u32,
    /// Index of the line that made it.
    pub(crate) site: u32,
    /// The step in which it was made, and the one that put it into the ready queue: the lower half of their numbers.
    pub(crate) born_in: u32,
    pub(crate) ready_by: Cell<u32>,
    pub(crate) made: Cell<Made>,
    /// For how many Tasks of its line it stands (see [`Site::weight`](super::places::Site)). If for none, `created` is not the moment
    /// itself but when the step began in which it was made.
    pub(crate) weight: u8,
    /// Awaited in the step that made it.
    pub(crate) at_once: Cell<bool>,
    /// It has made its last step.
    pub(crate) over: Cell<bool>,
    pub(crate) circumstances: Option<Box<Circumstances>>,
    /// When it was made.
    pub(crate) created: u64,
    pub(crate) started: Cell<u64>,
    /// Since when it is in the ready queue.
    pub(crate) ready: Cell<u64>,
    /// Since when it waits for something; when it ended, if it is over.
    pub(crate) resting: Cell<u64>,
}

const _: () = assert!(size_of::<TaskNote>() == 64);

impl TaskNote {
    /// What put it into the ready queue, if it was asked.
    pub(crate) fn cause(&self) -> Cause {
        let circumstances = self.circumstances.as_ref();
        circumstances.map_or(Cause::OUTSIDE, |circumstances| circumstances.cause.get())
    }
}

impl Spare for TaskNote {
    const LIMIT: usize = 16 * 1024;

    fn pieces() -> &'static SparePieces<TaskNote> {
        static PIECES: SparePieces<TaskNote> = SparePieces::new();
        &PIECES
    }
}
