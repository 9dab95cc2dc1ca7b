//! One try of an operation: what the kernel, or the socket's own method, answers at once.

use std::io;

use tepal_core::socket;

use crate::interop::buffers::{self, Bytes, View};
use crate::interop::calls;
use crate::interop::errors::{Builtin, PyResult, raise_os_error};
use crate::interop::imports::imports;
use crate::interop::instance::Instance;
use crate::interop::interned::Name;
use crate::interop::object::Object;
use crate::interop::sockets;
use crate::interop::values;
use crate::loop_core::body::LoopBody;
use crate::loop_core::watchers::Side;

use super::operation::OperationBody;

/// Which operation it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// `sock_recv(sock, n)`
    Receive,
    /// `sock_recv_into(sock, buf)`
    ReceiveInto,
    /// `sock_recvfrom(sock, bufsize)`
    ReceiveFrom,
    /// `sock_recvfrom_into(sock, buf, nbytes)`
    ReceiveFromInto,
    /// `sock_sendall(sock, data)`
    SendAll,
    /// `sock_sendto(sock, data, address)`
    SendTo,
    /// `sock_accept(sock)`
    Accept,
    /// `sock_sendfile(sock, file)`, the part that the kernel does
    SendFile,
}

impl Kind {
    /// The loop's method, as asyncio names it.
    pub(crate) const fn qualified_name(self) -> &'static str {
        match self {
            Kind::Receive => "BaseSelectorEventLoop.sock_recv",
            Kind::ReceiveInto => "BaseSelectorEventLoop.sock_recv_into",
            Kind::ReceiveFrom => "BaseSelectorEventLoop.sock_recvfrom",
            Kind::ReceiveFromInto => "BaseSelectorEventLoop.sock_recvfrom_into",
            Kind::SendAll => "BaseSelectorEventLoop.sock_sendall",
            Kind::SendTo => "BaseSelectorEventLoop.sock_sendto",
            Kind::Accept => "BaseSelectorEventLoop.sock_accept",
            Kind::SendFile => "EventLoop._send_file",
        }
    }

    /// What it waits for.
    pub(super) const fn side(self) -> Side {
        match self {
            Kind::SendAll | Kind::SendTo | Kind::SendFile => Side::Writer,
            _ => Side::Reader,
        }
    }
}

/// How a try ended that raised nothing.
pub(super) enum Attempt {
    /// The operation is done, with this result.
    Done(Object),
    /// It would block.
    NotNow,
    /// It goes on, after others had their turn.
    Again,
}

/// Sorts what the kernel answered.
fn sorted<T>(answer: io::Result<T>, wrap: impl FnOnce(T) -> PyResult<Object>) -> PyResult<Attempt> {
    match answer {
        Ok(value) => wrap(value).map(Attempt::Done),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Attempt::NotNow),
        Err(error) => Err(raise_os_error(&error)),
    }
}

impl Instance<OperationBody> {
    /// Tries once; sending goes on until all is sent or the kernel takes no more.
    ///
    /// # Errors
    /// What the socket's method raises, whose part this plays: `OSError`, `TypeError`, `ValueError`, ...
    ///
    /// # Reentrancy
    /// Runs Python code if the socket's own method is called, and in buffers that are written in Python.
    #[inline(always)]
    pub(super) fn attempt(
        &self,
        event_loop: &Instance<LoopBody>,
        socket: &Object,
    ) -> PyResult<Attempt> {
        let first = self.first.get_or_none();
        // A subclass may have methods of its own.
        let direct = socket.is_exactly(&imports().socket) && sockets::is_socket(socket);
        match self.kind.get() {
            Kind::Receive if direct => receive(event_loop, socket, &first),
            Kind::ReceiveInto if direct => receive_into(event_loop, socket, &first),
            Kind::SendAll => self.send_all(socket, &first, direct),
            Kind::SendFile if direct => self.send_file(socket, &first),
            _ => self.by_method(socket, &first),
        }
    }

    fn send_all(&self, socket: &Object, data: &Object, direct: bool) -> PyResult<Attempt> {
        if !direct {
            return self.send_all_by_method(socket, data);
        }
        if let Some(bytes) = Bytes::peek(data) {
            return self.send_rest(socket, bytes);
        }
        self.send_rest(socket, View::readable(data)?.as_slice())
    }

    #[inline(always)]
    fn send_rest(&self, socket: &Object, bytes: &[u8]) -> PyResult<Attempt> {
        loop {
            let rest = bytes.get(self.sent.get()..).unwrap_or_default();
            match socket::send(sockets::descriptor(socket), rest) {
                Ok(count) if count == rest.len() => return Ok(Attempt::Done(Object::none())),
                Ok(count) => self.sent.set(self.sent.get() + count),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Ok(Attempt::NotNow);
                }
                Err(error) => return Err(raise_os_error(&error)),
            }
        }
    }

    fn send_all_by_method(&self, socket: &Object, data: &Object) -> PyResult<Attempt> {
        loop {
            let view = View::readable(data)?;
            let rest = view.as_slice().get(self.sent.get()..).unwrap_or_default();
            let (length, rest) = (rest.len(), buffers::bytes(rest)?);
            drop(view);
            match would_block(calls::call_method(Name::Send, [socket, &rest]))? {
                Attempt::Done(count) => {
                    let count = usize::try_from(values::to_integer(&count)?).unwrap_or(0);
                    self.sent.set(self.sent.get() + count);
                    if count >= length {
                        return Ok(Attempt::Done(Object::none()));
                    }
                }
                Attempt::NotNow | Attempt::Again => return Ok(Attempt::NotNow),
            }
        }
    }

    fn by_method(&self, socket: &Object, first: &Object) -> PyResult<Attempt> {
        let second = self.second.get_or_none();
        let answer = match self.kind.get() {
            Kind::Receive => calls::call_method(Name::Recv, [socket, first]),
            Kind::ReceiveInto => calls::call_method(Name::RecvInto, [socket, first]),
            Kind::ReceiveFrom => calls::call_method(Name::Recvfrom, [socket, first]),
            Kind::ReceiveFromInto => {
                calls::call_method(Name::RecvfromInto, [socket, first, &second])
            }
            Kind::SendTo => calls::call_method(Name::Sendto, [socket, first, &second]),
            Kind::Accept => accept(socket),
            Kind::SendFile => Err(Builtin::TypeError.raise("a socket.socket is required")),
            Kind::SendAll => return self.send_all_by_method(socket, first),
        };
        would_block(answer)
    }
}

fn would_block(answer: PyResult<Object>) -> PyResult<Attempt> {
    match answer {
        Ok(value) => Ok(Attempt::Done(value)),
        Err(raised)
            if raised.is(Builtin::BlockingIoError) || raised.is(Builtin::InterruptedError) =>
        {
            raised.forget();
            Ok(Attempt::NotNow)
        }
        Err(raised) => Err(raised),
    }
}

/// The new connection, made non-blocking, and its address.
fn accept(socket: &Object) -> PyResult<Object> {
    let pair = calls::call_method(Name::Accept, [socket])?;
    if let Some(connection) = values::items(&pair)?.first() {
        calls::call_method(Name::Setblocking, [connection, &Object::from_bool(false)])?;
    }
    Ok(pair)
}

#[inline(always)]
fn receive(event_loop: &Instance<LoopBody>, socket: &Object, size: &Object) -> PyResult<Attempt> {
    let Ok(size) = usize::try_from(values::to_integer(size)?) else {
        return Err(Builtin::ValueError.raise("negative buffersize in recv"));
    };
    if size == 0 {
        return buffers::bytes(&[]).map(Attempt::Done);
    }
    let descriptor = sockets::descriptor(socket);
    if event_loop.is_drained(descriptor, socket) {
        return Ok(Attempt::NotNow);
    }
    let answer = if size > tepal_core::constants::SCRATCH_READ {
        // More than one read of a stream gives, and more than is worth copying.
        buffers::bytes_filled_by(size, |place| {
            socket::receive_uninitialized(descriptor, place)
        })?
    } else {
        let mut scratch = event_loop.scratch.borrow_mut();
        if scratch.is_empty() {
            scratch.resize(tepal_core::constants::SCRATCH_READ, 0);
        }
        match socket::receive(descriptor, &mut scratch[..size]) {
            Ok(count) => Ok(buffers::bytes(&scratch[..count])?),
            Err(error) => Err(error),
        }
    };
    if let Ok(received) = &answer {
        let count = Bytes::peek(received).map_or(0, <[u8]>::len);
        note_received(event_loop, socket, count, size);
    }
    sorted(answer, Ok)
}

/// Remembers of a TCP socket that there is no more, if less came than there was room for. Other sockets may have another
/// message behind the one that was received.
#[inline(always)]
fn note_received(event_loop: &Instance<LoopBody>, socket: &Object, count: usize, room: usize) {
    if count > 0 && count < room && sockets::is_tcp(socket) {
        event_loop.note_drained(sockets::descriptor(socket), socket);
    }
}

fn receive_into(
    event_loop: &Instance<LoopBody>,
    socket: &Object,
    buffer: &Object,
) -> PyResult<Attempt> {
    let mut view = View::writable(buffer, "recv_into()")?;
    let place = view.as_mut_slice();
    if place.is_empty() {
        return values::integer(0).map(Attempt::Done);
    }
    let descriptor = sockets::descriptor(socket);
    if event_loop.is_drained(descriptor, socket) {
        return Ok(Attempt::NotNow);
    }
    let answer = socket::receive(descriptor, place);
    if let Ok(count) = &answer {
        note_received(event_loop, socket, *count, place.len());
    }
    sorted(answer, |count| values::integer(count as u64))
}
