//! The Handle that `call_soon_threadsafe` gives from 3.14 on (`asyncio.events._ThreadSafeHandle`).
//!
//! `cancel()` and `cancelled()` from another thread wait while the callback runs: after
//! `cancel()` returned, the callback either has ended or never begins. asyncio gives each such
//! Handle a lock; here the wait is arranged only when somebody has to wait.

use std::cell::Cell;
use std::ffi::CStr;
use std::mem::offset_of;

use crate::interop::calls;
use crate::interop::errors::{PyResult, restore, take_raised};
use crate::interop::gc::Visitor;
use crate::interop::imports::{dotted, imports};
use crate::interop::instance::{HeapType, Instance, Ref, TypeCell, create_untracked, extends};
use crate::interop::interned::intern;
use crate::interop::methods::{readable, without_arguments};
use crate::interop::object::{Object, Slot};
use crate::interop::threads;
use crate::interop::type_builder::TypeBuilder;
use crate::loop_core::body::LoopBody;

use super::body::{HandleBody, Parts};

/// A handle whose cancellation is exact across threads.
#[repr(C)]
pub(crate) struct ThreadSafeHandleBody {
    pub(crate) handle: HandleBody,
    /// The thread in which the callback runs right now; 0 for none.
    runner: Cell<u64>,
    /// A `threading.Event` for those who wait for its end.
    finished: Slot,
}

extends!(ThreadSafeHandleBody, handle: HandleBody);

impl HeapType for ThreadSafeHandleBody {
    const NAME: &'static CStr = c"tepal._native.ThreadSafeHandle";
    const FREE_LIST: usize = 8192;
    const WEAKREFS: Option<usize> = match HandleBody::WEAKREFS {
        Some(offset) => Some(offset_of!(ThreadSafeHandleBody, handle) + offset),
        None => None,
    };

    fn cell() -> &'static TypeCell {
        static CELL: TypeCell = TypeCell::new();
        &CELL
    }

    fn blank() -> ThreadSafeHandleBody {
        ThreadSafeHandleBody::new(HandleBody::blank())
    }

    fn traverse(&self, visitor: &mut Visitor) {
        self.handle.traverse(visitor);
        visitor.slot(&self.finished);
    }

    fn clear(&self) {
        self.handle.clear();
        self.finished.clear();
    }
}

impl ThreadSafeHandleBody {
    #[inline(always)]
    const fn new(handle: HandleBody) -> ThreadSafeHandleBody {
        ThreadSafeHandleBody {
            handle,
            runner: Cell::new(0),
            finished: Slot::empty(),
        }
    }
}

impl Instance<ThreadSafeHandleBody> {
    /// Makes one that the collector does not know yet, as [`HandleBody`]'s `make_untracked`.
    ///
    /// # Errors
    /// `MemoryError`.
    #[inline(always)]
    pub(crate) fn make(
        event_loop: &Instance<LoopBody>,
        callback: Object,
        arguments: &[Object],
        context: Option<Object>,
    ) -> PyResult<Ref<ThreadSafeHandleBody>> {
        let parts = Parts::new(event_loop, callback, arguments, context)?;
        create_untracked(|| ThreadSafeHandleBody::new(HandleBody::new(parts)))
    }

    /// As [`Instance::<HandleBody>::run`]; those who wait for the end are woken.
    ///
    /// # Errors
    /// `SystemExit` and `KeyboardInterrupt`; what waking the waiters raises.
    ///
    /// # Reentrancy
    /// Runs any Python code.
    #[inline(always)]
    pub(crate) fn run(&self) -> PyResult<()> {
        self.runner.set(threads::ident());
        let result = self.base::<HandleBody>().run();
        self.runner.set(0);
        match self.finished.take() {
            None => result,
            Some(finished) => wake_waiters(&finished, result),
        }
    }

    /// Waits while the callback runs in another thread.
    ///
    /// # Errors
    /// What the wait raises (`KeyboardInterrupt`).
    fn wait_for_end(&self) -> PyResult<()> {
        loop {
            let runner = self.runner.get();
            if runner == 0 || runner == threads::ident() {
                return Ok(());
            }
            let finished = match self.finished.get() {
                Some(finished) => finished,
                None => {
                    // Making it may let the other thread run on: look again before waiting.
                    let made = calls::call(&dotted("threading", &["Event"])?, [])?;
                    if self.finished.is_empty() {
                        self.finished.set(made);
                    }
                    continue;
                }
            };
            let wait = calls::attribute(&finished, &intern("wait")?)?;
            calls::call(&wait, [])?;
        }
    }

    fn cancel(&self) -> PyResult<()> {
        self.wait_for_end()?;
        self.base::<HandleBody>().cancel()
    }

    fn cancelled(&self) -> PyResult<bool> {
        self.wait_for_end()?;
        Ok(self.handle.is_cancelled())
    }
}

#[cold]
fn wake_waiters(finished: &Object, result: PyResult<()>) -> PyResult<()> {
    let pending = result.is_err().then(take_raised).flatten();
    let woken = calls::attribute(finished, &intern("set")?).and_then(|set| calls::call(&set, []));
    match pending {
        Some(pending) => Err(restore(pending)),
        None => woken.map(drop),
    }
}

/// Makes the type.
///
/// # Errors
/// What CPython raises.
pub(crate) fn make_type() -> PyResult<Object> {
    type H = Instance<ThreadSafeHandleBody>;
    TypeBuilder::<ThreadSafeHandleBody>::new(c"A Handle that any thread may cancel.")
        .base::<HandleBody>()
        .not_constructible()
        .methods(vec![
            without_arguments(
                c"cancel",
                c"cancel($self, /)\n--\n\nDo not run the callback; wait if it runs already.",
                H::cancel,
            ),
            without_arguments(
                c"cancelled",
                c"cancelled($self, /)\n--\n\nWhether cancel() was called.",
                H::cancelled,
            ),
            without_arguments(
                c"_run",
                c"_run($self, /)\n--\n\nCall the callback now.",
                H::run,
            ),
        ])
        .attributes(vec![readable(c"__class__", |_: &H| {
            imports().asyncio_threadsafe_handle.clone()
        })])
        .build()
}
