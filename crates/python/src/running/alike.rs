//! Callbacks that nobody can look at any more, run one after the other.
//!
//! Most Handles are forgotten by the caller of `call_soon` at once: the ready queue has the
//! only reference. What such a Handle holds can be taken out of it for the call, and its
//! memory goes straight to the next one. Where several stand in a row that share their
//! context ([`crate::loop_core::shared_context`]), it is entered once for all of them, as long as
//! each leaves it as it was.
//!
//! What ends with a Handle ends after the context was left, as in asyncio: a callback, an
//! argument or a result whose end could run Python code ends the row.

use crate::handle::{CallArguments, HandleBody};
use crate::interop::errors::{PyResult, Raised};
use crate::interop::gc;
use crate::interop::instance::{Instance, recycle};
use crate::interop::object::Object;
use crate::loop_core::attention::CARE;
use crate::loop_core::body::LoopBody;
use crate::loop_core::entry::Entry;
use crate::loop_core::failures;
use crate::loop_core::shared_context::{Stay, stay_in};
use crate::transport::hold_enough;

/// A Handle after its run, with what it held.
struct Ran {
    handle: Object,
    callback: Object,
    arguments: CallArguments,
    outcome: PyResult<Object>,
}

impl Ran {
    /// Whether all of this can end inside the context without anybody noticing.
    #[inline(always)]
    fn goes_silently(&self) -> bool {
        matches!(&self.outcome, Ok(result) if result.goes_silently())
            && self.callback.goes_silently()
            && self.arguments.go_silently()
    }

    /// After the context was left: what was raised goes to the exception handler, which runs
    /// in the same context (since 3.12); `context` is that, if it is not as it was.
    ///
    /// # Errors
    /// `SystemExit` and `KeyboardInterrupt`.
    #[cold]
    fn finish(self, context: Option<Object>) -> PyResult<()> {
        let Err(raised) = self.outcome else {
            return Ok(());
        };
        let exception = failures::contain(raised)?;
        match self.handle.exactly::<HandleBody>() {
            Some(handle) => {
                handle.callback.set(self.callback);
                handle.arguments.set(self.arguments);
                if let Some(context) = context {
                    handle.context.set(context);
                }
                handle.report(exception)
            }
            None => Ok(()),
        }
    }
}

/// Whether [`run_row`] may begin with this Handle, if nothing asks for care.
#[inline(always)]
pub(super) fn can_begin(handle: &Object) -> bool {
    handle
        .exactly::<HandleBody>()
        .is_some_and(Instance::is_unseen)
}

/// Runs a Handle of which [`can_begin`] said yes, and those like it that follow at once in
/// the queue, `left` of them at most; what was run is taken off `left`.
///
/// # Errors
/// `SystemExit` and `KeyboardInterrupt`.
///
/// # Reentrancy
/// Runs any Python code.
#[inline(always)]
pub(super) fn run_row(
    event_loop: &Instance<LoopBody>,
    handle: Object,
    left: &mut usize,
) -> PyResult<()> {
    event_loop.retract_task();
    let Some(context) = handle
        .exactly::<HandleBody>()
        .and_then(|handle| handle.context.get())
    else {
        return Ok(());
    };
    let mut first = Some(handle);
    let row = |stay: &Stay<'_>| run_in_row(event_loop, &mut first, &context, stay, left);
    let ended = stay_in(&context, row);
    match ended {
        Ok(Some((None, _))) => Ok(()),
        Ok(Some((Some(last), context))) => last.finish(context),
        // A context of its own, or none that could be entered: nothing has run.
        not_entered => run_alone(first.as_ref(), not_entered.err()),
    }
}

/// Runs a Handle for which there is no row; where the context of the row could not be entered, its exception handler hears
/// why instead.
///
/// # Errors
/// `SystemExit` and `KeyboardInterrupt`.
fn run_alone(handle: Option<&Object>, failed: Option<Raised>) -> PyResult<()> {
    let Some(handle) = handle.and_then(|handle| handle.exactly::<HandleBody>()) else {
        return Ok(());
    };
    match failed {
        None => handle.run(),
        Some(raised) => handle.report(failures::contain(raised)?),
    }
}

/// The row itself; gives the Handle that ended it, if what that leaves behind is to be dealt with outside of the
/// context. That is rare, and in a box so that nothing large is handed on otherwise.
#[inline(always)]
fn run_in_row(
    event_loop: &Instance<LoopBody>,
    first: &mut Option<Object>,
    context: &Object,
    stay: &Stay<'_>,
    left: &mut usize,
) -> Option<Box<Ran>> {
    let mut handle = first.take()?;
    let traced = gc::is_traced();
    loop {
        if let Some(ran) = run_one(handle) {
            if traced || !ran.goes_silently() || !stay.is_untouched() {
                return Some(Box::new(ran));
            }
            drop((ran.callback, ran.arguments, ran.outcome));
            recycle::<HandleBody>(ran.handle);
        }
        if *left == 0 || event_loop.attention.has(CARE) || hold_enough(event_loop) {
            return None;
        }
        event_loop.retract_task();
        handle = pop_alike(event_loop, context)?;
        *left -= 1;
    }
}

/// Calls the callback of a Handle; `None` if it was cancelled.
#[inline(always)]
fn run_one(handle: Object) -> Option<Ran> {
    let body = handle.exactly::<HandleBody>()?;
    let (callback, arguments) = (body.callback.take()?, body.arguments.take()?);
    let outcome = arguments.call(&callback);
    Some(Ran {
        handle,
        callback,
        arguments,
        outcome,
    })
}

/// The next entry, if it is an unseen Handle with the same context.
#[inline(always)]
fn pop_alike(event_loop: &Instance<LoopBody>, context: &Object) -> Option<Object> {
    let mut ready = event_loop.ready.borrow_mut();
    let Some(Entry::Run(handle)) = ready.front() else {
        return None;
    };
    let body = handle.exactly::<HandleBody>()?;
    if !body.is_unseen() || !body.context.is(context) {
        return None;
    }
    match ready.pop_front() {
        Some(Entry::Run(handle)) => Some(handle),
        _ => None,
    }
}
