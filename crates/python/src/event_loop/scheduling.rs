//! `call_soon`, `call_soon_threadsafe`, `call_later`, `call_at`, `time`.

use tepal_core::monotonic_ns;

use crate::handle::{HandleBody, ThreadSafeHandleBody, TimerHandleBody};
use crate::interop::arguments::{ANY_NUMBER, Arguments, Signature};
use crate::interop::calls;
use crate::interop::errors::{Builtin, PyResult};
use crate::interop::imports::imports;
use crate::interop::instance::{Instance, Ref};
use crate::interop::interned::{Name, intern};
use crate::interop::methods::{Method, with_arguments, with_one, without_arguments};
use crate::interop::object::Object;
use crate::interop::recognised::C_TASK;
use crate::interop::values;
use crate::loop_core::attention::{CLOSED, RECORDING};
use crate::loop_core::body::LoopBody;
use crate::loop_core::entry::Entry;
use crate::loop_core::schedule::nanoseconds;
use crate::loop_core::wrappers;
use crate::task::TaskBody;

use super::L;

/// Tells how a C Task's step and wake-up look: the type of the one, the function of the other.
pub(crate) fn recognise(step: &Object, wakeup: &Object) {
    C_TASK.learn(step, wakeup);
}

/// What Tasks hand to `call_soon`, ours and CPython's: queued as it is, without a Handle,
/// because they drop what `call_soon` returns.
#[inline(always)]
fn raw_entry(
    this: &L,
    callback: &Object,
    rest: &[Object],
    context: Option<&Object>,
) -> Option<Entry> {
    match rest {
        [] => {
            if C_TASK.is_step(callback) {
                let context = context?.clone();
                return Some(Entry::Call {
                    callable: callback.clone(),
                    argument: None,
                    context,
                });
            }
            let (task, exception) = wrappers::stepped_task(callback)?;
            if !is_ours(this, &task) {
                return None;
            }
            Some(match exception {
                None => Entry::Step(task),
                Some(exception) => Entry::Throw { task, exception },
            })
        }
        [future] => {
            if let Some(task) = wrappers::woken_task(callback) {
                let future = future.clone();
                return is_ours(this, &task).then_some(Entry::Wake { task, future });
            }
            if C_TASK.is_wakeup(callback) {
                let argument = Some(future.clone());
                let context = context?.clone();
                return Some(Entry::Call {
                    callable: callback.clone(),
                    argument,
                    context,
                });
            }
            None
        }
        _ => None,
    }
}

fn is_ours(this: &L, task: &Object) -> bool {
    use crate::loop_core::loop_ref::LoopRef;
    let Some(task) = task.instance_of::<TaskBody>() else {
        return false;
    };
    matches!(task.future.event_loop.get(), Some(LoopRef::Native(native)) if native.is(this))
}

const CALL_SOON: Signature<2> = Signature {
    function: "BaseEventLoop.call_soon",
    names: [Name::Callback, Name::Context],
    required: 1,
    positional: ANY_NUMBER,
};

const CALL_SOON_THREADSAFE: Signature<2> = Signature {
    function: "BaseEventLoop.call_soon_threadsafe",
    ..CALL_SOON
};

const CALL_LATER: Signature<3> = Signature {
    function: "BaseEventLoop.call_later",
    names: [Name::Delay, Name::Callback, Name::Context],
    required: 2,
    positional: ANY_NUMBER,
};

const CALL_AT: Signature<3> = Signature {
    function: "BaseEventLoop.call_at",
    names: [Name::When, Name::Callback, Name::Context],
    ..CALL_LATER
};

/// The positional arguments and the context. Leading arguments may also come by keyword
/// (`call_soon(callback=f)`, as asyncio's signature allows); they are then put into `storage`.
#[inline(always)]
fn read<'a, const N: usize>(
    arguments: &Arguments<'a>,
    storage: &'a mut Vec<Object>,
    wanted: &Signature<N>,
) -> PyResult<(&'a [Object], Option<Object>)> {
    let positional = arguments.positional();
    if positional.len() >= wanted.required {
        return match arguments.only_keyword(wanted.function, Name::Context) {
            Ok(context) => Ok((positional, context)),
            Err(raised) => {
                raised.forget();
                Err(arguments.misfit(wanted))
            }
        };
    }
    let context = by_keyword(arguments, storage, wanted)?;
    Ok((storage, context))
}

#[cold]
fn by_keyword<const N: usize>(
    arguments: &Arguments<'_>,
    storage: &mut Vec<Object>,
    wanted: &Signature<N>,
) -> PyResult<Option<Object>> {
    let positional = arguments.positional();
    let mut named = [const { None }; N];
    for index in 0..arguments.keyword_count() {
        let (given, value) = arguments.keyword(index);
        let place = (positional.len()..N)
            .find(|place| values::same_text(&given, wanted.names[*place].object()))
            .ok_or_else(|| arguments.misfit(wanted))?;
        named[place] = Some(value.clone());
    }
    storage.extend(positional.iter().cloned());
    for value in &mut named[positional.len()..wanted.required] {
        storage.push(value.take().ok_or_else(|| arguments.misfit(wanted))?);
    }
    let context = named[wanted.required].take();
    Ok(context.filter(|context| !context.is_none()))
}

/// `call_soon(callback, *args, context=None)`
///
/// # Errors
/// `RuntimeError` if the loop is closed; in debug mode if this is the wrong thread, and
/// `TypeError` if the callback is a coroutine.
#[inline(always)]
fn call_soon(this: &L, arguments: Arguments<'_>) -> PyResult<Object> {
    match arguments.positional() {
        [callback, rest @ ..] if arguments.keyword_count() == 0 && this.attention.is_none() => {
            if let Some(entry) = raw_entry(this, callback, rest, None) {
                this.ready.borrow_mut().push_back(entry);
                return Ok(Object::none());
            }
            queue_plain(this, callback, rest, None).map(Ref::into_object)
        }
        _ => call_soon_with_care(this, &arguments),
    }
}

/// As [`call_soon`], with a context given, and minding what the loop's attention asks for.
fn call_soon_with_care(this: &L, arguments: &Arguments<'_>) -> PyResult<Object> {
    let mut storage = Vec::new();
    let (given, context) = read(arguments, &mut storage, &CALL_SOON)?;
    let (callback, rest) = (&given[0], &given[1..]);
    if !this.attention.is_only_watched() {
        check(this, callback, "call_soon", true)?;
    }
    if this.call_soon_hooked.get() {
        return queue_by_hook(this, callback, rest, context);
    }
    if let Some(entry) = raw_entry(this, callback, rest, context.as_ref()) {
        if this.attention.has(RECORDING) {
            this.note_ready(&entry);
        }
        this.ready.borrow_mut().push_back(entry);
        return Ok(Object::none());
    }
    Ok(queue(this, callback, rest, context)?.into_object())
}

/// `call_soon_threadsafe(callback, *args, context=None)`: also from other threads and from
/// signal handlers; the loop is woken if it sleeps.
///
/// # Errors
/// As [`call_soon`], for any thread.
fn call_soon_threadsafe(this: &L, arguments: Arguments<'_>) -> PyResult<Object> {
    let mut storage = Vec::new();
    let (given, context) = read(&arguments, &mut storage, &CALL_SOON_THREADSAFE)?;
    let (callback, rest) = (&given[0], &given[1..]);
    if !this.attention.is_only_watched() {
        check(this, callback, "call_soon_threadsafe", false)?;
    }
    let handle = if cfg!(Py_3_14) {
        queue_threadsafe(this, callback, rest, context)?
    } else if this.call_soon_hooked.get() {
        queue_by_hook(this, callback, rest, context)?
    } else {
        let handle = queue(this, callback, rest, context)?;
        handle.threadsafe.set(true);
        handle.into_object()
    };
    this.wake()?;
    Ok(handle)
}

/// `self._call_soon(callback, args, context)`, as asyncio's `call_soon` does it, for somebody else's `_call_soon`.
#[cold]
fn queue_by_hook(
    this: &L,
    callback: &Object,
    rest: &[Object],
    context: Option<Object>,
) -> PyResult<Object> {
    let rest = values::tuple(rest.to_vec())?;
    let context = context.unwrap_or_else(Object::none);
    let given = [&this.object(), callback, &rest, &context];
    calls::call_method(Name::CallSoonUnderscore, given)
}

fn queue(
    this: &L,
    callback: &Object,
    rest: &[Object],
    context: Option<Object>,
) -> PyResult<Ref<HandleBody>> {
    let handle = queue_plain(this, callback, rest, context)?;
    if this.is_debug()? {
        handle.remember_origin()?;
    }
    Ok(handle)
}

#[inline(always)]
fn queue_plain(
    this: &L,
    callback: &Object,
    rest: &[Object],
    context: Option<Object>,
) -> PyResult<Ref<HandleBody>> {
    let handle = Instance::<HandleBody>::make_untracked(this, callback.clone(), rest, context)?;
    this.ready
        .borrow_mut()
        .push_back(Entry::Run(handle.clone().into_object()));
    Ok(handle)
}

fn queue_threadsafe(
    this: &L,
    callback: &Object,
    rest: &[Object],
    context: Option<Object>,
) -> PyResult<Object> {
    type Handle = Instance<ThreadSafeHandleBody>;
    let handle = Handle::make(this, callback.clone(), rest, context)?;
    if this.is_debug()? {
        handle.handle.remember_origin()?;
    }
    let handle = handle.into_object();
    this.ready
        .borrow_mut()
        .push_back(Entry::Run(handle.clone()));
    Ok(handle)
}

/// The checks outside of the fast path.
#[cold]
fn check(this: &L, callback: &Object, method: &str, thread: bool) -> PyResult<()> {
    this.check_open()?;
    if this.is_debug()? {
        if thread {
            this.check_thread()?;
        }
        let check = intern("_check_callback")?;
        let check = this.with_object(|this| calls::attribute(this, &check))?;
        calls::call(&check, [callback, &values::string(method)?])?;
    }
    Ok(())
}

/// `call_later(delay, callback, *args, context=None)`
///
/// # Errors
/// As [`call_soon`]; `TypeError` if `delay` is no number.
fn call_later(this: &L, arguments: Arguments<'_>) -> PyResult<Object> {
    let mut storage = Vec::new();
    let (given, context) = read(&arguments, &mut storage, &CALL_LATER)?;
    let (callback, rest) = (&given[1], &given[2..]);
    if given[0].is_none() {
        return Err(Builtin::TypeError.raise("delay must not be None"));
    }
    if this.call_at_overridden.get() || !values::is_real(&given[0]) {
        return call_later_by_call_at(this, given, context);
    }
    let delay = values::to_float(&given[0])?;
    let now = this.now()?;
    let when = now as f64 / 1e9 + delay;
    let deadline = if delay < 0.0 {
        // Before what is due now.
        nanoseconds(when)
    } else {
        now.saturating_add(nanoseconds(delay))
    };
    Ok(add_timer(this, deadline, when, callback, rest, context)?.into_object())
}

/// As asyncio has it: `self.call_at(self.time() + delay, callback, *args, context=context)`, for a `call_at` of somebody
/// else's and for a delay that is neither `int` nor `float`, which Python's addition takes or refuses.
#[cold]
fn call_later_by_call_at(this: &L, given: &[Object], context: Option<Object>) -> PyResult<Object> {
    let this = this.object();
    let now = calls::call_method(Name::Time, [&this])?;
    let mut values = given.to_vec();
    values[0] = values::sum(&now, &given[0])?;
    values.push(context.unwrap_or_else(Object::none));
    let call_at = calls::attribute(&this, Name::CallAt.object())?;
    calls::call_with_names(&call_at, &values, &imports().names_context)
}

/// `call_at(when, callback, *args, context=None)`
///
/// # Errors
/// As [`call_soon`]; `TypeError` if `when` is no number.
fn call_at(this: &L, arguments: Arguments<'_>) -> PyResult<Object> {
    let mut storage = Vec::new();
    let (given, context) = read(&arguments, &mut storage, &CALL_AT)?;
    let (callback, rest) = (&given[1], &given[2..]);
    if given[0].is_none() {
        return Err(Builtin::TypeError.raise("when cannot be None"));
    }
    let when = values::to_float(&given[0])?;
    let timer = add_timer(this, nanoseconds(when), when, callback, rest, context)?;
    if !values::is_exact_float(&given[0]) {
        timer.set_when(&given[0])?;
    }
    Ok(timer.into_object())
}

#[inline(always)]
fn add_timer(
    this: &L,
    deadline: u64,
    when: f64,
    callback: &Object,
    rest: &[Object],
    context: Option<Object>,
) -> PyResult<Ref<TimerHandleBody>> {
    if !this.attention.is_only_watched() {
        // asyncio's call_later goes through call_at, which the message names.
        check(this, callback, "call_at", true)?;
    }
    let timer = Instance::<TimerHandleBody>::schedule(
        this,
        deadline,
        when,
        callback.clone(),
        rest,
        context,
    )?;
    if this.is_debug()? {
        timer.handle.remember_origin()?;
    }
    Ok(timer)
}

fn time(_this: &L) -> f64 {
    monotonic_ns() as f64 / 1e9
}

/// `_add_callback(handle)`: queues a Handle of any kind, unless it is cancelled.
fn add_callback(this: &L, handle: &Object) -> PyResult<()> {
    let cancelled = calls::attribute(handle, &intern("_cancelled")?)?;
    if !crate::interop::coroutines::is_true(&cancelled)? && !this.attention.has(CLOSED) {
        this.ready
            .borrow_mut()
            .push_back(Entry::Run(handle.clone()));
    }
    Ok(())
}

pub(super) fn methods() -> Vec<Method<LoopBody>> {
    vec![
        with_arguments(
            c"call_soon",
            c"call_soon($self, callback, *args, context=None)\n--\n\nCall callback(*args) in the next turn.",
            call_soon,
        ),
        with_arguments(
            c"call_soon_threadsafe",
            c"call_soon_threadsafe($self, callback, *args, context=None)\n--\n\nAs call_soon, from any thread.",
            call_soon_threadsafe,
        ),
        with_arguments(
            c"call_later",
            c"call_later($self, delay, callback, *args, context=None)\n--\n\nCall callback(*args) after delay seconds.",
            call_later,
        ),
        with_arguments(
            c"call_at",
            c"call_at($self, when, callback, *args, context=None)\n--\n\nCall callback(*args) at loop.time() == when.",
            call_at,
        ),
        without_arguments(c"time", c"time($self, /)\n--\n\nSeconds on the clock of time.monotonic().", time),
        with_one(c"_add_callback", c"_add_callback($self, handle, /)\n--\n\nQueue a Handle.", add_callback),
    ]
}
