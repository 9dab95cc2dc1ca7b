//! Pipes, terminals and the like: reading, writing, what kind of file a descriptor is.
//!
//! The calls themselves do not wait only where the file is in non-blocking mode ([`set_nonblocking`]). A call that a signal
//! interrupted is made again, as PEP 475 has it. Writing to a pipe that nobody reads is an error where `SIGPIPE` is
//! ignored, as Python does when it starts.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::RawFd;

use super::socket::{MAXIMUM_BUFFERS, again_if_interrupted};

/// What a descriptor is open as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A pipe or a FIFO.
    Pipe,
    /// A socket.
    Socket,
    /// A terminal, `/dev/null` and the like.
    CharacterDevice,
    /// A regular file, a directory, a disk.
    Other,
}

/// What the descriptor is open as (`man 2 fstat`).
///
/// # Errors
/// `EBADF`.
pub fn kind_of(fd: RawFd) -> io::Result<FileKind> {
    let mut status = MaybeUninit::<libc::stat>::uninit();
    // SAFETY: the pointer is to memory for one `stat`, which the kernel fills.
    if unsafe { libc::fstat(fd, status.as_mut_ptr()) } < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: fstat succeeded, so it has filled all of it.
    let mode = unsafe { status.assume_init() }.st_mode;
    Ok(match mode & libc::S_IFMT {
        libc::S_IFIFO => FileKind::Pipe,
        libc::S_IFSOCK => FileKind::Socket,
        libc::S_IFCHR => FileKind::CharacterDevice,
        _ => FileKind::Other,
    })
}

/// Lets reads and writes of the open file fail with `WouldBlock` instead of waiting, for everybody who has it open.
///
/// # Errors
/// `EBADF`.
pub fn set_nonblocking(fd: RawFd) -> io::Result<()> {
    // SAFETY: takes no pointers.
    let flags = unsafe { libc::fcntl(fd, libc::F_GETFL) };
    if flags < 0 {
        return Err(io::Error::last_os_error());
    }
    if flags & libc::O_NONBLOCK != 0 {
        return Ok(());
    }
    // SAFETY: as above.
    if unsafe { libc::fcntl(fd, libc::F_SETFL, flags | libc::O_NONBLOCK) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// How much a pipe can hold (bytes); `None` for what is no pipe.
pub fn capacity(fd: RawFd) -> Option<usize> {
    // SAFETY: takes no pointers.
    let size = unsafe { libc::fcntl(fd, libc::F_GETPIPE_SZ) };
    usize::try_from(size).ok().filter(|size| *size > 0)
}

/// Reads what is there, at most as much as `buffer` holds; gives the number of bytes, 0 at the end.
///
/// # Errors
/// `WouldBlock` if nothing is there; what `man 2 read` lists (`EIO` of a terminal that was hung up, `EBADF`, ...).
#[inline]
pub fn read(fd: RawFd, buffer: &mut [u8]) -> io::Result<usize> {
    // SAFETY: initialized bytes are also valid as perhaps uninitialized ones, and `read_uninitialized` only writes
    // initialized bytes into them.
    let buffer = unsafe {
        std::slice::from_raw_parts_mut(buffer.as_mut_ptr().cast::<MaybeUninit<u8>>(), buffer.len())
    };
    read_uninitialized(fd, buffer)
}

/// As [`read`], into memory that need not be initialized: as many bytes as the answer says then are.
///
/// # Errors
/// As [`read`].
#[inline]
pub fn read_uninitialized(fd: RawFd, buffer: &mut [MaybeUninit<u8>]) -> io::Result<usize> {
    again_if_interrupted(|| {
        // SAFETY: the pointer is to `len` writable bytes, borrowed exclusively for the whole call.
        unsafe { libc::read(fd, buffer.as_mut_ptr().cast(), buffer.len()) }
    })
}

/// Writes what the file takes at once; gives the number of bytes.
///
/// # Errors
/// `WouldBlock` if it takes nothing now; what `man 2 write` lists (`EPIPE`, `EBADF`, ...).
#[inline]
pub fn write(fd: RawFd, bytes: &[u8]) -> io::Result<usize> {
    again_if_interrupted(|| {
        // SAFETY: the pointer is to `len` readable bytes, borrowed for the whole call.
        unsafe { libc::write(fd, bytes.as_ptr().cast(), bytes.len()) }
    })
}

/// As [`write`], from several buffers, one after the other; at most [`MAXIMUM_BUFFERS`] of them are looked at.
///
/// # Errors
/// As [`write`].
#[inline]
pub fn write_vectored(fd: RawFd, buffers: &[io::IoSlice<'_>]) -> io::Result<usize> {
    let count = buffers.len().min(MAXIMUM_BUFFERS);
    again_if_interrupted(|| {
        // SAFETY: `IoSlice` has the layout of `iovec` on Unix (its documentation promises it); the buffers outlive the
        // call.
        unsafe { libc::writev(fd, buffers.as_ptr().cast(), count as libc::c_int) }
    })
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::{self, IoSlice};
    use std::os::fd::AsRawFd;
    use std::os::unix::net::UnixStream;

    use super::{FileKind, capacity, kind_of, read, set_nonblocking, write, write_vectored};

    #[test]
    fn kinds() -> io::Result<()> {
        let (reading, _writing) = io::pipe()?;
        let (socket, _other) = UnixStream::pair()?;
        assert_eq!(kind_of(reading.as_raw_fd())?, FileKind::Pipe);
        assert_eq!(kind_of(socket.as_raw_fd())?, FileKind::Socket);
        let null = File::open("/dev/null")?;
        assert_eq!(kind_of(null.as_raw_fd())?, FileKind::CharacterDevice);
        let regular = File::open("Cargo.toml")?;
        assert_eq!(kind_of(regular.as_raw_fd())?, FileKind::Other);
        assert!(capacity(reading.as_raw_fd()).is_some() && capacity(socket.as_raw_fd()).is_none());
        assert!(kind_of(-1).is_err());
        Ok(())
    }

    #[test]
    fn both_ways_without_waiting() -> io::Result<()> {
        let (reading, writing) = io::pipe()?;
        let (reading, writing) = (reading.as_raw_fd(), writing.as_raw_fd());
        set_nonblocking(reading)?;
        set_nonblocking(writing)?;
        let mut place = [0; 16];
        let empty = read(reading, &mut place).map_err(|error| error.kind());
        assert_eq!(empty, Err(io::ErrorKind::WouldBlock));
        assert_eq!(write(writing, b"one")?, 3);
        assert_eq!(
            write_vectored(writing, &[IoSlice::new(b"tw"), IoSlice::new(b"o")])?,
            3
        );
        assert_eq!(read(reading, &mut place)?, 6);
        assert_eq!(&place[..6], b"onetwo");
        Ok(())
    }

    #[test]
    fn the_end_and_nobody_who_reads() -> io::Result<()> {
        let (reading, writing) = io::pipe()?;
        drop(writing);
        assert_eq!(read(reading.as_raw_fd(), &mut [0; 4])?, 0);
        let (reading, writing) = io::pipe()?;
        drop(reading);
        // Rust's runtime ignores SIGPIPE, as Python's does.
        let refused = write(writing.as_raw_fd(), b"x").map_err(|error| error.kind());
        assert_eq!(refused, Err(io::ErrorKind::BrokenPipe));
        Ok(())
    }
}
