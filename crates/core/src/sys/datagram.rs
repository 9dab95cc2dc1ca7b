//! Datagram sockets: receiving several at once, sending one. Nothing here ever blocks, as in [`super::socket`].

use std::io;
use std::mem::{size_of, zeroed};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::RawFd;

/// How many datagrams one [`Batch`] takes.
pub const BATCH: usize = 8;

/// The address of a peer, in the kernel's form (`man 7 ip`, `man 7 ipv6`, `man 7 unix`).
#[derive(Clone, Copy)]
pub struct Address {
    storage: libc::sockaddr_storage,
    length: libc::socklen_t,
}

impl std::fmt::Debug for Address {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.internet() {
            Some(address) => write!(out, "Address({address})"),
            None => write!(
                out,
                "Address(family {}, {} bytes)",
                self.storage.ss_family, self.length
            ),
        }
    }
}

impl PartialEq for Address {
    fn eq(&self, other: &Address) -> bool {
        self.bytes() == other.bytes()
    }
}

impl Default for Address {
    fn default() -> Address {
        Address {
            // SAFETY: an all-zero sockaddr_storage is valid: plain numbers, the family being AF_UNSPEC.
            storage: unsafe { zeroed() },
            length: 0,
        }
    }
}

impl Address {
    /// The kernel's form of an Internet address.
    pub fn new(address: SocketAddr) -> Address {
        let mut made = Address::default();
        let place = &raw mut made.storage;
        match address {
            SocketAddr::V4(address) => {
                // SAFETY: all zero is a valid sockaddr_in.
                let mut internet: libc::sockaddr_in = unsafe { zeroed() };
                internet.sin_family = libc::AF_INET as libc::sa_family_t;
                internet.sin_port = address.port().to_be();
                internet.sin_addr.s_addr = u32::from_ne_bytes(address.ip().octets());
                // SAFETY: a sockaddr_storage is as large and as aligned as any address.
                unsafe { place.cast::<libc::sockaddr_in>().write(internet) };
                made.length = size_of::<libc::sockaddr_in>() as libc::socklen_t;
            }
            SocketAddr::V6(address) => {
                // SAFETY: all zero is a valid sockaddr_in6.
                let mut internet: libc::sockaddr_in6 = unsafe { zeroed() };
                internet.sin6_family = libc::AF_INET6 as libc::sa_family_t;
                internet.sin6_port = address.port().to_be();
                internet.sin6_flowinfo = address.flowinfo().to_be();
                internet.sin6_addr.s6_addr = address.ip().octets();
                internet.sin6_scope_id = address.scope_id();
                // SAFETY: as above.
                unsafe { place.cast::<libc::sockaddr_in6>().write(internet) };
                made.length = size_of::<libc::sockaddr_in6>() as libc::socklen_t;
            }
        }
        made
    }

    /// The address that a system call writes, and what else it answers: -1 for an error.
    pub(super) fn written_by(
        call: impl FnOnce(*mut libc::sockaddr, *mut libc::socklen_t) -> libc::c_int,
    ) -> io::Result<(libc::c_int, Address)> {
        let mut made = Address {
            length: size_of::<libc::sockaddr_storage>() as libc::socklen_t,
            ..Address::default()
        };
        let answer = call((&raw mut made.storage).cast(), &raw mut made.length);
        if answer < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok((answer, made))
    }

    /// The address, if it is one of the Internet; `None` for any other family.
    pub fn internet(&self) -> Option<SocketAddr> {
        let family = i32::from(self.storage.ss_family);
        let length = self.length as usize;
        let place = &raw const self.storage;
        if family == libc::AF_INET && length >= size_of::<libc::sockaddr_in>() {
            // SAFETY: the family and the length say that a sockaddr_in was written here.
            let address = unsafe { place.cast::<libc::sockaddr_in>().read() };
            let ip = Ipv4Addr::from(address.sin_addr.s_addr.to_ne_bytes());
            return Some(SocketAddrV4::new(ip, u16::from_be(address.sin_port)).into());
        }
        if family == libc::AF_INET6 && length >= size_of::<libc::sockaddr_in6>() {
            // SAFETY: as above, a sockaddr_in6.
            let address = unsafe { place.cast::<libc::sockaddr_in6>().read() };
            let flow = u32::from_be(address.sin6_flowinfo);
            let port = u16::from_be(address.sin6_port);
            let ip = Ipv6Addr::from(address.sin6_addr.s6_addr);
            return Some(SocketAddrV6::new(ip, port, flow, address.sin6_scope_id).into());
        }
        None
    }

    /// Whether the kernel named no sender: a Unix socket without a name, or a peer that is known anyway.
    pub fn is_absent(&self) -> bool {
        self.length == 0
    }

    fn bytes(&self) -> &[u8] {
        let length = (self.length as usize).min(size_of::<libc::sockaddr_storage>());
        // SAFETY: the first `length` bytes of a sockaddr_storage, all of which were initialized.
        unsafe { std::slice::from_raw_parts((&raw const self.storage).cast::<u8>(), length) }
    }
}

/// The text of an IPv6 address as `inet_ntop(3)` gives it, and so Python: unlike Rust, it writes the end of an address that
/// is compatible with IPv4 (RFC 4291 2.5.5.1) as one of IPv4.
pub fn ipv6_text(ip: Ipv6Addr) -> String {
    let [first @ .., seventh, _] = ip.segments();
    if first == [0; 6] && seventh != 0 {
        let [.., a, b, c, d] = ip.octets();
        format!("::{}", Ipv4Addr::new(a, b, c, d))
    } else {
        ip.to_string()
    }
}

/// Room for [`BATCH`] datagrams and their senders.
pub struct Batch {
    /// [`BATCH`] parts of `size` bytes. Fresh zeroed memory of this size costs nothing before it is written to.
    buffers: Vec<u8>,
    size: usize,
    addresses: [Address; BATCH],
    lengths: [usize; BATCH],
}

impl Batch {
    /// Room for datagrams of at most `size` bytes; of larger ones the rest is lost, as with `recvfrom(size)`.
    pub fn new(size: usize) -> Batch {
        Batch {
            buffers: vec![0; size.max(1) * BATCH],
            size: size.max(1),
            addresses: [Address::default(); BATCH],
            lengths: [0; BATCH],
        }
    }

    /// Receives what has arrived, at most [`BATCH`] datagrams; gives how many (`man 2 recvmmsg`).
    ///
    /// # Errors
    /// `WouldBlock` if nothing has arrived; an error that an earlier send has caused (`ECONNREFUSED`); `EBADF`.
    pub fn receive(&mut self, fd: RawFd) -> io::Result<usize> {
        // SAFETY: all-zero iovecs and mmsghdrs are valid: no buffers, no names, no flags.
        let (mut parts, mut messages): ([libc::iovec; BATCH], [libc::mmsghdr; BATCH]) =
            unsafe { (zeroed(), zeroed()) };
        let rows = self.buffers.chunks_exact_mut(self.size);
        for (((part, message), row), address) in parts
            .iter_mut()
            .zip(&mut messages)
            .zip(rows)
            .zip(&mut self.addresses)
        {
            part.iov_base = row.as_mut_ptr().cast();
            part.iov_len = row.len();
            message.msg_hdr.msg_iov = part;
            message.msg_hdr.msg_iovlen = 1;
            message.msg_hdr.msg_name = (&raw mut address.storage).cast();
            message.msg_hdr.msg_namelen = size_of::<libc::sockaddr_storage>() as libc::socklen_t;
        }
        let count = loop {
            // SAFETY: each message points to one iovec, which points to `size` bytes of our buffers, and to an address
            // of ours; all of them outlive the call. Without a timeout and with MSG_DONTWAIT it does not block.
            let count = unsafe {
                libc::recvmmsg(
                    fd,
                    messages.as_mut_ptr(),
                    BATCH as libc::c_uint,
                    libc::MSG_DONTWAIT as _,
                    std::ptr::null_mut(),
                )
            };
            if let Ok(count) = usize::try_from(count) {
                break count;
            }
            let error = io::Error::last_os_error();
            if error.kind() != io::ErrorKind::Interrupted {
                return Err(error);
            }
        };
        for (index, message) in messages.iter().enumerate().take(count) {
            self.lengths[index] = (message.msg_len as usize).min(self.size);
            self.addresses[index].length = message.msg_hdr.msg_namelen;
        }
        Ok(count)
    }

    /// One of the datagrams that [`Self::receive`] has counted, and who sent it.
    ///
    /// # Panics
    /// If `index` is not below [`BATCH`].
    pub fn get(&self, index: usize) -> (&[u8], &Address) {
        let start = index * self.size;
        let datagram = &self.buffers[start..start + self.lengths[index]];
        (datagram, &self.addresses[index])
    }
}

/// Sends one datagram to `address`, or does nothing.
///
/// # Errors
/// `WouldBlock` if the kernel takes none now; what `man 2 sendto` lists.
pub fn send_to(fd: RawFd, bytes: &[u8], address: &Address) -> io::Result<()> {
    loop {
        // SAFETY: the pointers are to `len` readable bytes and to an address of `length` bytes, borrowed for the call.
        let sent = unsafe {
            libc::sendto(
                fd,
                bytes.as_ptr().cast(),
                bytes.len(),
                libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL,
                (&raw const address.storage).cast(),
                address.length,
            )
        };
        if sent >= 0 {
            return Ok(());
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::{CStr, c_char, c_int, c_void};

    unsafe extern "C" {
        /// arpa/inet.h
        fn inet_ntop(
            family: c_int,
            address: *const c_void,
            text: *mut c_char,
            size: libc::socklen_t,
        ) -> *const c_char;
    }

    /// As libc writes it.
    fn by_libc(ip: Ipv6Addr) -> String {
        let mut text = [0; 64];
        let octets = ip.octets();
        // SAFETY: 16 readable bytes, and 64 writable ones of which the longest text, with its NUL, needs 46.
        unsafe {
            let start = octets.as_ptr().cast();
            let end = inet_ntop(libc::AF_INET6, start, text.as_mut_ptr(), 64);
            assert!(!end.is_null());
            CStr::from_ptr(text.as_ptr()).to_string_lossy().into_owned()
        }
    }

    /// Numbers by chance (xorshift).
    fn chance(state: &mut u64) -> u64 {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        *state
    }

    #[test]
    fn ipv6_addresses_are_written_as_libc_does() {
        let mut state = 20_261_126;
        let rounds = if cfg!(miri) { 100 } else { 200_000 };
        for _ in 0..rounds {
            let mut words = [0_u16; 8];
            for word in &mut words {
                *word = match chance(&mut state) % 6 {
                    0..=2 => 0,
                    3 => 0xffff,
                    4 => 1,
                    _ => chance(&mut state) as u16,
                };
            }
            let ip = Ipv6Addr::from(words);
            if !cfg!(miri) {
                assert_eq!(ipv6_text(ip), by_libc(ip));
            }
            let address = SocketAddrV6::new(ip, words[0], u32::from(words[1]), 7);
            assert_eq!(
                Address::new(address.into()).internet(),
                Some(address.into())
            );
        }
    }

    #[test]
    fn any_bytes_are_an_address_or_none() {
        let mut state = 7;
        for round in 0..20_000 {
            let mut made = Address::default();
            // SAFETY: a sockaddr_storage is plain numbers, all of whose values are valid.
            unsafe {
                let place = (&raw mut made.storage).cast::<u8>();
                for index in 0..size_of::<libc::sockaddr_storage>() {
                    place.add(index).write(chance(&mut state) as u8);
                }
            }
            made.length = (chance(&mut state) % 200) as libc::socklen_t;
            made.storage.ss_family =
                [libc::AF_INET, libc::AF_INET6, libc::AF_UNIX, 77][round % 4] as libc::sa_family_t;
            let length = made.length as usize;
            let whole = match round % 4 {
                0 => length >= size_of::<libc::sockaddr_in>(),
                1 => length >= size_of::<libc::sockaddr_in6>(),
                _ => false,
            };
            assert_eq!(made.internet().is_some(), whole);
            assert!(made.bytes().len() <= size_of::<libc::sockaddr_storage>());
            assert!(made == made && !format!("{made:?}").is_empty());
        }
    }
}
