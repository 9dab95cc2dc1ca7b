//! From the program to the socket.

use crate::interop::calls;
use crate::interop::errors::{PyResult, restore, take_raised};
use crate::interop::imports::imports;
use crate::interop::instance::Instance;
use crate::interop::object::Object;
use crate::interop::openssl::Connection;
use crate::transport::{Pushed, StreamBody};

use super::protocol::ProtocolBody;

/// How much memory for ciphertext a loop keeps (bytes).
const SEALED_KEPT: usize = 256 * 1024;

impl Instance<ProtocolBody> {
    /// The connection, if a write can be served here: nothing is behind, nothing waits before it.
    #[inline(always)]
    pub(super) fn writable(&self) -> Option<&Connection> {
        if self.backlog.get() == 0 {
            self.open_connection()
        } else {
            None
        }
    }

    /// Encrypts; gives the number of bytes that were taken, all of them unless asyncio has to go on.
    #[inline(always)]
    pub(super) fn encrypt(&self, connection: &Connection, bytes: &[u8]) -> usize {
        let mut taken = 0;
        while taken < bytes.len() {
            match connection.write(&bytes[taken..]) {
                Some(count) => taken += count,
                None => break,
            }
        }
        taken
    }

    /// Begins to collect what is encrypted, if it can go out at once: where it will be.
    #[inline(always)]
    fn collect(&self, connection: &Connection) -> PyResult<Option<Vec<u8>>> {
        let below = self.below.get_or_none();
        let ready = !self.socket_writing_paused.get()
            && below
                .exactly::<StreamBody>()
                .is_some_and(|stream| stream.takes_bytes());
        if !ready {
            return Ok(None);
        }
        let own_loop = self.own_loop()?;
        let mut sealed = own_loop.sealed.take();
        if connection.collect(&mut sealed) {
            return Ok(Some(sealed));
        }
        own_loop.sealed.set(sealed);
        Ok(None)
    }

    /// Encrypts with `seal` and sends what that gives, with asyncio's way of handling what sending raises. Where that is
    /// `one` write, a single record goes out of OpenSSL's own memory.
    ///
    /// # Errors
    /// What `seal` raises; exceptions that are no `Exception`.
    #[inline(always)]
    pub(super) fn seal_and_send<R>(
        &self,
        connection: &Connection,
        one: bool,
        seal: impl FnOnce() -> PyResult<R>,
    ) -> PyResult<R> {
        let collecting = self.collect(connection)?;
        let below = self.below.get_or_none();
        let mut given = None;
        let sealed = match below.exactly::<StreamBody>() {
            Some(stream) if one && collecting.is_some() => {
                connection.giving(&mut |record: &[u8]| given = Some(stream.push(record)), seal)
            }
            _ => seal(),
        };
        let pending = sealed.as_ref().err().and_then(|_| take_raised());
        let sent = match collecting {
            Some(mut collected) => {
                connection.collected(&mut collected);
                self.given(&below, given, &mut collected)
                    .and_then(|()| self.push(collected))
                    .and_then(|()| self.control_app_writing(connection))
            }
            None => self.process_outgoing(connection),
        };
        if let Err(raised) = sent {
            self.failed(raised)?;
        }
        match pending {
            Some(pending) => Err(restore(pending)),
            None => sealed,
        }
    }

    /// What follows the record that was given to the transport below, if one was. Nothing else goes out if that failed.
    #[inline(always)]
    fn given(
        &self,
        below: &Object,
        given: Option<Pushed>,
        collected: &mut Vec<u8>,
    ) -> PyResult<()> {
        let (Some(stream), Some(pushed)) = (below.exactly::<StreamBody>(), given) else {
            return Ok(());
        };
        stream.pushed(pushed)?;
        if !stream.takes_bytes() {
            collected.clear();
        }
        Ok(())
    }

    #[inline(always)]
    fn push(&self, sealed: Vec<u8>) -> PyResult<()> {
        let below = self.below.get_or_none();
        let Some(stream) = below.exactly::<StreamBody>() else {
            return Ok(());
        };
        let pushed = if sealed.is_empty() {
            None
        } else {
            Some(stream.push(&sealed))
        };
        if sealed.capacity() <= SEALED_KEPT {
            self.own_loop()?.sealed.set(sealed);
        }
        match pushed {
            Some(pushed) => stream.pushed(pushed),
            None => Ok(()),
        }
    }

    /// `_process_outgoing()`: gives what is encrypted to the transport below, unless that is full.
    ///
    /// # Errors
    /// What the transport and the program's protocol raise.
    ///
    /// # Reentrancy
    /// Runs any Python code.
    #[inline(always)]
    pub(super) fn process_outgoing(&self, connection: &Connection) -> PyResult<()> {
        if !self.socket_writing_paused.get() && connection.outgoing_size() > 0 {
            let below = self.below.get_or_none();
            match below.exactly::<StreamBody>() {
                Some(stream) if stream.takes_bytes() => {
                    let mut sealed = self.own_loop()?.sealed.take();
                    connection.take_outgoing(&mut sealed);
                    self.push(sealed)?;
                }
                _ => {
                    let process = &imports().ssl_process_outgoing;
                    return self
                        .with_object(|this| calls::call(process, [this]))
                        .map(drop);
                }
            }
        }
        self.control_app_writing(connection)
    }

    /// `_control_app_writing()`
    #[inline(always)]
    fn control_app_writing(&self, connection: &Connection) -> PyResult<()> {
        let size = connection.outgoing_size() as u64 + self.backlog.get();
        if self.outgoing.concern(size, self.writing_paused.get()) {
            self.call_own("_control_app_writing")?;
        }
        Ok(())
    }

    /// The method `_process_outgoing`.
    ///
    /// # Errors
    /// As [`Self::process_outgoing`].
    pub(super) fn process_outgoing_method(&self) -> PyResult<()> {
        match self.connection.get() {
            Some(connection) => self.process_outgoing(connection),
            None => {
                let process = &imports().ssl_process_outgoing;
                self.with_object(|this: &Object| calls::call(process, [this]))
                    .map(drop)
            }
        }
    }
}
