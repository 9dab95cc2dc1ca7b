//! Debug mode: how long each callback took.

use tepal_core::monotonic_ns;

use crate::interop::calls;
use crate::interop::errors::PyResult;
use crate::interop::imports::{dotted, imports};
use crate::interop::instance::Instance;
use crate::interop::interned::{Name, intern};
use crate::interop::object::Object;
use crate::interop::values;
use crate::loop_core::body::LoopBody;
use crate::loop_core::entry::Entry;

use super::dispatch::{handle_for, run_unwatched};

/// Runs an entry and logs it, with asyncio's line, if it took longer than
/// `loop.slow_callback_duration` seconds.
///
/// # Errors
/// As `run_entry`.
pub(super) fn run_timed(event_loop: &Instance<LoopBody>, entry: &Entry) -> PyResult<()> {
    let this = event_loop.object();
    // Made before the run: a callback's own description may be gone after it.
    let handle = handle_for(event_loop, entry)?;
    calls::set_attribute(&this, Name::CurrentHandle.object(), &handle)?;
    let start = monotonic_ns();
    let outcome = run_unwatched(event_loop, entry);
    let seconds = (monotonic_ns() - start) as f64 / 1e9;
    let pending = outcome
        .is_err()
        .then(crate::interop::errors::take_raised)
        .flatten();
    let logged = log_if_slow(&this, &handle, seconds);
    calls::set_attribute(&this, Name::CurrentHandle.object(), &Object::none())?;
    match pending {
        Some(pending) => Err(crate::interop::errors::restore(pending)),
        None => outcome.and(logged),
    }
}

fn log_if_slow(event_loop: &Object, handle: &Object, seconds: f64) -> PyResult<()> {
    let limit = calls::attribute(event_loop, Name::SlowCallbackDuration.object())?;
    if seconds < values::to_float(&limit)? {
        return Ok(());
    }
    let format = dotted("asyncio", &["base_events", "_format_handle"])?;
    let shown = calls::call(&format, [handle])?;
    let warning = calls::attribute(&imports().logger, &intern("warning")?)?;
    let template = values::string("Executing %s took %.3f seconds")?;
    calls::call(&warning, [&template, &shown, &values::float(seconds)?]).map(drop)
}
