use std::cell::Cell;

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

/// What is known of one Task while it lives. Times are nanoseconds of the monotonic clock; 0 means: not yet.
pub(crate) struct TaskNote {
    /// From 1 on; of all loops of the process.
    pub(crate) id: u32,
    /// Index of the coroutine's code.
    pub(crate) code: u32,
    /// Index of the line that made it.
    pub(crate) site: u32,
    /// Index of the stack that made it; only in a trace.
    pub(crate) stack: u32,
    /// The Task that made it; 0 for none.
    pub(crate) parent: u32,
    /// The step in which it was made.
    pub(crate) born_in: u64,
    /// When it was made; when the step began in which it was made, if it was not timed.
    pub(crate) created: u64,
    pub(crate) timed: bool,
    /// Nothing of asyncio's (gather, TaskGroup ...) lies between the line and the Task.
    pub(crate) direct: bool,
    /// Made without a name, a context or an eager start.
    pub(crate) plain: Cell<bool>,
    /// Awaited in the step that made it.
    pub(crate) at_once: Cell<bool>,
    pub(crate) started: Cell<u64>,
    pub(crate) ended: Cell<u64>,
    /// Since when it is in the ready queue.
    pub(crate) ready: Cell<u64>,
    /// The step that put it there.
    pub(crate) ready_by: Cell<u64>,
    pub(crate) cause: Cell<Cause>,
    /// Since when it waits for something.
    pub(crate) waiting: Cell<u64>,
}
