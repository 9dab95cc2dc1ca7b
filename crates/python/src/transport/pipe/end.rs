//! What both ends of a pipe have in common: where they are registered, and how they end.

use std::cell::Cell;
use std::os::fd::RawFd;

use crate::interop::calls;
use crate::interop::errors::{PyResult, Raised, restore};
use crate::interop::gc::Visitor;
use crate::interop::imports::imports;
use crate::interop::instance::{HeapType, Instance, Ref, type_name};
use crate::interop::interned::{Name, intern};
use crate::interop::object::{Object, Slot};
use crate::interop::values;
use crate::loop_core::attention::CLOSED;
use crate::loop_core::body::LoopBody;
use crate::loop_core::entry::Entry;
use crate::loop_core::failures;
use crate::loop_core::watchers::{Side, Watch};

use super::super::closing::close_with_warning;

/// One end of a pipe.
pub(crate) struct End {
    /// `_loop`; gone once the connection is lost.
    pub(super) event_loop: Slot<Ref<LoopBody>>,
    /// `_pipe`: the file object; gone once the connection is lost.
    pub(super) pipe: Slot,
    /// `_fileno`
    pub(super) descriptor: Cell<RawFd>,
    pub(super) protocol: Slot,
    /// The contexts of what waits for the kernel, as `_add_reader` and `_add_writer` would have given them to their
    /// Handles.
    pub(super) read_context: Slot,
    pub(super) write_context: Slot,
    pub(super) closing: Cell<bool>,
    /// Whether `connection_lost` was called or scheduled.
    pub(super) losing: Cell<bool>,
}

impl End {
    pub(super) const fn blank() -> End {
        End {
            event_loop: Slot::empty(),
            pipe: Slot::empty(),
            descriptor: Cell::new(-1),
            protocol: Slot::empty(),
            read_context: Slot::empty(),
            write_context: Slot::empty(),
            closing: Cell::new(false),
            losing: Cell::new(false),
        }
    }

    pub(super) fn traverse(&self, visitor: &mut Visitor) {
        visitor.slot_with(&self.event_loop, |visitor, event_loop| {
            visitor.reference(event_loop);
        });
        visitor.slot(&self.pipe);
        visitor.slot(&self.protocol);
        visitor.slot(&self.read_context);
        visitor.slot(&self.write_context);
    }

    pub(super) fn clear(&self) {
        self.event_loop.clear();
        self.pipe.clear();
        self.release();
    }

    fn release(&self) {
        self.protocol.clear();
        self.read_context.clear();
        self.write_context.clear();
    }

    fn context(&self, side: Side) -> &Slot {
        match side {
            Side::Reader => &self.read_context,
            Side::Writer => &self.write_context,
        }
    }
}

/// A transport above an [`End`].
pub(crate) trait PipeTransport: HeapType {
    fn end(&self) -> &End;

    /// `_extra`
    fn extra(&self) -> &Slot;

    /// Lets go of what only an open connection needs, besides the [`End`].
    fn let_go(&self);
}

impl<T: PipeTransport> Instance<T> {
    /// The loop; `None` once the connection is lost.
    #[inline(always)]
    pub(super) fn loop_of_end(&self) -> Option<Ref<LoopBody>> {
        self.end().event_loop.get()
    }

    /// Whether the loop is in debug mode.
    ///
    /// # Errors
    /// What a replaced `get_debug` raises.
    pub(super) fn end_is_debugged(&self) -> PyResult<bool> {
        match self.loop_of_end() {
            Some(event_loop) => event_loop.is_debug(),
            None => Ok(false),
        }
    }

    /// `loop.call_soon(callable, argument)`
    ///
    /// # Errors
    /// `RuntimeError` if the loop is closed; what a replaced `call_soon` raises.
    pub(super) fn call_soon_from_end(
        &self,
        callable: Object,
        argument: Option<Object>,
    ) -> PyResult<()> {
        let Some(event_loop) = self.loop_of_end() else {
            return Ok(());
        };
        let context = event_loop.last_context.copy_current()?;
        event_loop.schedule(|| Entry::Call {
            callable,
            argument,
            context,
        })
    }

    /// Schedules `connection_made`, and after it `_begin(waiter)`.
    ///
    /// # Errors
    /// What `call_soon` and looking at the protocol raise.
    pub(super) fn start_end(&self, waiter: &Object) -> PyResult<()> {
        let protocol = self.end().protocol.get_or_none();
        let made = calls::attribute(&protocol, Name::ConnectionMade.object())?;
        self.call_soon_from_end(made, Some(self.object()))?;
        let begin = self.with_object(|this| calls::attribute(this, Name::Begin.object()))?;
        self.call_soon_from_end(begin, Some(waiter.clone()))
    }

    /// Waits for one side of the descriptor.
    ///
    /// # Errors
    /// `OSError` from the kernel (`EPERM` for a device that cannot be waited for); `RuntimeError` if the loop is closed.
    pub(super) fn watch_end(&self, side: Side) -> PyResult<()> {
        let Some(event_loop) = self.loop_of_end() else {
            return Ok(());
        };
        let end = self.end();
        end.context(side)
            .set(event_loop.last_context.copy_current()?);
        let watch = Watch::Transport(self.object());
        let before = event_loop.watch(end.descriptor.get(), side, watch)?;
        drop(before);
        Ok(())
    }

    /// Whether it is this transport that waits for that side.
    pub(super) fn is_watching_end(&self, event_loop: &Instance<LoopBody>, side: Side) -> bool {
        let descriptor = self.end().descriptor.get();
        self.with_object(|this| event_loop.is_watched_by(descriptor, side, this))
    }

    /// Stops waiting for one side, if it is this transport that waits.
    ///
    /// # Errors
    /// `OSError` from the kernel.
    pub(super) fn stop_watching_end(&self, side: Side) -> PyResult<()> {
        let Some(event_loop) = self.loop_of_end() else {
            return Ok(());
        };
        if self.is_watching_end(&event_loop, side) {
            let before = event_loop.unwatch(self.end().descriptor.get(), side)?;
            drop(before);
        }
        Ok(())
    }

    /// Schedules `connection_lost(exception)`, once.
    ///
    /// # Errors
    /// As [`Self::call_soon_from_end`].
    pub(super) fn schedule_loss_of_end(&self, exception: &Object) -> PyResult<()> {
        if self.end().losing.replace(true) {
            return Ok(());
        }
        let name = Name::CallConnectionLost.object();
        let lost = self.with_object(|this| calls::attribute(this, name))?;
        self.call_soon_from_end(lost, Some(exception.clone()))
    }

    /// `_call_connection_lost(exc)`: tells the protocol, then closes the pipe, whatever the protocol did.
    ///
    /// # Errors
    /// What `connection_lost` and closing raise.
    pub(super) fn lose_end(&self, exception: &Object) -> PyResult<()> {
        let end = self.end();
        end.losing.set(true);
        let told = match end.protocol.get() {
            Some(protocol) => {
                calls::call_method(Name::ConnectionLost, [&protocol, exception]).map(drop)
            }
            None => Ok(()),
        };
        let pending = told.err().map(Raised::take);
        let pipe = end.pipe.take();
        end.release();
        self.let_go();
        end.event_loop.clear();
        let closed = match pipe {
            Some(pipe) => calls::call_method(Name::Close, [&pipe]).map(drop),
            None => Ok(()),
        };
        match (pending, closed) {
            (None, closed) => closed,
            (Some(pending), Ok(())) => Err(restore(pending)),
            (Some(pending), Err(later)) => {
                // Only the first can be raised.
                self.with_object(|this| later.write_unraisable(this));
                Err(restore(pending))
            }
        }
    }

    /// Tells the loop's exception handler.
    ///
    /// # Errors
    /// What it raises.
    pub(super) fn report_of_end(&self, message: &str, exception: &Object) -> PyResult<()> {
        let Some(event_loop) = self.loop_of_end() else {
            return Ok(());
        };
        let context = [
            (Name::Message, &values::string(message)?),
            (Name::Exception, exception),
            (Name::Transport, &self.object()),
            (Name::Protocol, &self.end().protocol.get_or_none()),
        ];
        failures::report(&event_loop.object(), &context)
    }

    /// `logger.<level>(template, self)`, in debug mode only.
    ///
    /// # Errors
    /// What logging raises.
    pub(super) fn log_of_end(&self, level: &str, template: &str) -> PyResult<()> {
        if !self.end_is_debugged()? {
            return Ok(());
        }
        let log = calls::attribute(&imports().logger, &intern(level)?)?;
        let template = values::string(template)?;
        self.with_object(|this| calls::call(&log, [&template, this]))
            .map(drop)
    }

    /// `logger.debug("%r: %s", self, message, exc_info=exception)`, in debug mode only.
    ///
    /// # Errors
    /// What logging raises.
    pub(super) fn log_failure_of_end(&self, exception: &Object, message: &str) -> PyResult<()> {
        if !self.end_is_debugged()? {
            return Ok(());
        }
        let debug = calls::attribute(&imports().logger, &intern("debug")?)?;
        let names = values::tuple(vec![intern("exc_info")?])?;
        let arguments = [
            values::string("%r: %s")?,
            self.object(),
            values::string(message)?,
            exception.clone(),
        ];
        calls::call_with_names(&debug, &arguments, &names).map(drop)
    }

    /// `__del__`: a transport that nobody closed.
    pub(super) fn warn_unclosed_end(&self) {
        self.with_object(|this| close_with_warning(this, || self.end().pipe.take()));
    }

    /// The parts of `repr()`, asyncio's words; `more` is what follows while the end is open.
    pub(super) fn shown_end(&self, side: Side, more: Option<String>) -> PyResult<Object> {
        let end = self.end();
        let closed = end.pipe.is_empty();
        let mut parts = vec![self.with_object(type_name)];
        if closed {
            parts.push("closed".to_owned());
        } else if end.closing.get() {
            parts.push("closing".to_owned());
        }
        parts.push(format!("fd={}", end.descriptor.get()));
        match self.loop_of_end() {
            _ if closed => parts.push("closed".to_owned()),
            Some(event_loop) if !event_loop.attention.has(CLOSED) => {
                let polling = self.is_watching_end(&event_loop, side);
                parts.push(if polling { "polling" } else { "idle" }.to_owned());
                parts.extend(more);
            }
            _ => parts.push("open".to_owned()),
        }
        values::string(&format!("<{}>", parts.join(" ")))
    }
}
