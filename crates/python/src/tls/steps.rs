//! The steps of a handshake and of a shutdown: `_do_handshake()` and `_do_shutdown()`, without asyncio's and `ssl`'s frames.
//!
//! `_ssl` itself makes the calls: a handshake that has failed cannot be asked once more why. What a step leads to is asyncio's.

use crate::interop::calls;
use crate::interop::coroutines::is_true;
use crate::interop::errors::{PyResult, exception_matches, restore};
use crate::interop::imports::imports;
use crate::interop::instance::Instance;
use crate::interop::interned::Name;
use crate::interop::object::Object;
use crate::interop::openssl::Connection;
use crate::interop::values;

use super::protocol::ProtocolBody;

/// What a step came to.
enum Step {
    Done,
    /// The peer has to say something first.
    NotNow,
    /// An `ssl.SSLError`.
    Failed(Object),
}

/// A step: a method of the connection's `_ssl._SSLSocket`.
///
/// # Errors
/// What asyncio does not catch either.
fn step(connection: &Connection, name: Name) -> PyResult<Step> {
    let raised = match calls::call_method(name, [connection.owner()]) {
        Ok(_) => return Ok(Step::Done),
        Err(raised) => raised,
    };
    let exception = raised.take();
    if exception_matches(&exception, &imports().ssl_again_errors) {
        Ok(Step::NotNow)
    } else if exception_matches(&exception, &imports().ssl_error) {
        Ok(Step::Failed(exception))
    } else {
        Err(restore(exception))
    }
}

impl Instance<ProtocolBody> {
    /// What to do with ciphertext that was fed, as `buffer_updated()` does it.
    ///
    /// # Errors
    /// What asyncio's methods and the program's protocol raise.
    ///
    /// # Reentrancy
    /// Runs any Python code.
    pub(super) fn step_on(&self) -> PyResult<()> {
        let state = self.state.get_or_none();
        if state.is(&imports().ssl_state_do_handshake) {
            self.do_handshake()
        } else if state.is(&imports().ssl_state_shutdown) {
            self.do_shutdown()
        } else {
            let nothing = values::integer(0)?;
            let updated = &imports().ssl_buffer_updated;
            self.with_object(|this| calls::call(updated, [this, &nothing]))
                .map(drop)
        }
    }

    /// `_do_handshake()`
    ///
    /// # Errors
    /// As [`Self::step_on`].
    pub(super) fn do_handshake(&self) -> PyResult<()> {
        let Some(connection) = self.connection.get() else {
            let inherited = &imports().ssl_do_handshake;
            return self
                .with_object(|this| calls::call(inherited, [this]))
                .map(drop);
        };
        if connection.awaits_hello() {
            return Ok(());
        }
        match step(connection, Name::DoHandshake)? {
            Step::Done => self.on_handshake_complete(&Object::none()),
            Step::NotNow => self.process_outgoing(connection),
            Step::Failed(exception) => self.on_handshake_complete(&exception),
        }
    }

    /// `_do_shutdown()`
    ///
    /// # Errors
    /// As [`Self::step_on`].
    pub(super) fn do_shutdown(&self) -> PyResult<()> {
        let Some(connection) = self.connection.get() else {
            let inherited = &imports().ssl_do_shutdown;
            return self
                .with_object(|this| calls::call(inherited, [this]))
                .map(drop);
        };
        let step = if self.end_is_here()? {
            Step::Done
        } else if connection.says_goodbye() {
            Step::NotNow
        } else {
            step(connection, Name::Shutdown)?
        };
        match step {
            Step::Done => {
                self.process_outgoing(connection)?;
                self.with_object(|this| {
                    calls::call_method(Name::CallEofReceivedUnderscore, [this])
                })?;
                self.on_shutdown_complete(&Object::none())
            }
            Step::NotNow => self.process_outgoing(connection),
            Step::Failed(exception) => self.on_shutdown_complete(&exception),
        }
    }

    /// `_eof_received`
    pub(super) fn end_is_here(&self) -> PyResult<bool> {
        is_true(&self.own(Name::EofReceivedUnderscore)?)
    }

    /// `_on_shutdown_complete(exception)`
    fn on_shutdown_complete(&self, exception: &Object) -> PyResult<()> {
        self.with_object(|this| calls::call_method(Name::OnShutdownComplete, [this, exception]))
            .map(drop)
    }
}
