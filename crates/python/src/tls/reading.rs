//! From the socket to the protocol.

use crate::interop::buffers::{self, Bytes};
use crate::interop::calls;
use crate::interop::errors::{PyResult, Raised, exception_matches};
use crate::interop::imports::imports;
use crate::interop::instance::Instance;
use crate::interop::interned::{Name, intern};
use crate::interop::object::Object;
use crate::interop::openssl::{Connection, Received};
use crate::interop::values;
use crate::loop_core::body::LoopBody;
use crate::stream_reader::may_be_fed;
use crate::transport::{Upper, Way};

use super::protocol::ProtocolBody;
use super::transport::{is_open, write_natively};

/// How large a loop's buffer for decrypted data is at first (bytes): what one read of ciphertext can give.
const PLAIN: usize = tepal_core::constants::SCRATCH_READ;
/// How much of it is kept after a larger read (bytes).
const PLAIN_KEPT: usize = 4 * PLAIN;
/// The most that one record holds (bytes, RFC 8446 5.1).
const RECORD: usize = 16 * 1024;

/// What a stream transport needs to know of us.
pub(crate) static UPPER: Upper = Upper {
    recognises,
    feed,
    received,
    write: write_natively,
    is_open,
};

fn body(protocol: &Object) -> Option<&Instance<ProtocolBody>> {
    protocol.instance_of::<ProtocolBody>()
}

/// Whether the engine drives this protocol.
fn recognises(protocol: &Object) -> bool {
    body(protocol).is_some_and(|this| this.connection.get().is_some())
}

/// Ciphertext arrived; runs no Python code.
fn feed(protocol: &Object, bytes: &[u8]) -> bool {
    body(protocol)
        .and_then(|this| this.connection.get())
        .is_some_and(|connection| connection.feed(bytes))
}

/// What was fed is to be looked at.
fn received(protocol: &Object) -> PyResult<()> {
    let Some(this) = body(protocol) else {
        return Ok(());
    };
    if this.open_connection().is_some() {
        return this.do_read();
    }
    // The bytes stand in the BIO already; this does the rest of what asyncio does with them.
    let nothing = values::integer(0)?;
    calls::call_method(Name::BufferUpdated, [protocol, &nothing]).map(drop)
}

/// How reading ended.
enum End {
    /// Nothing is left.
    Drained,
    /// The peer's close_notify.
    Closed,
    /// This exception.
    Failed(Object),
}

impl Instance<ProtocolBody> {
    /// `_do_read()`: decrypts what is there and hands it over, then sends what has to go out.
    ///
    /// # Errors
    /// Exceptions of the protocol that are no `Exception`; what the exception handler raises.
    ///
    /// # Reentrancy
    /// Runs any Python code.
    pub(super) fn do_read(&self) -> PyResult<()> {
        let buffered = self.delivery.way() == Way::Buffer && !self.reading_paused.get();
        match self.open_connection() {
            Some(connection) if !buffered => match self.read_and_answer(connection) {
                Ok(()) => Ok(()),
                Err(raised) => self.failed(raised),
            },
            _ => self
                .with_object(|this| calls::call(&imports().ssl_do_read, [this]))
                .map(drop),
        }
    }

    fn read_and_answer(&self, connection: &Connection) -> PyResult<()> {
        if !self.reading_paused.get() {
            self.read(connection)?;
            if self.backlog.get() > 0 {
                self.call_own("_do_write")?;
            } else {
                self.process_outgoing(connection)?;
            }
        }
        let size = connection.incoming_size() as u64;
        let paused = self.socket_reading_paused.get();
        if self.incoming.concern(size, paused) {
            self.call_own("_control_ssl_reading")?;
        }
        Ok(())
    }

    fn read(&self, connection: &Connection) -> PyResult<()> {
        let event_loop = self.own_loop()?;
        let mut plain = event_loop.plain.take();
        let (total, end) = self.decrypt(connection, &mut plain)?;
        let delivered = match total {
            0 => Ok(()),
            _ => self.deliver(&event_loop, &mut plain, total),
        };
        if plain.len() <= PLAIN_KEPT && !plain.is_empty() {
            event_loop.plain.set(plain);
        }
        delivered?;
        match end {
            End::Drained => Ok(()),
            End::Closed => {
                self.call_own("_call_eof_received")?;
                self.call_own("_start_shutdown").map(drop)
            }
            End::Failed(exception) => self.fatal_error(&exception),
        }
    }

    /// Decrypts everything there is to the beginning of `plain`, which grows as it has to.
    fn decrypt(&self, connection: &Connection, plain: &mut Vec<u8>) -> PyResult<(usize, End)> {
        let mut total = 0;
        loop {
            if plain.len() - total < RECORD {
                let size = (2 * plain.len()).max(PLAIN);
                plain.resize(size, 0);
            }
            match connection.read(&mut plain[total..]) {
                Received::Data(count) => total += count,
                Received::NotNow => return Ok((total, End::Drained)),
                Received::Other => match self.ask_again(plain, &mut total)? {
                    Some(end) => return Ok((total, end)),
                    None => continue,
                },
            }
            if connection.is_drained() {
                return Ok((total, End::Drained));
            }
        }
    }

    /// Lets `SSLObject.read()` make the call that failed once more, for the exception that it raises.
    #[cold]
    fn ask_again(&self, plain: &mut [u8], total: &mut usize) -> PyResult<Option<End>> {
        let ssl_object = self.with_object(|this| calls::attribute(this, &intern("_sslobj")?))?;
        let read = calls::attribute(&ssl_object, &intern("read")?)?;
        match calls::call(&read, [&values::integer(RECORD as u64)?]) {
            Ok(data) => match Bytes::peek(&data) {
                Some(data) if !data.is_empty() => {
                    plain[*total..*total + data.len()].copy_from_slice(data);
                    *total += data.len();
                    Ok(None)
                }
                _ => Ok(Some(End::Closed)),
            },
            Err(raised) => {
                let exception = raised.take();
                let again = exception_matches(&exception, &imports().ssl_again_errors);
                Ok(Some(if again {
                    End::Drained
                } else {
                    End::Failed(exception)
                }))
            }
        }
    }

    /// Hands `total` bytes over. Nothing of `plain` is in use while Python code runs.
    fn deliver(
        &self,
        event_loop: &Instance<LoopBody>,
        plain: &mut Vec<u8>,
        total: usize,
    ) -> PyResult<()> {
        let content = &plain[..total];
        if self.delivery.way() == Way::Reader
            && let Some(reader) = self.delivery.reader()
            && may_be_fed(&self.protocol.get_or_none(), &reader)
        {
            reader.received.append(content)?;
            event_loop.plain.set(std::mem::take(plain));
            return reader.announce();
        }
        if self.delivery.way() == Way::Upper {
            // TLS in TLS: what was decrypted here is ciphertext there.
            let inner = self.protocol.get_or_none();
            if !feed(&inner, content) {
                return Err(Raised::no_memory());
            }
            event_loop.plain.set(std::mem::take(plain));
            return received(&inner);
        }
        let spare = event_loop.spare.take();
        // A `bytes` that is dropped here runs no Python code.
        let data = match spare.map(|spare| buffers::refilled(spare, content)) {
            Some(Ok(data)) => data,
            _ => buffers::bytes(content)?,
        };
        event_loop.plain.set(std::mem::take(plain));
        let method = self.delivery.data_received(&self.protocol)?;
        calls::call(&method, [&data])?;
        if data.reference_count() == 1 {
            event_loop.spare.set(data);
        }
        Ok(())
    }
}
