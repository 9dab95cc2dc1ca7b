//! `gather`, for coroutines and for futures of the loop that runs.
//!
//! The order of everything is that of `gather` in Lib/asyncio/tasks.py: the children are made
//! one after the other, each calls [`child_is_done`] by the loop, and the last one, or the first
//! that fails, ends the Future that was given out.

use std::cell::Cell;

use crate::future::{FutureBody, GatheringBody, add_awaiter, discard_awaiter};
use crate::interop::arguments::Arguments;
use crate::interop::calls;
use crate::interop::coroutines::{is_native, is_true};
use crate::interop::errors::{Builtin, PyResult};
use crate::interop::gc::Visitor;
use crate::interop::imports::imports;
use crate::interop::instance::{HeapType, Instance, Ref, TypeCell, create};
use crate::interop::interned::Name;
use crate::interop::methods::with_one;
use crate::interop::object::{Object, Slot};
use crate::interop::running_task::running_loop;
use crate::interop::type_builder::TypeBuilder;
use crate::interop::values;
use crate::loop_core::body::LoopBody;
use crate::loop_core::loop_ref::LoopRef;
use crate::task::{TaskOptions, create_on};

use super::{makes_our_tasks, ours};

/// What one call of `gather` keeps until its children are done.
struct GatherBody {
    /// The list of children, in the order of the arguments; empty while they are made.
    children: Slot,
    /// The Future that was given out; empty while the children are made.
    outer: Slot,
    /// Who awaits the children, for the call graph of 3.14 and later.
    waiter: Slot,
    started: Cell<usize>,
    finished: Cell<usize>,
    return_exceptions: Cell<bool>,
}

impl HeapType for GatherBody {
    const NAME: &'static std::ffi::CStr = c"tepal._native.gather";

    fn cell() -> &'static TypeCell {
        static CELL: TypeCell = TypeCell::new();
        &CELL
    }

    fn blank() -> GatherBody {
        GatherBody {
            children: Slot::empty(),
            outer: Slot::empty(),
            waiter: Slot::empty(),
            started: Cell::new(0),
            finished: Cell::new(0),
            return_exceptions: Cell::new(false),
        }
    }

    fn traverse(&self, visitor: &mut Visitor) {
        visitor.slot(&self.children);
        visitor.slot(&self.outer);
        visitor.slot(&self.waiter);
    }

    fn clear(&self) {
        self.children.clear();
        self.outer.clear();
        self.waiter.clear();
    }
}

type G = Instance<GatherBody>;

/// `asyncio.gather(*coros_or_futures, return_exceptions=False)`
///
/// # Errors
/// What CPython's `gather` raises; `SystemExit` and `KeyboardInterrupt` out of an eager start.
///
/// # Reentrancy
/// An eager start runs Python code.
pub(super) fn gather(arguments: Arguments<'_>) -> PyResult<Object> {
    let running = running_loop()?;
    if let Some(event_loop) = makes_our_tasks(&running)
        && let Some(return_exceptions) = only_option(&arguments)?
        && all_are_usual(event_loop, arguments.positional())
    {
        let outer = start(event_loop, arguments.positional(), return_exceptions)?;
        return Ok(outer.into_object());
    }
    arguments.forward(&imports().gather)
}

/// `return_exceptions`; `None` if there is another keyword.
fn only_option(arguments: &Arguments<'_>) -> PyResult<Option<bool>> {
    match arguments.keyword_count() {
        0 => Ok(Some(false)),
        1 => {
            let (name, value) = arguments.keyword(0);
            if values::same_text(&name, Name::ReturnExceptions.object()) {
                is_true(&value).map(Some)
            } else {
                Ok(None)
            }
        }
        _ => Ok(None),
    }
}

/// Whether there is something to gather, and only native coroutines and plain futures of this
/// loop, each once.
fn all_are_usual(event_loop: &Instance<LoopBody>, given: &[Object]) -> bool {
    let usual = |object: &Object| {
        is_native(object)
            || ours(object).is_some_and(|future| {
                !future.has_attributes()
                    && matches!(future.event_loop.get(), Some(LoopRef::Native(other)) if other.is(event_loop))
            })
    };
    !given.is_empty() && given.iter().all(usual) && all_differ(given)
}

fn all_differ(given: &[Object]) -> bool {
    const FEW: usize = 8;
    if given.len() <= FEW {
        return (1..given.len()).all(|index| {
            let (before, after) = given.split_at(index);
            !before.iter().any(|other| other.is(&after[0]))
        });
    }
    let mut addresses: Vec<usize> = given.iter().map(Object::address).collect();
    addresses.sort_unstable();
    addresses.windows(2).all(|pair| pair[0] != pair[1])
}

/// Makes the children and the Future that stands for them.
fn start(
    event_loop: &Instance<LoopBody>,
    given: &[Object],
    return_exceptions: bool,
) -> PyResult<Ref<GatheringBody>> {
    let gathered = create(GatherBody::blank)?;
    gathered.return_exceptions.set(return_exceptions);
    if cfg!(Py_3_14)
        && let Some(task) = current_task(event_loop)?
    {
        gathered.waiter.set(task);
    }
    let callback =
        gathered.with_object(|this| calls::attribute(this, Name::ChildIsDone.object()))?;
    let mut children = Vec::with_capacity(given.len());
    let mut done = Vec::new();
    for awaitable in given {
        let child = child_of(event_loop, awaitable)?;
        gathered.started.set(gathered.started.get() + 1);
        if let Some(future) = ours(&child) {
            if cfg!(Py_3_12) && !future.is_pending() {
                done.push(child.clone());
            } else {
                if let Some(waiter) = gathered.waiter.get() {
                    add_awaiter(&child, &waiter)?;
                }
                future.add_function(&callback, None)?;
            }
        }
        children.push(child);
    }
    let children = values::list(children)?;
    gathered.children.set(children.clone());
    let outer = Instance::<GatheringBody>::make(event_loop, children)?;
    gathered.outer.set(outer.object());
    // With eager Tasks all may be done: then the Future is given out finished.
    for child in &done {
        child_is_done(&gathered, child)?;
    }
    Ok(outer)
}

/// `ensure_future(awaitable)`
fn child_of(event_loop: &Instance<LoopBody>, awaitable: &Object) -> PyResult<Object> {
    if !is_native(awaitable) {
        return Ok(awaitable.clone());
    }
    let options = TaskOptions {
        reasoned: true,
        ..TaskOptions::usual(event_loop)
    };
    let task = create_on(event_loop, awaitable, options)?;
    task.silence();
    Ok(task.into_object())
}

/// `asyncio.current_task()`, also a Task of another kind.
fn current_task(event_loop: &Instance<LoopBody>) -> PyResult<Option<Object>> {
    if let Some(task) = event_loop.current_task.get() {
        return Ok(Some(task));
    }
    let task = calls::call(&imports().current_task, [])?;
    Ok(Some(task).filter(|task| !task.is_none()))
}

/// `_done_callback(fut)`
///
/// # Errors
/// `TypeError` if `child` is no Future of ours; what scheduling raises.
fn child_is_done(this: &G, child: &Object) -> PyResult<()> {
    let Some(future) = child.instance_of::<FutureBody>() else {
        return Err(Builtin::TypeError.raise("a future of tepal is required"));
    };
    this.finished.set(this.finished.get() + 1);
    let waiter = this.waiter.get();
    if let Some(waiter) = &waiter {
        discard_awaiter(child, waiter)?;
    }
    let outer = this.outer.get();
    let outer = outer
        .as_ref()
        .and_then(|outer| outer.exactly::<GatheringBody>())
        .filter(|outer| outer.future.is_pending());
    let Some(outer) = outer else {
        // The exception counts as retrieved.
        future.log_traceback.set(false);
        return Ok(());
    };
    if !this.return_exceptions.get() && future.has_failure() {
        let exception = match future.is_cancelled() {
            true => future.make_cancelled_error()?,
            false => future.exception()?,
        };
        this.forget_waiter()?;
        return outer.base::<FutureBody>().set_exception(&exception);
    }
    if this.finished.get() < this.started.get() {
        return Ok(());
    }
    let children = values::items(&this.children.get_or_none())?;
    let results = results(&children)?;
    if outer.cancel_requested() {
        // asyncio asks the child that it looked at last.
        let last = children.last().and_then(ours).unwrap_or(future);
        let exception = last.make_cancelled_error()?;
        return outer.base::<FutureBody>().set_exception(&exception);
    }
    outer.base::<FutureBody>().set_result(results)
}

impl G {
    /// Children that outlive the Future have nobody who awaits them (gh-157213).
    fn forget_waiter(&self) -> PyResult<()> {
        if let (Some(waiter), Some(children)) = (self.waiter.get(), self.children.get()) {
            for child in values::items(&children)? {
                discard_awaiter(&child, &waiter)?;
            }
        }
        Ok(())
    }
}

/// The list of results; what failed is there as its exception.
fn results(children: &[Object]) -> PyResult<Object> {
    let mut results = Vec::with_capacity(children.len());
    for child in children {
        results.push(match ours(child) {
            Some(future) if future.is_cancelled() => cancelled_error(future)?,
            Some(future) if future.has_failure() => future.exception()?,
            Some(future) => future.result()?,
            None => Object::none(),
        });
    }
    values::list(results)
}

/// A new `CancelledError` with the message of the cancellation, `''` if it had none.
fn cancelled_error(future: &Instance<FutureBody>) -> PyResult<Object> {
    let message = match future.cancel_message() {
        Some(message) if !message.is_none() => message,
        _ => values::string("")?,
    };
    calls::call(&imports().cancelled_error, [&message])
}

/// Makes the type of what a call keeps.
///
/// # Errors
/// What CPython raises.
pub(super) fn make_type() -> PyResult<()> {
    TypeBuilder::<GatherBody>::new(c"What a call of gather() keeps.")
        .not_constructible()
        .method(with_one(
            c"_done_callback",
            c"_done_callback($self, fut, /)\n--\n\nA child is done.",
            child_is_done,
        ))
        .build()
        .map(drop)
}
