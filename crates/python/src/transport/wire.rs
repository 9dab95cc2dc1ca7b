//! The socket below a transport: CPython's own is served by the kernel directly, any other by its methods.

use std::io;

use tepal_core::constants::{REMEMBERED_PACKET_SIZES, REMEMBERED_PACKETS};
use tepal_core::socket::{self, Next};

use crate::interop::buffers;
use crate::interop::calls;
use crate::interop::errors::{Builtin, PyResult, raise_os_error};
use crate::interop::instance::Instance;
use crate::interop::interned::Name;
use crate::interop::object::Object;
use crate::interop::sockets;
use crate::interop::values;
use crate::loop_core::body::LoopBody;
use crate::loop_core::failures;

use crate::stream_reader::ReaderState;

use super::body::StreamBody;

/// How an attempt to read or write ended.
pub(super) enum Attempt<T> {
    /// It was done.
    Done(T),
    /// The kernel has nothing to give or takes nothing now.
    NotNow,
    /// It failed with this exception.
    Failed(Object),
}

/// Sorts what the kernel answered.
pub(super) fn attempt<T>(answer: io::Result<T>) -> Attempt<T> {
    match answer {
        Ok(value) => Attempt::Done(value),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Attempt::NotNow,
        Err(error) => Attempt::Failed(raise_os_error(&error).take()),
    }
}

/// Sorts what a method of a foreign socket answered.
///
/// # Errors
/// `SystemExit` and `KeyboardInterrupt`.
fn foreign_attempt(answer: PyResult<Object>) -> PyResult<Attempt<Object>> {
    match answer {
        Ok(value) => Ok(Attempt::Done(value)),
        Err(raised)
            if raised.is(Builtin::BlockingIoError) || raised.is(Builtin::InterruptedError) =>
        {
            raised.forget();
            Ok(Attempt::NotNow)
        }
        Err(raised) => failures::contain(raised).map(Attempt::Failed),
    }
}

/// A `bytes` for a protocol, in the memory of the last one if nobody kept that.
#[inline(always)]
pub(super) fn spared(event_loop: &Instance<LoopBody>, content: &[u8]) -> PyResult<Object> {
    let spare = event_loop.spare.take();
    // A `bytes` that is dropped here runs no Python code.
    match spare.map(|spare| buffers::refilled(spare, content)) {
        Some(Ok(data)) => Ok(data),
        _ => buffers::bytes(content),
    }
}

/// A `bytes` for a stream reader, in the memory of the oldest one that is remembered if nobody kept that.
#[inline(always)]
pub(super) fn remembered(event_loop: &Instance<LoopBody>, content: &[u8]) -> PyResult<Object> {
    if !REMEMBERED_PACKET_SIZES.contains(&content.len()) {
        return buffers::bytes(content);
    }
    let mut packets = event_loop.packets.borrow_mut();
    let is_free = packets
        .front()
        .is_some_and(|oldest| oldest.reference_count() == 1);
    let oldest = if is_free || packets.len() >= REMEMBERED_PACKETS {
        packets.pop_front()
    } else {
        None
    };
    // A `bytes` that is dropped here runs no Python code.
    let packet = match oldest.map(|oldest| buffers::refilled(oldest, content)) {
        Some(Ok(packet)) => packet,
        _ => buffers::bytes(content)?,
    };
    packets.push_back(packet.clone());
    Ok(packet)
}

impl Instance<StreamBody> {
    /// Receives a `bytes`; an empty one is the end of the stream.
    ///
    /// # Errors
    /// `MemoryError`; `SystemExit` and `KeyboardInterrupt` of a foreign socket.
    #[inline(always)]
    pub(super) fn receive_bytes(
        &self,
        event_loop: &Instance<LoopBody>,
    ) -> PyResult<Attempt<Object>> {
        if self.foreign_socket.get()
            && let Some(socket) = self.socket.get()
        {
            let limit = values::integer(self.max_size.get() as u64)?;
            return foreign_attempt(calls::call_method(Name::Recv, [&socket, &limit]));
        }
        self.receive_at_most(event_loop, usize::MAX, spared)
    }

    /// Receives a `bytes` of at most so many bytes, a small one made by `make`. Only for CPython's own sockets.
    #[inline(always)]
    fn receive_at_most(
        &self,
        event_loop: &Instance<LoopBody>,
        most: usize,
        make: impl FnOnce(&Instance<LoopBody>, &[u8]) -> PyResult<Object>,
    ) -> PyResult<Attempt<Object>> {
        let Some(socket) = self.socket.get() else {
            return Ok(Attempt::NotNow);
        };
        let descriptor = sockets::descriptor(&socket);
        let mut size = self.read_size.get();
        let answer = if size.is_small() {
            let mut scratch = event_loop.scratch.borrow_mut();
            let room = self.scratch_room(&mut scratch);
            match socket::receive(descriptor, &mut scratch[..room]) {
                Ok(count) => Ok(make(event_loop, &scratch[..count])?),
                Err(error) => Err(error),
            }
        } else {
            let room = size.room().min(self.max_size.get()).min(most);
            buffers::bytes_filled_by(room, |place| {
                socket::receive_uninitialized(descriptor, place)
            })?
        };
        if let Ok(data) = &answer {
            size.learn(buffers::Bytes::peek(data).map_or(0, <[u8]>::len));
            self.read_size.set(size);
        }
        Ok(attempt(answer))
    }

    /// Receives for a stream reader; 0 is the end of the stream. Only for CPython's own sockets.
    ///
    /// A packet that finds nothing before it becomes a `bytes`, received into its own memory where it is large: no larger
    /// than the read that waits for it can use, so that it can be handed out as it is.
    ///
    /// # Errors
    /// `BufferError` if somebody holds a view of the reader's buffer; `MemoryError`.
    #[inline(always)]
    pub(super) fn receive_for(
        &self,
        event_loop: &Instance<LoopBody>,
        reader: &Instance<ReaderState>,
    ) -> PyResult<Attempt<usize>> {
        if reader.received.takes_packets() {
            let wanted = reader.wanted.replace(0);
            let most = if wanted >= tepal_core::constants::SCRATCH_READ {
                wanted
            } else {
                usize::MAX
            };
            return Ok(match self.receive_at_most(event_loop, most, remembered)? {
                Attempt::Done(packet) => {
                    let count = buffers::Bytes::peek(&packet).map_or(0, <[u8]>::len);
                    if count > 0 {
                        reader.received.put(packet);
                    }
                    Attempt::Done(count)
                }
                Attempt::NotNow => Attempt::NotNow,
                Attempt::Failed(exception) => Attempt::Failed(exception),
            });
        }
        let Some(socket) = self.socket.get() else {
            return Ok(Attempt::NotNow);
        };
        let array = reader.received.array()?;
        let mut scratch = event_loop.scratch.borrow_mut();
        let room = self.scratch_room(&mut scratch);
        let answer = socket::receive(sockets::descriptor(&socket), &mut scratch[..room]);
        if let Ok(count) = answer {
            buffers::bytearray_extend(&array, &scratch[..count])?;
        }
        Ok(attempt(answer))
    }

    /// Receives into `place`; 0 bytes are the end of the stream. Only for CPython's own sockets.
    #[inline(always)]
    pub(super) fn receive_to(&self, socket: &Object, place: &mut [u8]) -> Attempt<usize> {
        attempt(socket::receive(sockets::descriptor(socket), place))
    }

    /// Sends what the kernel takes of these bytes. Only for CPython's own sockets.
    #[inline(always)]
    pub(super) fn send_native(&self, bytes: &[u8]) -> Attempt<usize> {
        match self.socket.get() {
            Some(socket) => attempt(socket::send(sockets::descriptor(&socket), bytes)),
            None => Attempt::NotNow,
        }
    }

    fn scratch_room(&self, scratch: &mut Vec<u8>) -> usize {
        if scratch.is_empty() {
            scratch.resize(tepal_core::constants::SCRATCH_READ, 0);
        }
        scratch.len().min(self.max_size.get())
    }

    /// Receives into a buffer of the protocol's; 0 is the end of the stream.
    ///
    /// # Errors
    /// `SystemExit` and `KeyboardInterrupt`.
    pub(super) fn receive_into(&self, buffer: &Object) -> PyResult<Attempt<usize>> {
        let Some(socket) = self.socket.get() else {
            return Ok(Attempt::NotNow);
        };
        if self.foreign_socket.get() {
            let answer = foreign_attempt(calls::call_method(Name::RecvInto, [&socket, buffer]))?;
            return self.counted(answer);
        }
        match buffers::View::writable(buffer, "recv_into()") {
            Ok(mut view) => Ok(attempt(socket::receive(
                sockets::descriptor(&socket),
                view.as_mut_slice(),
            ))),
            Err(raised) => failures::contain(raised).map(Attempt::Failed),
        }
    }

    /// Sends what the kernel takes of these bytes; `data` is the object that they belong to.
    ///
    /// # Errors
    /// `SystemExit` and `KeyboardInterrupt` of a foreign socket.
    #[inline(always)]
    pub(super) fn send(&self, data: &Object, bytes: &[u8]) -> PyResult<Attempt<usize>> {
        let Some(socket) = self.socket.get() else {
            return Ok(Attempt::NotNow);
        };
        if self.foreign_socket.get() {
            let answer = foreign_attempt(calls::call_method(Name::Send, [&socket, data]))?;
            return self.counted(answer);
        }
        Ok(attempt(socket::send(sockets::descriptor(&socket), bytes)))
    }

    /// Sends what the kernel takes of the queue; `next` is what follows.
    ///
    /// # Errors
    /// As [`Self::send`]; `MemoryError`.
    pub(super) fn send_queue(&self, next: Next) -> PyResult<Attempt<usize>> {
        const FEW: usize = 16;
        let Some(socket) = self.socket.get() else {
            return Ok(Attempt::NotNow);
        };
        if self.foreign_socket.get() {
            return self.send_queue_by(&socket);
        }
        let descriptor = sockets::descriptor(&socket);
        let queue = self.queue.borrow();
        let count = queue.chunks().count();
        let answer = if count == 1 {
            socket::send_with(descriptor, queue.pieces().next().unwrap_or_default(), next)
        } else if count <= FEW {
            let mut places = [io::IoSlice::new(&[]); FEW];
            socket::send_vectored(descriptor, queue.next(&mut places), next)
        } else {
            let mut places = vec![io::IoSlice::new(&[]); count.min(socket::MAXIMUM_BUFFERS)];
            socket::send_vectored(descriptor, queue.next(&mut places), next)
        };
        drop(queue);
        Ok(attempt(answer))
    }

    /// As asyncio: `sendmsg()` from 3.12 on, `send()` of what is next on 3.11.
    fn send_queue_by(&self, socket: &Object) -> PyResult<Attempt<usize>> {
        let count = if cfg!(Py_3_12) {
            socket::MAXIMUM_BUFFERS
        } else {
            1
        };
        let queue = self.queue.borrow();
        let pieces: PyResult<Vec<Object>> =
            queue.pieces().take(count).map(buffers::bytes).collect();
        drop(queue);
        let pieces = pieces?;
        let answer = match pieces.first() {
            None => return Ok(Attempt::Done(0)),
            Some(first) if cfg!(not(Py_3_12)) => calls::call_method(Name::Send, [socket, first]),
            Some(_) => calls::call_method(Name::Sendmsg, [socket, &values::list(pieces)?]),
        };
        let answer = foreign_attempt(answer)?;
        self.counted(answer)
    }

    /// Half closes the connection.
    ///
    /// # Errors
    /// `OSError` (`ENOTCONN`).
    pub(super) fn shut_down_sending(&self) -> PyResult<()> {
        let Some(socket) = self.socket.get() else {
            return Ok(());
        };
        if self.foreign_socket.get() {
            let how = values::integer(libc::SHUT_WR as u64)?;
            return calls::call_method(Name::Shutdown, [&socket, &how]).map(drop);
        }
        socket::shutdown_sending(sockets::descriptor(&socket))
            .map_err(|error| raise_os_error(&error))
    }

    fn counted(&self, answer: Attempt<Object>) -> PyResult<Attempt<usize>> {
        Ok(match answer {
            Attempt::Done(count) => {
                Attempt::Done(usize::try_from(values::to_integer(&count)?).unwrap_or(0))
            }
            Attempt::NotNow => Attempt::NotNow,
            Attempt::Failed(exception) => Attempt::Failed(exception),
        })
    }
}
