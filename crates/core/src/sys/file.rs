//! Files that are sent to sockets without passing through this process.

use std::io;
use std::os::fd::RawFd;

use super::socket::again_if_interrupted;

/// The most that one [`send_to_socket`] sends (bytes), so that a socket whose peer keeps up with us cannot stop the loop.
const MOST_AT_ONCE: usize = 4 * 1024 * 1024;

/// Sends a part of a file to a non-blocking socket (`man 2 sendfile`); gives the number of bytes, 0 at the end of the file.
/// The file's position stays.
///
/// # Errors
/// `WouldBlock` if the socket takes nothing now; `EINVAL` for a file that cannot be sent in this way; `EPIPE`, `EBADF`, ...
pub fn send_to_socket(socket: RawFd, file: RawFd, offset: i64, count: usize) -> io::Result<usize> {
    let mut offset = offset as libc::off_t;
    again_if_interrupted(|| {
        // SAFETY: the pointer is to an offset that outlives the call.
        unsafe { libc::sendfile(socket, file, &raw mut offset, count.min(MOST_AT_ONCE)) }
    })
}

/// Sets the file's position (bytes from its beginning).
///
/// # Errors
/// `ESPIPE` for a pipe; `EBADF`.
pub fn seek_to(file: RawFd, offset: i64) -> io::Result<()> {
    // SAFETY: takes no pointers.
    if unsafe { libc::lseek(file, offset as libc::off_t, libc::SEEK_SET) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::{self, Read, Seek};
    use std::os::fd::AsRawFd;
    use std::os::unix::net::UnixStream;

    use super::{seek_to, send_to_socket};

    #[test]
    fn a_part_of_a_file() -> io::Result<()> {
        let expected = std::fs::read("Cargo.toml")?;
        let mut file = File::open("Cargo.toml")?;
        let (near, mut far) = UnixStream::pair()?;
        let sent = send_to_socket(near.as_raw_fd(), file.as_raw_fd(), 3, 10)?;
        assert_eq!(sent, 10);
        let mut place = [0; 10];
        far.read_exact(&mut place)?;
        assert_eq!(place, expected[3..13]);
        assert_eq!(file.stream_position()?, 0);
        seek_to(file.as_raw_fd(), 13)?;
        assert_eq!(file.stream_position()?, 13);
        let end = expected.len() as i64;
        assert_eq!(
            send_to_socket(near.as_raw_fd(), file.as_raw_fd(), end, 10)?,
            0
        );
        assert!(seek_to(near.as_raw_fd(), 0).is_err());
        Ok(())
    }
}
