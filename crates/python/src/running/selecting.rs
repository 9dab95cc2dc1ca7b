//! Looks at the descriptors through Python: `loop._selector.select(timeout)` for whoever calls it, and turns that go through
//! it and through `loop._process_events()` because somebody has replaced one of them (clocks of tests do).

use tepal_core::Timeout;

use crate::interop::calls;
use crate::interop::errors::PyResult;
use crate::interop::instance::Instance;
use crate::interop::interned::intern;
use crate::interop::object::Object;
use crate::interop::values;
use crate::loop_core::body::LoopBody;
use crate::transport::send_held;

use super::turn::{arrives, ask_kernel, give_back};

/// `selectors.EVENT_READ` and `EVENT_WRITE`.
const READ: u64 = 1;
const WRITE: u64 = 2;

/// `_select(timeout)`: a list of `(descriptor, events)` of what is ready within `timeout` seconds, as `select()` of a
/// selector takes them: at once if it is 0 or less, without an end if it is None.
///
/// # Errors
/// `TypeError` if `timeout` is no number; `RuntimeError` if the loop is closed; `OSError` if the kernel refuses to wait.
///
/// # Reentrancy
/// Other threads may run Python code meanwhile.
pub(crate) fn select(event_loop: &Instance<LoopBody>, timeout: &Object) -> PyResult<Object> {
    let timeout = if timeout.is_none() {
        Timeout::Forever
    } else {
        match values::to_float(timeout)? {
            seconds if seconds > 0.0 => Timeout::After((seconds * 1e9).ceil() as u64),
            _ => Timeout::Now,
        }
    };
    if !event_loop.holding.borrow().is_empty() {
        // Nothing may wait for what was not sent.
        send_held(event_loop)?;
    }
    let events = ask_kernel(event_loop, timeout)?;
    let ready: Vec<(i32, u64)> = events
        .iter()
        .filter(|event| arrives(event_loop, *event))
        .map(|event| {
            let readable = if event.readable { READ } else { 0 };
            let writable = if event.writable { WRITE } else { 0 };
            (event.token.fd, readable | writable)
        })
        .collect();
    give_back(event_loop, events);
    let pairs = ready.into_iter().map(|(descriptor, events)| {
        let descriptor = values::signed_integer(i64::from(descriptor))?;
        values::tuple(vec![descriptor, values::integer(events)?])
    });
    values::list(pairs.collect::<PyResult<Vec<Object>>>()?)
}

/// A turn's look: `loop._select_and_process(timeout)`, of `python/tepal/event_loop.py`.
///
/// # Errors
/// What the replacement raises.
///
/// # Reentrancy
/// Runs any Python code.
#[cold]
#[inline(never)]
pub(super) fn select_by_python(event_loop: &Instance<LoopBody>, timeout: Timeout) -> PyResult<()> {
    let timeout = match timeout {
        Timeout::Now => values::integer(0)?,
        Timeout::After(nanoseconds) => values::float(nanoseconds as f64 / 1e9)?,
        Timeout::Forever => Object::none(),
    };
    event_loop.retract_task();
    let method = intern("_select_and_process")?;
    let method = event_loop.with_object(|this| calls::attribute(this, &method))?;
    calls::call(&method, [&timeout])?;
    event_loop.now().map(drop)
}
