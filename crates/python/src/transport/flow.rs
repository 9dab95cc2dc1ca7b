//! Flow control: telling the protocol to stop writing and to go on.

use std::cell::Cell;

use tepal_core::stream::FlowControl;

use crate::interop::arguments::{Arguments, Signature};
use crate::interop::calls;
use crate::interop::errors::{Builtin, PyResult};
use crate::interop::instance::Instance;
use crate::interop::interned::Name;
use crate::interop::object::Object;
use crate::interop::values;
use crate::loop_core::failures;

use super::body::StreamBody;

impl Instance<StreamBody> {
    /// After the buffer grew.
    ///
    /// # Errors
    /// `SystemExit` and `KeyboardInterrupt` of `pause_writing`; what the exception handler raises.
    #[inline]
    pub(super) fn maybe_pause_protocol(&self) -> PyResult<()> {
        let size = self.queue.borrow().size();
        if grew(&self.flow, size) {
            self.tell_protocol(Name::PauseWriting)?;
        }
        Ok(())
    }

    /// After the buffer shrank.
    ///
    /// # Errors
    /// As [`Self::maybe_pause_protocol`], of `resume_writing`.
    #[inline]
    pub(super) fn maybe_resume_protocol(&self) -> PyResult<()> {
        let size = self.queue.borrow().size();
        if shrank(&self.flow, size) {
            self.tell_protocol(Name::ResumeWriting)?;
        }
        Ok(())
    }

    fn tell_protocol(&self, method: Name) -> PyResult<()> {
        let protocol = self.protocol.get_or_none();
        tell(&protocol, method, |message, exception| {
            self.report(message, exception)
        })
    }

    /// Tells the loop's exception handler.
    ///
    /// # Errors
    /// What it raises.
    pub(super) fn report(&self, message: &Object, exception: &Object) -> PyResult<()> {
        let event_loop = self.event_loop()?.object();
        let context = [
            (Name::Message, message),
            (Name::Exception, exception),
            (Name::Transport, &self.object()),
            (Name::Protocol, &self.protocol.get_or_none()),
        ];
        failures::report(&event_loop, &context)
    }

    /// `set_write_buffer_limits(high=None, low=None)`
    ///
    /// # Errors
    /// `ValueError` as asyncio words it; `TypeError` for what is no number.
    pub(super) fn set_write_buffer_limits(&self, arguments: Arguments<'_>) -> PyResult<()> {
        let limits = limits_of(&arguments)?;
        self.settle()?;
        set_limits(&self.flow, limits)?;
        self.maybe_pause_protocol()
    }

    /// `get_write_buffer_limits()`
    ///
    /// # Errors
    /// `MemoryError`.
    pub(super) fn write_buffer_limits(&self) -> PyResult<Object> {
        shown_limits(&self.flow)
    }
}

/// Notes that so many bytes are buffered, which are more than before; whether the protocol is to pause.
#[inline(always)]
pub(super) fn grew(flow: &Cell<FlowControl>, size: usize) -> bool {
    let mut changed = flow.get();
    let pause = changed.grew(size);
    flow.set(changed);
    pause
}

/// Notes that so many bytes are buffered, which are fewer than before; whether the protocol is to go on.
#[inline(always)]
pub(super) fn shrank(flow: &Cell<FlowControl>, size: usize) -> bool {
    let mut changed = flow.get();
    let resume = changed.shrank(size);
    flow.set(changed);
    resume
}

/// `protocol.pause_writing()` or `protocol.resume_writing()`; what that raises goes to `report`, with a message.
///
/// # Errors
/// `SystemExit` and `KeyboardInterrupt` of the protocol; what `report` raises.
pub(super) fn tell(
    protocol: &Object,
    method: Name,
    report: impl FnOnce(&Object, &Object) -> PyResult<()>,
) -> PyResult<()> {
    match calls::call_method(method, [protocol]) {
        Ok(_) => Ok(()),
        Err(raised) => {
            let exception = failures::contain(raised)?;
            let message = values::string(&format!("protocol.{}() failed", method.text()))?;
            report(&message, &exception)
        }
    }
}

/// `(high, low)` of `set_write_buffer_limits(high=None, low=None)`, in bytes.
///
/// # Errors
/// `TypeError` for what is no number.
pub(super) fn limits_of(arguments: &Arguments<'_>) -> PyResult<(Option<i64>, Option<i64>)> {
    let [high, low] = arguments.bind(&Signature {
        function: "_FlowControlMixin.set_write_buffer_limits",
        names: [Name::High, Name::Low],
        required: 0,
        positional: 2,
    })?;
    Ok((limit(high)?, limit(low)?))
}

/// Sets the limits.
///
/// # Errors
/// `ValueError` as asyncio words it.
pub(super) fn set_limits(
    flow: &Cell<FlowControl>,
    (high, low): (Option<i64>, Option<i64>),
) -> PyResult<()> {
    let mut changed = flow.get();
    if let Err(wrong) = changed.set_limits(high, low) {
        return Err(Builtin::ValueError.raise(&format!(
            "high ({}) must be >= low ({}) must be >= 0",
            wrong.high, wrong.low
        )));
    }
    flow.set(changed);
    Ok(())
}

/// `(low, high)`, in bytes.
///
/// # Errors
/// `MemoryError`.
pub(super) fn shown_limits(flow: &Cell<FlowControl>) -> PyResult<Object> {
    let (low, high) = flow.get().limits();
    values::tuple(vec![
        values::integer(low as u64)?,
        values::integer(high as u64)?,
    ])
}

/// A limit in bytes; a float is cut, and what is beyond all memory is the largest number.
fn limit(given: Option<Object>) -> PyResult<Option<i64>> {
    match given.filter(|given| !given.is_none()) {
        None => Ok(None),
        Some(given) if values::is_exact_float(&given) => Ok(Some(values::to_float(&given)? as i64)),
        Some(given) => values::to_saturated_integer(&given).map(Some),
    }
}
