//! From one state of a connection to the next: what asyncio's `SSLProtocol` does once per connection, in the usual case.
//!
//! The bodies of `_set_state`, `_start_handshake`, `_on_handshake_complete`, `_start_shutdown` and
//! `_do_flush` are alike in CPython 3.11 to 3.15 (`Lib/asyncio/sslproto.py`). Debug mode, errors and connections that are
//! not driven here go to asyncio's own.

use crate::interop::calls;
use crate::interop::coroutines::is_true;
use crate::interop::errors::PyResult;
use crate::interop::imports::imports;
use crate::interop::instance::Instance;
use crate::interop::interned::{Name, intern};
use crate::interop::object::Object;
use crate::interop::openssl::Connection;
use crate::interop::values;
use crate::transport::Way;

use super::protocol::ProtocolBody;

impl Instance<ProtocolBody> {
    /// Whether asyncio's own method has to run instead of ours.
    fn is_unusual(&self) -> PyResult<bool> {
        Ok(self.connection.get().is_none() || self.own_loop()?.is_debug()?)
    }

    fn inherited(&self, method: &Object) -> PyResult<()> {
        self.with_object(|this| calls::call(method, [this]))
            .map(drop)
    }

    /// `_set_state(new_state)`
    ///
    /// # Errors
    /// `RuntimeError` if the connection cannot come into that state.
    pub(super) fn change_state(&self, to: &Object) -> PyResult<()> {
        let known = imports();
        let from = self.state.get_or_none();
        let follows = |from: &Object| {
            if from.is(&known.ssl_state_unwrapped) {
                Some(&known.ssl_state_do_handshake)
            } else if from.is(&known.ssl_state_do_handshake) {
                Some(&known.ssl_state_wrapped)
            } else if from.is(&known.ssl_state_wrapped) {
                Some(&known.ssl_state_flushing)
            } else if from.is(&known.ssl_state_flushing) {
                Some(&known.ssl_state_shutdown)
            } else {
                None
            }
        };
        if to.is(&known.ssl_state_unwrapped) || follows(&from).is_some_and(|next| to.is(next)) {
            self.set_state(to);
            return Ok(());
        }
        self.with_object(|this| calls::call(&known.ssl_set_state, [this, to]))
            .map(drop)
    }

    /// `_start_handshake()`
    ///
    /// # Errors
    /// What a step of the handshake raises.
    ///
    /// # Reentrancy
    /// Runs any Python code.
    pub(super) fn start_handshake(&self) -> PyResult<()> {
        if self.is_unusual()? {
            return self.inherited(&imports().ssl_start_handshake);
        }
        self.change_state(&imports().ssl_state_do_handshake)?;
        self.limit(
            Name::HandshakeTimeout,
            Name::CheckHandshakeTimeout,
            Name::HandshakeTimeoutHandle,
        )?;
        self.do_handshake()
    }

    /// `handle = loop.call_later(timeout, check)`, each named.
    fn limit(&self, timeout: Name, check: Name, handle: Name) -> PyResult<()> {
        let event_loop = self.event_loop.get_or_none();
        let (timeout, check) = (self.own(timeout)?, self.own(check)?);
        let timer = calls::call_method(Name::CallLater, [&event_loop, &timeout, &check])?;
        self.set_own(handle, &timer)
    }

    /// `_on_handshake_complete(exception)`
    ///
    /// # Errors
    /// What the program's `connection_made()` raises.
    ///
    /// # Reentrancy
    /// Runs any Python code.
    pub(super) fn on_handshake_complete(&self, exception: &Object) -> PyResult<()> {
        let known = imports();
        let usual = exception.is_none()
            && self.state.get_or_none().is(&known.ssl_state_do_handshake)
            && !self.is_unusual()?;
        let certificate = match self.connection.get() {
            Some(connection) if usual => peer_certificate(connection),
            _ => None,
        };
        let (Some(connection), Some(certificate)) = (self.connection.get(), certificate) else {
            return self
                .with_object(|this| {
                    calls::call(&known.ssl_on_handshake_complete, [this, exception])
                })
                .map(drop);
        };
        let timer = self.own(Name::HandshakeTimeoutHandle)?;
        if !timer.is_none() {
            calls::call_method(Name::Cancel, [&timer])?;
            self.set_own(Name::HandshakeTimeoutHandle, &Object::none())?;
        }
        self.set_state(&known.ssl_state_wrapped);
        self.tell(connection, &certificate)?;
        if self
            .own(Name::AppStateUnderscore)?
            .is(&known.ssl_app_state_init)
        {
            self.set_own(Name::AppStateUnderscore, &known.ssl_app_state_connected)?;
            let transport =
                self.with_object(|this| calls::call_method(Name::GetAppTransport, [this]))?;
            let protocol = self.protocol.get_or_none();
            calls::call_method(Name::ConnectionMade, [&protocol, &transport])?;
        }
        if !self.own(Name::Waiter)?.is_none() {
            self.with_object(|this| calls::call_method(Name::WakeupWaiter, [this]))?;
        }
        self.do_read()
    }

    /// The extra information that a handshake gives.
    fn tell(&self, connection: &Connection, certificate: &Object) -> PyResult<()> {
        let extra = self.own(Name::ExtraUnderscore)?;
        let cipher = calls::call_method(Name::Cipher, [connection.owner()])?;
        let compression = calls::call_method(Name::Compression, [connection.owner()])?;
        for (name, value) in [
            (Name::Peercert, certificate),
            (Name::Cipher, &cipher),
            (Name::Compression, &compression),
            (Name::SslObject, &self.own(Name::SslobjUnderscore)?),
        ] {
            values::dict_set(&extra, name.object(), value)?;
        }
        Ok(())
    }

    /// `_start_shutdown()`; also of what the other side has ended while the program had paused reading. There asyncio's
    /// `close()` does nothing, and the connection stays until somebody resumes reading.
    ///
    /// # Errors
    /// As [`Self::do_flush`].
    ///
    /// # Reentrancy
    /// Runs any Python code.
    pub(super) fn start_shutdown(&self) -> PyResult<()> {
        let known = imports();
        let state = self.state.get_or_none();
        if state.is(&known.ssl_state_flushing) && self.reading_paused.get() && self.end_is_here()? {
            return self.do_flush();
        }
        if !state.is(&known.ssl_state_wrapped) {
            return self.inherited(&known.ssl_start_shutdown);
        }
        let transport = self.own(Name::AppTransportUnderscore)?;
        if !transport.is_none() {
            let closed = Name::Closed.object();
            calls::set_attribute(&transport, closed, &Object::from_bool(true))?;
        }
        self.set_state(&known.ssl_state_flushing);
        self.limit(
            Name::ShutdownTimeout,
            Name::CheckShutdownTimeout,
            Name::ShutdownTimeoutHandle,
        )?;
        self.do_flush()
    }

    /// `_do_flush()`. Where the other side has ended, a `BufferedProtocol` gets all that has arrived, however small its
    /// buffer is; asyncio fills that once, and drops the rest.
    ///
    /// # Errors
    /// What reading and a step of the shutdown raise.
    ///
    /// # Reentrancy
    /// Runs any Python code.
    pub(super) fn do_flush(&self) -> PyResult<()> {
        let flushing = &imports().ssl_state_flushing;
        let read = || self.with_object(|this| calls::call_method(Name::DoRead, [this]));
        let waiting = || self.connection.get().map_or(0, Connection::waiting);
        let mut before = waiting();
        read()?;
        while self.delivery.way() == Way::Buffer
            && (1..before).contains(&waiting())
            && self.state.get_or_none().is(flushing)
            && self.end_is_here()?
            && !self.is_below_closing()?
        {
            before = waiting();
            read()?;
        }
        self.change_state(&imports().ssl_state_shutdown)?;
        self.do_shutdown()
    }

    /// Whether the transport below is closing or gone.
    fn is_below_closing(&self) -> PyResult<bool> {
        let below = self.below.get_or_none();
        if below.is_none() {
            return Ok(true);
        }
        let is_closing = calls::attribute(&below, &intern("is_closing")?)?;
        is_true(&calls::call(&is_closing, [])?)
    }
}

/// `getpeercert()`; None where that raises, which asyncio then does once more.
fn peer_certificate(connection: &Connection) -> Option<Object> {
    match calls::call_method(Name::Getpeercert, [connection.owner()]) {
        Ok(certificate) => Some(certificate),
        Err(raised) => {
            raised.forget();
            None
        }
    }
}
