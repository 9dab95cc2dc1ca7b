//! The queue between a loop and the threads of its default executor.
//!
//! It stands where a `ThreadPoolExecutor` has a `queue.SimpleQueue`, and counts the threads that
//! wait at it, which there a semaphore does. A thread that goes to sleep wakes the loop, which waits for
//! its answer, after it has let go of the GIL: neither waits for the other.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::ffi::CStr;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use tepal_core::Waker;

use crate::future::FutureBody;
use crate::interop::arguments::Arguments;
use crate::interop::calls;
use crate::interop::errors::{Builtin, PyResult, raise_os_error};
use crate::interop::gc::Visitor;
use crate::interop::instance::{HeapType, Instance, TypeCell};
use crate::interop::interned::Name;
use crate::interop::methods::{with_arguments, with_one, without_arguments};
use crate::interop::object::Object;
use crate::interop::threads;
use crate::interop::type_builder::TypeBuilder;
use crate::loop_core::body::LoopBody;

use super::job::JobBody;

/// Where threads sleep without the GIL.
#[derive(Default)]
struct Bed {
    /// How many of the sleepers are to get up.
    calls: Mutex<usize>,
    called: Condvar,
}

impl Bed {
    fn call_one(&self) {
        *self.calls.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.called.notify_one();
    }

    fn sleep(&self) {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        while *calls == 0 {
            calls = self
                .called
                .wait(calls)
                .unwrap_or_else(PoisonError::into_inner);
        }
        *calls -= 1;
    }
}

/// What waits for a thread, and the threads that wait for work.
pub(crate) struct QueueBody {
    /// Jobs, CPython's own work items, and `None`, which asks a thread to look whether it is to end.
    items: RefCell<VecDeque<Object>>,
    /// Threads that are about to look at the queue.
    looking: Cell<usize>,
    /// Threads that sleep and were not called.
    sleeping: Cell<usize>,
    /// Whether the last item found a thread that looks or sleeps.
    found_thread: Cell<bool>,
    bed: Arc<Bed>,
}

impl HeapType for QueueBody {
    const NAME: &'static CStr = c"tepal._native.JobQueue";

    fn cell() -> &'static TypeCell {
        static CELL: TypeCell = TypeCell::new();
        &CELL
    }

    fn blank() -> QueueBody {
        QueueBody {
            items: RefCell::new(VecDeque::new()),
            looking: Cell::new(0),
            sleeping: Cell::new(0),
            found_thread: Cell::new(false),
            bed: Arc::default(),
        }
    }

    fn traverse(&self, visitor: &mut Visitor) {
        // A queue that is open right now merely looks referenced from outside.
        if let Ok(items) = self.items.try_borrow() {
            items.iter().for_each(|item| visitor.object(item));
        }
    }

    fn clear(&self) {
        let items = std::mem::take(&mut *self.items.borrow_mut());
        drop(items);
    }
}

impl Instance<QueueBody> {
    /// Appends an item; a sleeping thread is called if none is awake that will come to it.
    fn put(&self, item: &Object) {
        let waiting = {
            let mut items = self.items.borrow_mut();
            items.push_back(item.clone());
            items.len()
        };
        if waiting <= self.looking.get() {
            self.found_thread.set(true);
        } else if self.sleeping.get() > 0 {
            self.sleeping.set(self.sleeping.get() - 1);
            self.looking.set(self.looking.get() + 1);
            self.found_thread.set(true);
            self.bed.call_one();
        } else {
            self.found_thread.set(false);
        }
    }

    fn pop(&self) -> Option<Object> {
        self.items.borrow_mut().pop_front()
    }

    /// The next item, for a thread that looks; sleeps until there is one. Whom `waker` wakes is
    /// woken before the sleep.
    fn next(&self, waker: &mut Option<Arc<Waker>>) -> PyResult<Object> {
        loop {
            if let Some(item) = self.pop() {
                self.looking.set(self.looking.get() - 1);
                return Ok(item);
            }
            self.looking.set(self.looking.get() - 1);
            self.sleeping.set(self.sleeping.get() + 1);
            let (bed, waker) = (self.bed.clone(), waker.take());
            let woken = threads::detached(move || {
                let woken = waker.map_or(Ok(()), |waker| waker.wake());
                bed.sleep();
                woken
            });
            // Who called has counted this thread among those that look.
            woken.map_err(|error| raise_os_error(&error))?;
        }
    }

    /// Runs what comes until it is `None`; `context` is what CPython's work items want to be
    /// given, if anything (since 3.14).
    ///
    /// # Errors
    /// What a work item's `run` raises; `OSError` if a loop cannot be woken.
    fn work(&self, context: &[Object]) -> PyResult<()> {
        self.looking.set(self.looking.get() + 1);
        let mut waker: Option<Arc<Waker>> = None;
        loop {
            let item = self.next(&mut waker)?;
            if let Some(waker) = waker.take() {
                waker.wake().map_err(|error| raise_os_error(&error))?;
            }
            if item.is_none() {
                return Ok(());
            }
            match item.exactly::<JobBody>() {
                Some(job) => waker = job.run(),
                None => match context {
                    [context] => calls::call_method(Name::Run, [&item, context]).map(drop)?,
                    _ => calls::call_method(Name::Run, [&item]).map(drop)?,
                },
            }
            drop(item);
            self.looking.set(self.looking.get() + 1);
        }
    }
}

/// `submit(loop, function, *args)`: a Future of the loop for the answer; `None`, and nothing was done, if
/// something about the loop is unusual.
///
/// # Errors
/// `TypeError` for a loop that is none of ours; `MemoryError`.
fn submit(this: &Instance<QueueBody>, arguments: Arguments<'_>) -> PyResult<Option<Object>> {
    let [event_loop, function, rest @ ..] = arguments.positional() else {
        return Err(Builtin::TypeError.raise("submit() takes a loop and a function"));
    };
    let Some(event_loop) = event_loop.instance_of::<LoopBody>() else {
        return Err(Builtin::TypeError.raise("submit() takes a loop of tepal"));
    };
    if !event_loop.attention.is_none() {
        return Ok(None);
    }
    let future = Instance::<FutureBody>::make(event_loop)?.into_object();
    let job = Instance::<JobBody>::make(event_loop, &future, function, rest)?;
    this.put(&job.into_object());
    Ok(Some(future))
}

/// `take(default)`: the next item at once, or `default`.
fn take(this: &Instance<QueueBody>, default: &Object) -> Object {
    this.pop().unwrap_or_else(|| default.clone())
}

/// Makes the type.
///
/// # Errors
/// What CPython raises.
pub(crate) fn make_type() -> PyResult<Object> {
    type Q = Instance<QueueBody>;
    TypeBuilder::<QueueBody>::new(
        c"JobQueue()\n--\n\nThe queue between a loop and the threads of its default executor.",
    )
    .subclassable()
    .constructible()
    .methods(vec![
        with_one(c"put", c"put($self, item, /)\n--\n\nAppend an item.", |this: &Q, item| this.put(item)),
        with_one(c"take", c"take($self, default, /)\n--\n\nThe first item, or default if there is none.", take),
        without_arguments(c"qsize", c"qsize($self, /)\n--\n\nHow many items wait.", |this: &Q| {
            this.items.borrow().len() as u64
        }),
        without_arguments(c"empty", c"empty($self, /)\n--\n\nWhether no item waits.", |this: &Q| {
            this.items.borrow().is_empty()
        }),
        without_arguments(
            c"needs_thread",
            c"needs_thread($self, /)\n--\n\nWhether no thread was free for the last item.",
            |this: &Q| !this.found_thread.get(),
        ),
        with_arguments(
            c"submit",
            c"submit($self, loop, function, /, *args)\n--\n\nQueue a call; a Future for its answer, or None.",
            submit,
        ),
        with_arguments(
            c"work",
            c"work($self, /, *context)\n--\n\nRun what comes, until it is None.",
            |this: &Q, arguments: Arguments<'_>| this.work(arguments.positional()),
        ),
    ])
    .build()
}
