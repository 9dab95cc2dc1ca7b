//! The memory of a Future.

use std::cell::Cell;
use std::ffi::CStr;
use std::mem::offset_of;

use crate::interop::calls;
use crate::interop::errors::{Builtin, PyResult};
use crate::interop::gc::Visitor;
use crate::interop::imports::imports;
use crate::interop::instance::{
    HeapType, Instance, InstanceDict, Ref, TypeCell, WeakReferences, create,
};
use crate::interop::object::{Object, Slot};
use crate::loop_core::body::LoopBody;
use crate::loop_core::loop_ref::LoopRef;

use super::callbacks::Callbacks;

/// Where a Future stands; see the table in the module's text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum State {
    Pending,
    Cancelled,
    Finished,
}

/// What most Futures never have.
#[derive(Default)]
pub(super) struct Rare {
    /// The traceback that the exception had when it was set.
    pub(super) exception_traceback: Option<Object>,
    /// The argument of `cancel`.
    pub(super) cancel_message: Option<Object>,
    /// The `CancelledError` that ended the coroutine; handed out once.
    pub(super) cancelled_error: Option<Object>,
    /// Where the Future was made (debug mode).
    pub(super) source_traceback: Option<Object>,
}

/// One Future; also the beginning of every Task.
#[repr(C)]
pub(crate) struct FutureBody {
    dict: InstanceDict,
    weak_references: WeakReferences,
    /// `None` until `__init__` ran.
    pub(crate) event_loop: Slot<LoopRef>,
    pub(super) callbacks: Callbacks,
    /// The result or the exception of a finished Future.
    pub(super) outcome: Slot,
    pub(super) rare: Cell<Option<Box<Rare>>>,
    /// Who awaits this Future by other ways than `await` (gather, wait …): one waiter, or a
    /// set of several; from 3.14 on.
    pub(super) awaited_by: Slot,
    pub(super) state: Cell<State>,
    /// `outcome` is an exception.
    pub(super) failed: Cell<bool>,
    /// Yielded to a Task that has not taken notice yet.
    pub(crate) blocking: Cell<bool>,
    /// The exception was not retrieved: report it at the end.
    pub(crate) log_traceback: Cell<bool>,
}

impl HeapType for FutureBody {
    const NAME: &'static CStr = c"tepal.Future";
    const FREE_LIST: usize = 1024;
    const FINALIZES: bool = true;
    const DICT: Option<usize> = Some(offset_of!(FutureBody, dict));
    const WEAKREFS: Option<usize> = Some(offset_of!(FutureBody, weak_references));

    fn cell() -> &'static TypeCell {
        static CELL: TypeCell = TypeCell::new();
        &CELL
    }

    fn blank() -> FutureBody {
        FutureBody::new(None)
    }

    fn traverse(&self, visitor: &mut Visitor) {
        self.dict.traverse(visitor);
        visitor.slot_with(&self.event_loop, |visitor, event_loop| {
            event_loop.traverse(visitor)
        });
        self.callbacks.traverse(visitor);
        visitor.slot(&self.outcome);
        visitor.slot(&self.awaited_by);
        self.look_at_rare(|rare| {
            for object in [
                &rare.exception_traceback,
                &rare.cancel_message,
                &rare.cancelled_error,
                &rare.source_traceback,
            ]
            .into_iter()
            .flatten()
            {
                visitor.object(object);
            }
        });
    }

    fn clear(&self) {
        self.dict.clear();
        self.callbacks.clear();
        self.outcome.clear();
        self.awaited_by.clear();
        drop(self.rare.take());
        self.event_loop.clear();
    }

    #[inline(always)]
    fn needs_finalize(&self) -> bool {
        self.log_traceback.get()
    }

    fn finalize(this: &Instance<FutureBody>) {
        this.report_unretrieved();
    }
}

impl FutureBody {
    /// A pending Future on that loop.
    #[inline(always)]
    pub(crate) const fn new(event_loop: Option<LoopRef>) -> FutureBody {
        FutureBody {
            dict: InstanceDict::new(),
            weak_references: WeakReferences::new(),
            event_loop: Slot::new(event_loop),
            callbacks: Callbacks::none(),
            outcome: Slot::empty(),
            rare: Cell::new(None),
            awaited_by: Slot::empty(),
            state: Cell::new(State::Pending),
            failed: Cell::new(false),
            blocking: Cell::new(false),
            log_traceback: Cell::new(false),
        }
    }

    #[inline(always)]
    pub(crate) fn is_pending(&self) -> bool {
        self.state.get() == State::Pending
    }

    /// Whether Python code has stored attributes on the instance, which may replace methods.
    #[inline(always)]
    pub(crate) fn has_attributes(&self) -> bool {
        self.dict.is_used()
    }

    #[inline(always)]
    pub(crate) fn state(&self) -> State {
        self.state.get()
    }

    /// The loop.
    ///
    /// # Errors
    /// `RuntimeError` if `__init__` was never called.
    #[inline(always)]
    pub(crate) fn require_loop(&self) -> PyResult<LoopRef> {
        self.event_loop.get().ok_or_else(not_initialized)
    }

    /// Reads the rare part without taking anything out of it.
    pub(super) fn look_at_rare<R>(&self, look: impl FnOnce(&Rare) -> R) -> Option<R> {
        let rare = self.rare.take()?;
        let seen = look(&rare);
        self.rare.set(Some(rare));
        Some(seen)
    }

    /// Changes the rare part; what `change` gives out is dropped by the caller.
    pub(super) fn change_rare<R>(&self, change: impl FnOnce(&mut Rare) -> R) -> R {
        let mut rare = self.rare.take().unwrap_or_default();
        let given = change(&mut rare);
        self.rare.set(Some(rare));
        given
    }

    /// Stores where the Future was made, if its loop is in debug mode.
    ///
    /// # Errors
    /// What `traceback.extract_stack` raises.
    pub(crate) fn remember_origin(&self) -> PyResult<()> {
        let stack = calls::call(&imports().extract_stack, [])?;
        drop(self.change_rare(|rare| rare.source_traceback.replace(stack)));
        Ok(())
    }

    pub(crate) fn source_traceback(&self) -> Option<Object> {
        self.look_at_rare(|rare| rare.source_traceback.clone())
            .flatten()
    }

    /// `__init__`'s part that Future and Task share: a new state on that loop.
    ///
    /// # Errors
    /// What the loop's `get_debug` or `extract_stack` raises.
    pub(crate) fn reset(&self, event_loop: LoopRef) -> PyResult<()> {
        self.callbacks.clear();
        self.outcome.clear();
        drop(self.rare.take());
        self.state.set(State::Pending);
        self.failed.set(false);
        self.blocking.set(false);
        self.log_traceback.set(false);
        let debug = event_loop.debug()?;
        self.event_loop.set(event_loop);
        if debug {
            self.remember_origin()
        } else {
            Ok(())
        }
    }
}

impl Instance<FutureBody> {
    /// `loop.create_future()`
    ///
    /// # Errors
    /// `MemoryError`; in debug mode what `extract_stack` raises.
    #[inline(always)]
    pub(crate) fn make(event_loop: &Instance<LoopBody>) -> PyResult<Ref<FutureBody>> {
        let future = create(|| FutureBody::new(Some(LoopRef::Native(event_loop.reference()))))?;
        if event_loop.is_debug()? {
            future.remember_origin()?;
        }
        Ok(future)
    }
}

#[cold]
pub(crate) fn not_initialized() -> crate::interop::errors::Raised {
    Builtin::RuntimeError.raise("Future object is not initialized.")
}
