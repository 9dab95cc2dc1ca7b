//! Where errors go that have no caller: the loop's exception handler.

use crate::interop::calls;
use crate::interop::errors::{Builtin, PyResult, Raised, leaves_the_loop, restore, while_handling};
use crate::interop::imports::imports;
use crate::interop::interned::Name;
use crate::interop::object::Object;
use crate::interop::values;

/// `loop.call_exception_handler({...})`; a failure of the handler itself goes to
/// `sys.unraisablehook`, as CPython's `_asyncio` does.
///
/// # Reentrancy
/// Runs any Python code.
pub(crate) fn call_exception_handler(event_loop: &Object, context: &[(Name, &Object)]) {
    let result = values::dict(context)
        .and_then(|context| calls::call_method(Name::CallExceptionHandler, [event_loop, &context]));
    if let Err(raised) = result {
        raised.write_unraisable(event_loop);
    }
}

/// As [`call_exception_handler`], but an exception that the handler lets out
/// (`SystemExit`, `KeyboardInterrupt`) is handed to the caller, as out of `Handle._run`.
///
/// # Errors
/// What the handler raised.
pub(crate) fn report(event_loop: &Object, context: &[(Name, &Object)]) -> PyResult<()> {
    let exception = context.iter().find(|(name, _)| *name == Name::Exception);
    let context = values::dict(context)?;
    let tell = || calls::call_method(Name::CallExceptionHandler, [event_loop, &context]).map(drop);
    match exception {
        // asyncio calls the handler in the body of `except`.
        Some((_, exception)) => while_handling(exception, tell),
        None => tell(),
    }
}

/// Sorts an exception that came out of a callback: `Err` for those that leave the loop.
///
/// # Errors
/// `SystemExit` and `KeyboardInterrupt`, put back.
pub(crate) fn contain(raised: Raised) -> PyResult<Object> {
    let exception = raised.take();
    if leaves_the_loop(&exception) {
        Err(restore(exception))
    } else {
        Ok(exception)
    }
}

/// asyncio's error for a closed loop.
#[cold]
pub(crate) fn loop_is_closed() -> Raised {
    Builtin::RuntimeError.raise("Event loop is closed")
}

/// asyncio's error for a call from another thread (debug mode).
#[cold]
pub(crate) fn wrong_thread() -> Raised {
    Builtin::RuntimeError
        .raise("Non-thread-safe operation invoked on an event loop other than the current one")
}

/// A callback with its arguments as asyncio's reports show it: from 3.13 on the arguments only
/// in debug mode.
///
/// # Errors
/// What asyncio's formatting raises.
pub(crate) fn describe_callback(
    event_loop: &Object,
    callback: Object,
    arguments: Object,
) -> PyResult<String> {
    let format = &imports().format_callback_source;
    let shown = if cfg!(Py_3_13) {
        let debug = calls::call_method(Name::GetDebug, [event_loop])?;
        let values = [callback, arguments, debug];
        calls::call_with_names(format, &values, &imports().names_debug)?
    } else {
        calls::call(format, [&callback, &arguments])?
    };
    Ok(values::text(&shown).unwrap_or_default())
}
