//! From the socket to the protocol.

use std::mem::MaybeUninit;

use crate::interop::buffers::{self, Bytes, View};
use crate::interop::calls;
use crate::interop::errors::{PyResult, Raised, exception_matches, restore};
use crate::interop::imports::imports;
use crate::interop::instance::Instance;
use crate::interop::interned::{Name, intern};
use crate::interop::object::Object;
use crate::interop::openssl::{Connection, Received};
use crate::interop::values;
use crate::loop_core::body::LoopBody;
use crate::stream_reader::may_be_fed;
use crate::transport::{StreamBody, Upper, Way};

use super::protocol::ProtocolBody;
use super::transport::{is_open, write_natively};

/// How large a loop's buffer for decrypted data is at first (bytes): what one read of ciphertext can give.
const PLAIN: usize = tepal_core::constants::SCRATCH_READ;
/// How much of it is kept after a larger read (bytes).
const PLAIN_KEPT: usize = 8 * PLAIN;
/// From how much ciphertext on a program's `bytes` is decrypted into without a buffer before it (bytes).
const DIRECT: usize = 4 * 1024;
/// How often a protocol's buffer is filled in one turn.
const BUFFERS: usize = 16;
/// The most that one record holds (bytes, RFC 8446 5.1).
const RECORD: usize = 16 * 1024;

/// What a stream transport needs to know of us.
pub(crate) static UPPER: Upper = Upper {
    recognises,
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

/// Ciphertext arrived.
fn received(protocol: &Object, bytes: &[u8]) -> PyResult<()> {
    let Some(this) = body(protocol) else {
        return Ok(());
    };
    let Some(connection) = this.connection.get() else {
        return Ok(());
    };
    if this.wrapped.get() && !this.reading_paused.get() {
        return this.do_read_of(connection, bytes);
    }
    if !connection.feed(bytes) {
        return Err(Raised::no_memory());
    }
    if this.wrapped.get() {
        return this.do_read();
    }
    // What ends a handshake, the answer to what came with it, and even the end of the connection can go out together.
    let below = this.below.get_or_none();
    match below.exactly::<StreamBody>() {
        Some(stream) => stream.gathering_writes(|| this.step_on()),
        None => this.step_on(),
    }
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
        if let Some(connection) = self.open_connection() {
            return self.do_read_of(connection, &[]);
        }
        if let Some(connection) = self.connection.get()
            && self.state.get_or_none().is(&imports().ssl_state_flushing)
            && self.delivery.way() != Way::Buffer
            && connection.has_nothing()
        {
            // A close with nothing left to read: no exception has to be made to say so.
            return match self.answer(connection, !self.reading_paused.get(), 0) {
                Ok(()) => Ok(()),
                Err(raised) => self.failed(raised),
            };
        }
        self.with_object(|this| calls::call(&imports().ssl_do_read, [this]))
            .map(drop)
    }

    /// The same after these bytes have arrived.
    #[inline(always)]
    fn do_read_of(&self, connection: &Connection, arrived: &[u8]) -> PyResult<()> {
        match self.read_and_answer(connection, arrived) {
            Ok(()) => Ok(()),
            Err(raised) => self.failed(raised),
        }
    }

    #[inline(always)]
    fn read_and_answer(&self, connection: &Connection, arrived: &[u8]) -> PyResult<()> {
        let mut waiting = None;
        if !self.reading_paused.get() {
            waiting = Some(if self.delivery.way() == Way::Buffer {
                self.read_into_buffer(connection, arrived)?
            } else {
                self.read(connection, arrived)?
            });
        }
        let size = waiting.unwrap_or_else(|| connection.incoming_size());
        self.answer(connection, waiting.is_some(), size)
    }

    /// What follows a read that left `size` bytes of ciphertext: sends what has to go out, and may stop the socket's reads.
    /// Where the program did not want to read, nothing was `read`, and nothing is sent.
    #[inline(always)]
    fn answer(&self, connection: &Connection, read: bool, size: usize) -> PyResult<()> {
        if read {
            if self.backlog.get() > 0 {
                self.call_own("_do_write")?;
            } else {
                self.process_outgoing(connection)?;
            }
        }
        let paused = self.socket_reading_paused.get();
        if self.incoming.concern(size as u64, paused) {
            self.call_own("_control_ssl_reading")?;
        }
        Ok(())
    }

    /// Gives the number of bytes that it left, which are the beginning of a record.
    #[inline(always)]
    fn read(&self, connection: &Connection, arrived: &[u8]) -> PyResult<usize> {
        if arrived.len() >= DIRECT && self.delivery.way() == Way::Data {
            return self.read_bytes(connection, arrived);
        }
        let event_loop = self.own_loop()?;
        let mut plain = event_loop.plain.take();
        let offered = connection.offer(arrived);
        let decrypted = self.decrypt(connection, &mut plain);
        let (total, end) = decrypted?;
        let waiting = offered.end().ok_or_else(Raised::no_memory)?;
        let end = self.failed_first(end)?;
        match total {
            0 => give_back(&event_loop, plain),
            _ => self.deliver(&event_loop, plain, total)?,
        }
        self.ended(end)?;
        Ok(waiting)
    }

    /// As [`Self::read`], decrypting into the `bytes` that the program gets.
    fn read_bytes(&self, connection: &Connection, arrived: &[u8]) -> PyResult<usize> {
        let offered = connection.offer(arrived);
        // What has arrived may complete a record, most of which was there before.
        let room = connection.incoming_size() + RECORD * usize::from(self.in_record.get());
        let mut end = None;
        let data = buffers::bytes_filled_by(room, |place| self.fill(connection, place, &mut end))??;
        let waiting = offered.end().ok_or_else(Raised::no_memory)?;
        let rest_follows = end.is_none();
        let end = self.failed_first(end.unwrap_or(End::Drained))?;
        if Bytes::peek(&data).is_some_and(|data| !data.is_empty()) {
            let method = self.delivery.data_received(&self.protocol)?;
            calls::call(&method, [&data])?;
        }
        drop(data);
        self.ended(end)?;
        if rest_follows {
            self.do_read()?;
            return Ok(connection.incoming_size());
        }
        Ok(waiting)
    }

    /// Decrypts to the beginning of `place`: how many bytes, and how that ended, if not because `place` is full.
    fn fill(
        &self,
        connection: &Connection,
        place: &mut [MaybeUninit<u8>],
        end: &mut Option<End>,
    ) -> PyResult<usize> {
        let mut total = 0;
        self.in_record.set(false);
        while total < place.len() {
            match connection.read_uninitialized(&mut place[total..]) {
                Received::Data(count) => total += count,
                Received::NotNow => {
                    self.in_record.set(true);
                    *end = Some(End::Drained);
                    break;
                }
                Received::Other => match self.ask_again(place.len() - total)? {
                    Ok(data) => {
                        let data = Bytes::peek(&data).unwrap_or_default();
                        for (place, byte) in place[total..].iter_mut().zip(data) {
                            place.write(*byte);
                        }
                        total += data.len();
                    }
                    Err(found) => {
                        *end = Some(found);
                        break;
                    }
                },
            }
            if connection.is_drained() {
                *end = Some(End::Drained);
                break;
            }
        }
        Ok(total)
    }

    /// Decrypts everything there is to the beginning of `plain`, which grows as it has to.
    #[inline(always)]
    fn decrypt(&self, connection: &Connection, plain: &mut Vec<u8>) -> PyResult<(usize, End)> {
        let mut total = 0;
        loop {
            if plain.len() - total < RECORD {
                let size = (2 * plain.len()).max(PLAIN);
                plain.resize(size, 0);
            }
            match self.read_some(connection, &mut plain[total..])? {
                Ok(count) => total += count,
                Err(end) => return Ok((total, end)),
            }
            if connection.is_drained() {
                return Ok((total, End::Drained));
            }
        }
    }

    /// Decrypts at most one record.
    #[inline(always)]
    fn read_some(&self, connection: &Connection, place: &mut [u8]) -> PyResult<Result<usize, End>> {
        match connection.read(place) {
            Received::Data(count) => Ok(Ok(count)),
            Received::NotNow => Ok(Err(End::Drained)),
            Received::Other => match self.ask_again(place.len())? {
                Ok(data) => {
                    let data = Bytes::peek(&data).unwrap_or_default();
                    place[..data.len()].copy_from_slice(data);
                    Ok(Ok(data.len()))
                }
                Err(end) => Ok(Err(end)),
            },
        }
    }

    /// Lets `SSLObject.read()` make the call that failed once more, for the exception that it raises; else it gives a
    /// `bytes` of at most `size`, which is not empty.
    #[cold]
    fn ask_again(&self, size: usize) -> PyResult<Result<Object, End>> {
        let ssl_object = self.with_object(|this| calls::attribute(this, &intern("_sslobj")?))?;
        let read = calls::attribute(&ssl_object, &intern("read")?)?;
        match calls::call(&read, [&values::integer(size.min(RECORD) as u64)?]) {
            Ok(data) => {
                let some = Bytes::peek(&data).is_some_and(|data| !data.is_empty());
                Ok(if some { Ok(data) } else { Err(End::Closed) })
            }
            Err(raised) => {
                let exception = raised.take();
                let again = exception_matches(&exception, &imports().ssl_again_errors);
                Ok(Err(if again {
                    End::Drained
                } else {
                    End::Failed(exception)
                }))
            }
        }
    }

    /// Ends a failed connection before the data that came before the failure is delivered: what the program answers to it
    /// fails as well, and the first error is the one that it is told of.
    #[inline(always)]
    fn failed_first(&self, end: End) -> PyResult<End> {
        match end {
            End::Failed(exception) => {
                self.fatal_error(&exception)?;
                Ok(End::Drained)
            }
            End::Drained | End::Closed => Ok(end),
        }
    }

    #[inline(always)]
    fn ended(&self, end: End) -> PyResult<()> {
        match end {
            End::Drained | End::Failed(_) => Ok(()),
            End::Closed => {
                self.call_own("_call_eof_received")?;
                self.call_own("_start_shutdown").map(drop)
            }
        }
    }

    /// Decrypts into the protocol's own buffer, as [`Self::read`]. If that is full, it is asked for another one at once; if
    /// it is full again and again, the rest follows with the next turn, as on asyncio.
    fn read_into_buffer(&self, connection: &Connection, arrived: &[u8]) -> PyResult<usize> {
        let offered = connection.offer(arrived);
        for _ in 0..BUFFERS {
            let (count, end) = self.fill_buffer(connection)?;
            let Some(end) = end else {
                self.buffer_updated(count)?;
                let goes_on = self.wrapped.get()
                    && !self.reading_paused.get()
                    && self.delivery.way() == Way::Buffer;
                if goes_on {
                    continue;
                }
                break;
            };
            let waiting = offered.end().ok_or_else(Raised::no_memory)?;
            let end = self.failed_first(end)?;
            if count > 0 {
                self.buffer_updated(count)?;
            }
            self.ended(end)?;
            return Ok(waiting);
        }
        let waiting = offered.end().ok_or_else(Raised::no_memory)?;
        let again = self.own(Name::DoRead)?;
        let event_loop = self.event_loop.get_or_none();
        calls::call_method(Name::CallSoon, [&event_loop, &again])?;
        Ok(waiting)
    }

    /// Fills the protocol's buffer: with how many bytes, and how that ended, if not because it is full. A buffer without
    /// room ends the connection as a close_notify does: so does asyncio, whose `read(0, buffer)` gives nothing.
    fn fill_buffer(&self, connection: &Connection) -> PyResult<(usize, Option<End>)> {
        let hint = values::integer(connection.incoming_size() as u64)?;
        let buffer = calls::call(&self.delivery.get_buffer(&self.protocol)?, [&hint])?;
        let mut view = match View::writable(&buffer, "read()") {
            Ok(view) => view,
            Err(raised) => return Err(self.no_buffer(&buffer, raised)),
        };
        let empty = view.as_mut_slice().is_empty();
        let (mut count, mut end) = (0, empty.then_some(End::Closed));
        while end.is_none() && count < view.as_mut_slice().len() {
            match self.read_some(connection, &mut view.as_mut_slice()[count..])? {
                Ok(more) => count += more,
                Err(found) => end = Some(found),
            }
            if end.is_none() && connection.is_drained() {
                end = Some(End::Drained);
            }
        }
        Ok((count, end))
    }

    /// What `len()` or `SSLObject.read()` raises of a buffer that is none; else what was `raised` here.
    #[cold]
    fn no_buffer(&self, buffer: &Object, raised: Raised) -> Raised {
        let exception = raised.take();
        let refused = buffers::length(buffer)
            .and_then(|size| values::integer(size as u64))
            .and_then(|size| {
                let ssl_object = self.own(Name::SslobjUnderscore)?;
                let read = calls::attribute(&ssl_object, &intern("read")?)?;
                calls::call(&read, [&size, buffer])
            });
        match refused {
            Err(raised) => raised,
            Ok(_) => restore(exception),
        }
    }

    fn buffer_updated(&self, count: usize) -> PyResult<()> {
        let count = values::integer(count as u64)?;
        let updated = self.delivery.buffer_updated(&self.protocol)?;
        calls::call(&updated, [&count]).map(drop)
    }

    /// Hands `total` bytes over. Nothing of `plain` is in use while the program's code runs.
    #[inline(always)]
    fn deliver(
        &self,
        event_loop: &Instance<LoopBody>,
        plain: Vec<u8>,
        total: usize,
    ) -> PyResult<()> {
        let content = &plain[..total];
        match self.delivery.way() {
            Way::Reader => {
                if let Some(reader) = self.delivery.reader()
                    && may_be_fed(&self.protocol.get_or_none(), &reader)
                {
                    reader.received.append(content)?;
                    give_back(event_loop, plain);
                    return reader.announce();
                }
            }
            // TLS in TLS: what was decrypted here is ciphertext there.
            Way::Upper => return received(&self.protocol.get_or_none(), content),
            Way::Data | Way::Buffer => {}
        }
        let spare = event_loop.spare.take();
        // A `bytes` that is dropped here runs no Python code.
        let data = match spare.map(|spare| buffers::refilled(spare, content)) {
            Some(Ok(data)) => data,
            _ => buffers::bytes(content)?,
        };
        give_back(event_loop, plain);
        let method = self.delivery.data_received(&self.protocol)?;
        calls::call(&method, [&data])?;
        if data.reference_count() == 1 {
            event_loop.spare.set(data);
        }
        Ok(())
    }
}

/// The next connection uses it.
#[inline(always)]
fn give_back(event_loop: &Instance<LoopBody>, plain: Vec<u8>) {
    if plain.len() <= PLAIN_KEPT {
        event_loop.plain.set(plain);
    }
}
