//! How a connection ends.

use crate::interop::calls;
use crate::interop::errors::{Builtin, PyResult, Raised, exception_matches, restore, take_raised};
use crate::interop::imports::{dotted, imports};
use crate::interop::instance::Instance;
use crate::interop::interned::{Name, intern};
use crate::interop::object::Object;
use crate::interop::sockets;
use crate::interop::values;
use crate::loop_core::watchers::Side;
use crate::stream_reader::note_error_is_known;

use super::body::StreamBody;

impl Instance<StreamBody> {
    /// `close()`: reads no more, and ends once everything is sent.
    ///
    /// # Errors
    /// `RuntimeError` if the loop is closed.
    pub(super) fn close(&self) -> PyResult<()> {
        self.send_before_end()?;
        if self.closing.replace(true) {
            return Ok(());
        }
        let event_loop = self.event_loop()?;
        self.stop_watching(&event_loop, Side::Reader)?;
        if self.queue.borrow().is_empty() {
            self.connection_lost
                .set(self.connection_lost.get().saturating_add(1));
            self.stop_watching(&event_loop, Side::Writer)?;
            self.schedule_loss(Object::none())?;
        }
        Ok(())
    }

    /// `_force_close(exc)`: gives up what is not sent; `connection_lost(exc)` comes with the next turn.
    ///
    /// # Errors
    /// As [`Self::close`].
    pub(super) fn force_close(&self, exception: &Object) -> PyResult<()> {
        // What was written before counts as sent.
        self.settle()?;
        if self.connection_lost.get() != 0 {
            return Ok(());
        }
        let event_loop = self.event_loop()?;
        let unsent = self.queue.borrow_mut().take_all();
        if !unsent.is_empty() {
            drop(unsent);
            self.stop_watching(&event_loop, Side::Writer)?;
        }
        if !self.closing.replace(true) {
            self.stop_watching(&event_loop, Side::Reader)?;
        }
        self.connection_lost.set(1);
        self.schedule_loss(exception.clone())
    }

    fn schedule_loss(&self, exception: Object) -> PyResult<()> {
        let name = Name::CallConnectionLost.object();
        let lost = self.with_object(|this| calls::attribute(this, name))?;
        self.call_soon(lost, exception)
    }

    /// `_fatal_error(exc, message)`: errors of the operating system belong to connections and are only logged in debug
    /// mode; any other goes to the exception handler. Either closes the connection.
    ///
    /// # Errors
    /// What the exception handler raises; as [`Self::close`].
    #[cold]
    pub(super) fn fatal_error(&self, exception: &Object, message: &str) -> PyResult<()> {
        if exception_matches(exception, &Builtin::OsError.class()) {
            if self.event_loop()?.is_debug()? {
                self.log_exception(exception, message)?;
            }
        } else {
            self.report(&values::string(message)?, exception)?;
        }
        self.force_close(exception)
    }

    /// `_call_connection_lost(exc)`: tells the protocol, then closes the socket, whatever the protocol did.
    ///
    /// # Errors
    /// What `connection_lost` raises.
    pub(super) fn lose_connection(&self, exception: &Object) -> PyResult<()> {
        let told = if self.protocol_connected.get() {
            let protocol = self.protocol.get_or_none();
            match calls::call_method(Name::ConnectionLost, [&protocol, exception]) {
                Ok(_) if !exception.is_none() => note_error_is_known(&protocol),
                told => told.map(drop),
            }
        } else {
            Ok(())
        };
        let pending = told.is_err().then(take_raised).flatten();
        let ended = self.give_up();
        match (pending, ended) {
            (None, ended) => ended,
            (Some(pending), Ok(())) => Err(restore(pending)),
            (Some(pending), Err(later)) => {
                // Only the first can be raised.
                self.with_object(|this| later.write_unraisable(this));
                Err(restore(pending))
            }
        }
    }

    /// Closes the socket and lets everything go. A failure of one part does not keep the others from being done.
    fn give_up(&self) -> PyResult<()> {
        self.end_with_last_bytes();
        let socket = self.socket.take();
        let server = self.server.take();
        self.release();
        let left = match self.event_loop.take() {
            Some(event_loop) => self.leave_transports(&event_loop),
            None => Ok(()),
        };
        let left = self.keep_going(left);
        let closed = match socket {
            Some(socket) => sockets::close(&socket),
            None => Ok(()),
        };
        let closed = self.keep_going(closed).or(left);
        let detached = match server {
            Some(server) => self.detach_from(&server),
            None => Ok(()),
        };
        let detached = self.keep_going(detached);
        let woken = match self.awaited_empty_waiter() {
            Ok(Some(waiter)) => fail_waiter(&waiter),
            Ok(None) => Ok(()),
            Err(raised) => Err(raised),
        };
        let woken = self.keep_going(woken);
        match closed.or(detached).or(woken) {
            Some(first) => Err(restore(first)),
            None => Ok(()),
        }
    }

    /// Takes an exception out of the way of what follows.
    fn keep_going(&self, outcome: PyResult<()>) -> Option<Object> {
        outcome.err().map(Raised::take)
    }

    /// `__del__`: a transport that nobody closed.
    pub(super) fn warn_unclosed(&self) {
        self.with_object(|this| close_with_warning(this, || self.socket.take()));
        if cfg!(Py_3_13)
            && let Some(server) = self.server.take()
            && let Err(raised) = self.detach_from(&server)
        {
            self.with_object(|this| raised.write_unraisable(this));
        }
    }

    /// `logger.debug(template, self)`
    ///
    /// # Errors
    /// What logging raises.
    #[cold]
    pub(super) fn log_debug(&self, template: &str) -> PyResult<()> {
        let debug = calls::attribute(&imports().logger, &intern("debug")?)?;
        let template = values::string(template)?;
        self.with_object(|this| calls::call(&debug, [&template, this]))
            .map(drop)
    }

    fn log_exception(&self, exception: &Object, message: &str) -> PyResult<()> {
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
}

/// What `__del__` does for a transport that nobody closed: warns, as long as it has its file, then takes that away and
/// closes it.
pub(super) fn close_with_warning(transport: &Object, take_file: impl FnOnce() -> Option<Object>) {
    if let Err(raised) = warn_unclosed(transport) {
        raised.write_unraisable(transport);
    }
    if let Some(file) = take_file()
        && let Err(raised) = calls::call_method(Name::Close, [&file])
    {
        raised.write_unraisable(transport);
    }
}

fn warn_unclosed(transport: &Object) -> PyResult<()> {
    let message = format!("unclosed transport {}", values::repr(transport));
    let category = Builtin::ResourceWarning.class();
    let names = values::tuple(vec![intern("source")?])?;
    let arguments = [values::string(&message)?, category, transport.clone()];
    calls::call_with_names(&imports().warn, &arguments, &names).map(drop)
}

/// What `sendfile()` hears when the connection ends under it.
fn fail_waiter(waiter: &Object) -> PyResult<()> {
    let class = dotted("builtins", &["ConnectionError"])?;
    let text = values::string("Connection is closed by peer")?;
    let exception = calls::call(&class, [&text])?;
    calls::call_method(Name::SetException, [waiter, &exception]).map(drop)
}
