//! The memory of a Task.

use std::cell::{Cell, OnceCell};
use std::ffi::CStr;
use std::mem::offset_of;

use crate::future::FutureBody;
use crate::interop::errors::{Builtin, PyResult};
use crate::interop::gc::Visitor;
use crate::interop::instance::{HeapType, Instance, TypeCell, extends};
use crate::interop::interned::Name;
use crate::interop::object::{Object, Slot};
use crate::interop::roster::Membership;
use crate::interop::spare::Spared;
use crate::interop::values;
use crate::loop_core::failures::call_exception_handler;
use crate::loop_core::loop_ref::LoopRef;
use crate::loop_core::recorder::{Made, TaskNote};
use crate::loop_core::shared_context::own_context;

/// One Task: a Future, and the coroutine that makes its result.
#[repr(C)]
pub(crate) struct TaskBody {
    pub(crate) future: FutureBody,
    pub(super) coroutine: Slot,
    pub(super) context: Slot,
    /// The future that the coroutine waits for.
    pub(super) fut_waiter: Slot,
    /// The name, once it was asked for or set.
    name: Slot,
    /// The number in the name `Task-N`.
    number: Cell<u64>,
    /// Keeps the Task on the list of its loop (ours only) until it is done.
    pub(super) membership: Cell<Option<Membership>>,
    /// `cancelling()`
    pub(super) cancel_requests: Cell<u32>,
    pub(super) must_cancel: Cell<bool>,
    pub(super) log_destroy_pending: Cell<bool>,
    /// What a recording of the loop has noted; only while one runs.
    pub(crate) note: OnceCell<Spared<TaskNote>>,
}

extends!(TaskBody, future: FutureBody);

impl HeapType for TaskBody {
    const NAME: &'static CStr = c"tepal.Task";
    const FREE_LIST: usize = 1024;
    const FINALIZES: bool = true;
    const DICT: Option<usize> = match FutureBody::DICT {
        Some(offset) => Some(offset_of!(TaskBody, future) + offset),
        None => None,
    };
    const WEAKREFS: Option<usize> = match FutureBody::WEAKREFS {
        Some(offset) => Some(offset_of!(TaskBody, future) + offset),
        None => None,
    };

    fn cell() -> &'static TypeCell {
        static CELL: TypeCell = TypeCell::new();
        &CELL
    }

    fn blank() -> TaskBody {
        TaskBody::new(FutureBody::new(None), None, None)
    }

    fn traverse(&self, visitor: &mut Visitor) {
        self.future.traverse(visitor);
        visitor.slot(&self.coroutine);
        visitor.slot(&self.context);
        visitor.slot(&self.fut_waiter);
        visitor.slot(&self.name);
    }

    fn clear(&self) {
        self.future.clear();
        self.coroutine.clear();
        self.context.clear();
        self.fut_waiter.clear();
        self.name.clear();
    }

    #[inline(always)]
    fn needs_finalize(&self) -> bool {
        (self.future.is_pending() && self.log_destroy_pending.get())
            || self.future.log_traceback.get()
    }

    fn finalize(this: &Instance<TaskBody>) {
        // A weak reference would be dead by now: `all_tasks()` must not find it again, even
        // if the exception handler keeps the Task.
        drop(this.membership.take());
        this.report_destroyed();
        this.base::<FutureBody>().report_unretrieved();
    }
}

impl TaskBody {
    /// A Task before its first step.
    #[inline(always)]
    pub(super) const fn new(
        future: FutureBody,
        coroutine: Option<Object>,
        context: Option<Object>,
    ) -> TaskBody {
        TaskBody {
            future,
            coroutine: Slot::new(coroutine),
            context: Slot::new(context),
            fut_waiter: Slot::empty(),
            name: Slot::empty(),
            number: Cell::new(0),
            membership: Cell::new(None),
            cancel_requests: Cell::new(0),
            must_cancel: Cell::new(false),
            log_destroy_pending: Cell::new(false),
            note: OnceCell::new(),
        }
    }

    /// Names the Task: `str(name)`, or the next `Task-N`.
    ///
    /// # Errors
    /// What `str(name)` raises.
    #[inline(always)]
    pub(super) fn name_it(&self, name: Option<Object>) -> PyResult<()> {
        match name.filter(|name| !name.is_none()) {
            None => {
                self.number.set(next_number());
                self.name.clear();
                Ok(())
            }
            Some(name) => self.set_name(&name),
        }
    }

    pub(super) fn set_name(&self, name: &Object) -> PyResult<()> {
        let text = if values::is_exact_string(name) {
            name.clone()
        } else {
            values::str_of(name)?
        };
        self.name.set(text);
        if let Some(note) = self.note.get()
            && note.made.get() == Made::Plainly
        {
            note.made.set(Made::Directly);
        }
        Ok(())
    }

    /// The future that the Task waits for.
    pub(crate) fn waits_for(&self) -> Option<Object> {
        self.fut_waiter.get()
    }

    /// Whether the Task waits for a future.
    #[inline(always)]
    pub(crate) fn is_waiting(&self) -> bool {
        !self.fut_waiter.is_empty()
    }

    /// Whether the next step throws a `CancelledError`.
    #[inline(always)]
    pub(crate) fn is_about_to_be_cancelled(&self) -> bool {
        self.must_cancel.get()
    }

    /// `get_name()`
    ///
    /// # Errors
    /// `MemoryError`.
    pub(crate) fn name(&self) -> PyResult<Object> {
        if let Some(name) = self.name.get() {
            return Ok(name);
        }
        if self.number.get() == 0 {
            return Ok(Object::none());
        }
        let name = values::string(&format!("Task-{}", self.number.get()))?;
        self.name.set(name.clone());
        Ok(name)
    }
}

impl Instance<TaskBody> {
    /// Nobody shall be told if the Task ends unfinished: who made it cannot control it
    /// (`_log_destroy_pending = False`).
    #[inline(always)]
    pub(crate) fn silence(&self) {
        self.log_destroy_pending.set(false);
    }

    /// The coroutine.
    ///
    /// # Errors
    /// `RuntimeError` before `__init__`.
    #[inline(always)]
    pub(super) fn require_coroutine(&self) -> PyResult<Object> {
        self.coroutine.get().ok_or_else(uninitialized)
    }

    /// The context, as an object of the Task's own.
    ///
    /// # Errors
    /// `RuntimeError` before `__init__`.
    pub(super) fn require_context(&self) -> PyResult<Object> {
        own_context(&self.context)?.ok_or_else(uninitialized)
    }

    /// Nobody sees the Task as unfinished any more.
    #[inline(always)]
    pub(super) fn leave_roster(&self) -> PyResult<()> {
        match self.membership.take() {
            Some(membership) => {
                drop(membership);
                Ok(())
            }
            None => super::start::unregister(self),
        }
    }

    /// Reports a Task that ends unfinished, to its loop's exception handler.
    fn report_destroyed(&self) {
        if !(self.future.is_pending() && self.log_destroy_pending.get()) {
            return;
        }
        let Some(event_loop) = self.future.event_loop.get().map(|l: LoopRef| l.object()) else {
            return;
        };
        let this = self.object();
        let message = match values::string("Task was destroyed but it is pending!") {
            Ok(message) => message,
            Err(raised) => return raised.write_unraisable(&this),
        };
        let mut context = vec![(Name::Task, &this), (Name::Message, &message)];
        let traceback = self.future.source_traceback();
        if let Some(traceback) = &traceback {
            context.push((Name::SourceTraceback, traceback));
        }
        call_exception_handler(&event_loop, &context);
    }
}

#[cold]
fn uninitialized() -> crate::interop::errors::Raised {
    Builtin::RuntimeError.raise("uninitialized Task object")
}

/// The next number of a `Task-N`; the counter is the process's, as asyncio's is.
#[inline(always)]
fn next_number() -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    // Load and store instead of an atomic addition: the GIL is held, so nobody interferes.
    let number = COUNTER.load(Ordering::Relaxed) + 1;
    COUNTER.store(number, Ordering::Relaxed);
    number
}
