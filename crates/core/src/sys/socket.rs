//! Stream sockets: receiving, sending, half closing. Nothing here ever blocks.
//!
//! Every call passes `MSG_DONTWAIT`, so that a descriptor which somebody has set to blocking mode cannot stop the loop,
//! and `MSG_NOSIGNAL`, so that a closed peer is an error and no signal. A call that a signal interrupted is made again,
//! as PEP 475 has it: none of them waits, so that nothing is delayed.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};

use super::datagram::Address;

/// How many buffers one [`send_vectored`] takes (`IOV_MAX`, `man 3 sysconf`): the kernel refuses more.
pub const MAXIMUM_BUFFERS: usize = 1024;

/// Receives what has arrived, at most as much as `buffer` holds; gives the number of bytes, 0 at the end of the stream.
///
/// # Errors
/// `WouldBlock` if nothing has arrived; what `man 2 recv` lists (`ECONNRESET`, `EBADF`, ...).
#[inline]
pub fn receive(fd: RawFd, buffer: &mut [u8]) -> io::Result<usize> {
    // SAFETY: initialized bytes are also valid as perhaps uninitialized ones, and `receive_uninitialized` only writes
    // initialized bytes into them.
    let buffer = unsafe {
        std::slice::from_raw_parts_mut(buffer.as_mut_ptr().cast::<MaybeUninit<u8>>(), buffer.len())
    };
    receive_uninitialized(fd, buffer)
}

/// As [`receive`], into memory that need not be initialized: as many bytes as the answer says then are.
///
/// # Errors
/// As [`receive`].
#[inline]
pub fn receive_uninitialized(fd: RawFd, buffer: &mut [MaybeUninit<u8>]) -> io::Result<usize> {
    again_if_interrupted(|| {
        // SAFETY: the pointer is to `len` writable bytes, borrowed exclusively for the whole call.
        unsafe {
            libc::recv(
                fd,
                buffer.as_mut_ptr().cast(),
                buffer.len(),
                libc::MSG_DONTWAIT,
            )
        }
    })
}

/// Sends what the kernel takes at once; gives the number of bytes.
///
/// # Errors
/// `WouldBlock` if it takes nothing now; what `man 2 send` lists (`EPIPE`, `ECONNRESET`, `EBADF`, ...).
#[inline]
pub fn send(fd: RawFd, bytes: &[u8]) -> io::Result<usize> {
    send_with(fd, bytes, Next::Unknown)
}

/// What follows the bytes that are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Perhaps nothing: they leave now.
    Unknown,
    /// More, or the end of the stream, within a moment: with TCP a segment that is not full waits for that, but no
    /// longer than 200 milliseconds (`MSG_MORE`, `man 7 tcp`).
    Soon,
}

impl Next {
    #[inline(always)]
    fn flags(self) -> libc::c_int {
        let more = match self {
            Next::Unknown => 0,
            Next::Soon => libc::MSG_MORE,
        };
        more | libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL
    }
}

/// As [`send`], and says what follows.
///
/// # Errors
/// As [`send`].
#[inline]
pub fn send_with(fd: RawFd, bytes: &[u8], next: Next) -> io::Result<usize> {
    again_if_interrupted(|| {
        // SAFETY: the pointer is to `len` readable bytes, borrowed for the whole call.
        unsafe { libc::send(fd, bytes.as_ptr().cast(), bytes.len(), next.flags()) }
    })
}

/// As [`send`], from several buffers, one after the other; at most [`MAXIMUM_BUFFERS`] of them are looked at.
///
/// # Errors
/// As [`send`].
#[inline]
pub fn send_vectored(fd: RawFd, buffers: &[io::IoSlice<'_>], next: Next) -> io::Result<usize> {
    let count = buffers.len().min(MAXIMUM_BUFFERS);
    // SAFETY: an all-zero msghdr is valid: no name, no buffers, no control data, no flags.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = buffers.as_ptr().cast_mut().cast();
    message.msg_iovlen = count as _;
    again_if_interrupted(|| {
        // SAFETY: `IoSlice` has the layout of `iovec` on Unix (its documentation promises it), and sendmsg does not
        // write through `msg_iov`; the buffers and `message` outlive the call.
        unsafe { libc::sendmsg(fd, &raw const message, next.flags()) }
    })
}

/// Tells the peer that nothing more will be sent (`SHUT_WR`).
///
/// # Errors
/// `ENOTCONN` if the connection is gone, `EBADF`.
pub fn shutdown_sending(fd: RawFd) -> io::Result<()> {
    // SAFETY: takes no pointers.
    let status = unsafe { libc::shutdown(fd, libc::SHUT_WR) };
    if status < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// Takes the next connection that waits at a listening socket, non-blocking and closed on `exec`; and its peer's address.
///
/// # Errors
/// `WouldBlock` if none waits; what `man 2 accept` lists (`EMFILE`, `ECONNABORTED`, ...).
pub fn accept(fd: RawFd) -> io::Result<(OwnedFd, Address)> {
    let flags = libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
    loop {
        // SAFETY: the pointers are to an address and its size, which outlive the call.
        let answer =
            Address::written_by(|address, size| unsafe { libc::accept4(fd, address, size, flags) });
        match answer {
            Ok((connection, peer)) => {
                // SAFETY: a new descriptor, which nobody else owns.
                let connection = unsafe { OwnedFd::from_raw_fd(connection) };
                return Ok((connection, peer));
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// The address that a socket is bound to (`man 2 getsockname`).
///
/// # Errors
/// `EBADF`, `ENOTSOCK`.
pub fn local_address(fd: RawFd) -> io::Result<Address> {
    // SAFETY: as in `accept`.
    let (_, address) =
        Address::written_by(|address, size| unsafe { libc::getsockname(fd, address, size) })?;
    Ok(address)
}

/// Lets small segments go out at once (`TCP_NODELAY`, `man 7 tcp`).
///
/// # Errors
/// `ENOPROTOOPT` if it is no TCP socket; `EBADF`.
pub fn set_no_delay(fd: RawFd) -> io::Result<()> {
    let on: libc::c_int = 1;
    // SAFETY: the pointer is to an int, whose size is given, and which is only read.
    let status = unsafe {
        libc::setsockopt(
            fd,
            libc::IPPROTO_TCP,
            libc::TCP_NODELAY,
            (&raw const on).cast(),
            size_of::<libc::c_int>() as libc::socklen_t,
        )
    };
    if status < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

#[inline]
pub(super) fn again_if_interrupted(mut call: impl FnMut() -> isize) -> io::Result<usize> {
    loop {
        if let Ok(count) = usize::try_from(call()) {
            return Ok(count);
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}
