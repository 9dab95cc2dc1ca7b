//! The memory of a loop: `tepal._native.LoopCore`, base of `tepal.EventLoop`.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::ffi::CStr;
use std::rc::Rc;
use std::sync::Arc;

use tepal_core::constants::{DEFAULT_POLL_ENTRIES, DEFAULT_POLL_NANOSECONDS};
use tepal_core::datagram::Batch;
use tepal_core::stream::{Endings, Gathering};
use tepal_core::{EventBuffer, PollBudget, Reactor, TimerHeap, Waker};

use crate::interop::gc::Visitor;
use crate::interop::instance::{HeapType, TypeCell};
use crate::interop::object::{Object, Slot};
use crate::interop::roster::Roster;

use super::attention::Attention;
use super::kept_tasks::KeptTasks;
use super::ready_queue::ReadyQueue;
use super::recorder::{Counters, Recorder};
use super::shared_context::LastContext;
use super::watchers::Watchers;

/// The state of one loop. No cell is kept open while Python code runs.
pub(crate) struct LoopBody {
    /// What the next turn runs, in order.
    pub(crate) ready: RefCell<ReadyQueue>,
    /// How long `ready` will be with the Task that is to go on at once; 0 for none.
    pub(crate) hurried: Cell<usize>,
    /// TimerHandles by deadline.
    pub(crate) timers: RefCell<TimerHeap<Object>>,
    /// Registered descriptors; `None` before `__init__` and after `close`.
    pub(crate) reactor: RefCell<Option<Reactor>>,
    /// Wakes the loop out of its wait.
    pub(crate) waker: RefCell<Option<Arc<Waker>>>,
    /// The events of the last wait; taken out while the kernel fills it.
    pub(crate) events: Cell<Option<EventBuffer>>,
    /// Who waits for which descriptor.
    pub(crate) watchers: RefCell<Watchers>,
    /// Counts the turns; the first one is 1.
    pub(crate) turn: Cell<u64>,
    /// Transports that may hold back a write until the next poll.
    pub(crate) holding: RefCell<Vec<Object>>,
    /// Whether writes of different transports wait for each other.
    pub(crate) gathering: Cell<Gathering>,
    /// Whether first answers wait for the end of their connections.
    pub(crate) endings: Cell<Endings>,
    /// `data_received` or `buffer_updated` of a protocol runs.
    pub(crate) delivering: Cell<bool>,
    /// What all streams of the loop read small amounts through; made when the first one reads.
    pub(crate) scratch: RefCell<Vec<u8>>,
    /// What all TLS connections of the loop receive into; away while one of them does.
    pub(crate) received: Cell<Vec<u8>>,
    /// What all TLS connections of the loop decrypt into; away while one of them does.
    pub(crate) plain: Cell<Vec<u8>>,
    /// What all TLS connections of the loop send encrypted data from; away while one of them does.
    pub(crate) sealed: Cell<Vec<u8>>,
    /// What all datagram sockets of the loop receive through; made when the first one receives.
    pub(crate) datagrams: Cell<Option<Box<Batch>>>,
    /// The `bytes` that a protocol was given last and did not keep; an exact `bytes`, which refers to nothing.
    pub(crate) spare: Slot,
    /// What stream readers were given last, the oldest first; each an exact `bytes`.
    pub(crate) packets: RefCell<VecDeque<Object>>,
    /// How many descriptors users watch (the loop's own self-pipe not counted).
    pub(crate) own_descriptors: Cell<usize>,
    /// When to look at the kernel although work is ready.
    pub(crate) budget: RefCell<PollBudget>,
    /// The latest reading of the clock, in nanoseconds: a deadline at or before it is due.
    pub(crate) known_now: Cell<u64>,
    /// Every Task of ours that is not done.
    pub(crate) tasks: Rc<Roster>,
    /// The bound `_on_task_done` of the `TaskGroup` that made the latest Task, until that group's Tasks are done.
    pub(crate) group_callback: Slot,
    /// Why scheduling must leave its fast path.
    pub(crate) attention: Attention,
    /// The Task of ours that is published as current.
    pub(crate) current_task: Slot,
    /// The context of the latest callback or Task.
    pub(crate) last_context: LastContext,
    /// `set_task_factory`
    pub(crate) task_factory: Slot,
    /// Whether the factory is asyncio's or tepal's `eager_task_factory` itself.
    pub(crate) eager_factory: Cell<bool>,
    /// `create_task` was replaced on the instance or by a subclass.
    pub(crate) create_task_overridden: Cell<bool>,
    /// Whether Tasks of this loop drive generators as well, as asyncio's did until Python 3.11.
    pub(crate) drives_generators: Cell<bool>,
    /// `loop.time` was replaced on the instance or by a subclass.
    pub(crate) time_overridden: Cell<bool>,
    /// `call_at` was replaced on the instance or by a subclass: `call_later` goes through it.
    pub(crate) call_at_overridden: Cell<bool>,
    /// `_call_soon` was replaced on the instance or by a subclass: `call_soon` goes through it.
    pub(crate) call_soon_hooked: Cell<bool>,
    /// The version of asyncio's class `TimerHandle` when it was last looked at.
    pub(crate) handle_version: Cell<u32>,
    /// Turns of ours run, at whose end what is held back is sent; nobody else's do that.
    pub(crate) turning: Cell<bool>,
    /// `_selector.select` or `_process_events` was replaced: descriptors are looked at through both.
    pub(crate) selecting: Cell<bool>,
    /// `stop()` was called: the loop ends with this turn.
    pub(crate) stopping: Cell<bool>,
    /// The thread that runs the loop; 0 while it does not run.
    pub(crate) thread: Cell<u64>,
    /// Sums of turns, Tasks and waits.
    pub(crate) counters: Counters,
    /// What is remembered for a report, while one is asked.
    pub(crate) recorder: RefCell<Option<Box<Recorder>>>,
    /// Tasks that live because of us (`keep_tasks=True`).
    pub(crate) kept_tasks: KeptTasks,
}

impl HeapType for LoopBody {
    const NAME: &'static CStr = c"tepal._native.LoopCore";

    fn cell() -> &'static TypeCell {
        static CELL: TypeCell = TypeCell::new();
        &CELL
    }

    fn blank() -> LoopBody {
        LoopBody {
            ready: RefCell::new(ReadyQueue::new()),
            hurried: Cell::new(0),
            timers: RefCell::new(TimerHeap::new()),
            reactor: RefCell::new(None),
            waker: RefCell::new(None),
            events: Cell::new(None),
            watchers: RefCell::new(Watchers::new()),
            turn: Cell::new(0),
            holding: RefCell::new(Vec::new()),
            gathering: Cell::new(Gathering::default()),
            endings: Cell::new(Endings::default()),
            delivering: Cell::new(false),
            scratch: RefCell::new(Vec::new()),
            received: Cell::new(Vec::new()),
            plain: Cell::new(Vec::new()),
            sealed: Cell::new(Vec::new()),
            spare: Slot::empty(),
            packets: RefCell::new(VecDeque::new()),
            datagrams: Cell::new(None),
            own_descriptors: Cell::new(0),
            budget: RefCell::new(PollBudget::new(
                DEFAULT_POLL_ENTRIES,
                DEFAULT_POLL_NANOSECONDS,
            )),
            known_now: Cell::new(0),
            tasks: Roster::new(),
            group_callback: Slot::empty(),
            attention: Attention::none(),
            current_task: Slot::empty(),
            last_context: LastContext::none(),
            task_factory: Slot::empty(),
            eager_factory: Cell::new(false),
            create_task_overridden: Cell::new(false),
            drives_generators: Cell::new(false),
            time_overridden: Cell::new(false),
            call_at_overridden: Cell::new(false),
            call_soon_hooked: Cell::new(false),
            handle_version: Cell::new(0),
            turning: Cell::new(false),
            selecting: Cell::new(false),
            stopping: Cell::new(false),
            thread: Cell::new(0),
            counters: Counters::new(),
            recorder: RefCell::new(None),
            kept_tasks: KeptTasks::none(),
        }
    }

    fn traverse(&self, visitor: &mut Visitor) {
        visitor.slot(&self.current_task);
        visitor.slot(&self.spare);
        visitor.slot(&self.group_callback);
        visitor.slot(&self.task_factory);
        self.last_context.traverse(visitor);
        self.kept_tasks.traverse(visitor);
        if let Ok(recorder) = self.recorder.try_borrow()
            && let Some(recorder) = &*recorder
        {
            recorder.traverse(visitor);
        }
        // A queue that is open right now cannot be shown; what it holds then merely looks
        // referenced from outside, so nothing is freed too early.
        if let Ok(ready) = self.ready.try_borrow() {
            ready.iter().for_each(|entry| entry.traverse(visitor));
        }
        if let Ok(timers) = self.timers.try_borrow() {
            timers
                .iter()
                .for_each(|(_deadline, handle)| visitor.object(handle));
        }
        if let Ok(watchers) = self.watchers.try_borrow() {
            watchers.traverse(visitor);
        }
    }

    fn clear(&self) {
        let ready = std::mem::take(&mut *self.ready.borrow_mut());
        let timers = self.timers.borrow_mut().take_all();
        let watchers = std::mem::replace(&mut *self.watchers.borrow_mut(), Watchers::new());
        let recorder = self.recorder.borrow_mut().take();
        let kept = self.kept_tasks.take_all();
        self.current_task.clear();
        self.spare.clear();
        self.group_callback.clear();
        drop(self.packets.take());
        self.task_factory.clear();
        self.last_context.clear();
        let holding = std::mem::take(&mut *self.holding.borrow_mut());
        drop((ready, timers, watchers, holding, recorder, kept));
    }
}
