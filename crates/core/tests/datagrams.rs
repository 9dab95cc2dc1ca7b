//! Datagrams over the loopback interface.

use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use proptest::prelude::{any, prop_assert_eq, proptest};
use tepal_core::datagram::{Address, BATCH, Batch, send_to};

fn pair(host: &str) -> Option<(UdpSocket, UdpSocket)> {
    let one = UdpSocket::bind((host, 0)).ok()?;
    let other = UdpSocket::bind((host, 0)).ok()?;
    Some((one, other))
}

fn wait_until_readable(socket: &UdpSocket) {
    socket
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    socket.peek(&mut [0]).unwrap();
}

#[test]
fn several_come_at_once_and_in_order() {
    for host in ["127.0.0.1", "::1"] {
        let Some((one, other)) = pair(host) else {
            continue;
        };
        let to = Address::new(other.local_addr().unwrap());
        for number in 0..BATCH as u8 + 3 {
            send_to(one.as_raw_fd(), &[number; 3], &to).unwrap();
        }
        let mut batch = Batch::new(1000);
        let mut received = Vec::new();
        while received.len() < BATCH + 3 {
            wait_until_readable(&other);
            for index in 0..batch.receive(other.as_raw_fd()).unwrap() {
                let (datagram, from) = batch.get(index);
                assert_eq!(from.internet(), Some(one.local_addr().unwrap()));
                received.push(datagram.to_vec());
            }
        }
        let expected: Vec<_> = (0..BATCH as u8 + 3).map(|number| vec![number; 3]).collect();
        assert_eq!(received, expected);
        let nothing = batch.receive(other.as_raw_fd()).unwrap_err();
        assert_eq!(nothing.kind(), std::io::ErrorKind::WouldBlock);
    }
}

#[test]
fn empty_and_too_large_ones() {
    let (one, other) = pair("127.0.0.1").unwrap();
    let to = Address::new(other.local_addr().unwrap());
    let mut batch = Batch::new(4);
    for (sent, expected) in [(&b""[..], &b""[..]), (b"abcdef", b"abcd"), (b"xy", b"xy")] {
        send_to(one.as_raw_fd(), sent, &to).unwrap();
        wait_until_readable(&other);
        assert_eq!(batch.receive(other.as_raw_fd()).unwrap(), 1);
        assert_eq!(batch.get(0).0, expected);
    }
}

#[test]
fn a_sender_without_a_name() {
    let (one, other) = UnixDatagram::pair().unwrap();
    one.send(b"x").unwrap();
    let mut batch = Batch::new(10);
    assert_eq!(batch.receive(other.as_raw_fd()).unwrap(), 1);
    let (datagram, from) = batch.get(0);
    assert_eq!((datagram, from.internet()), (&b"x"[..], None));
    assert!(from.is_absent());
}

#[test]
fn errors_of_the_kernel() {
    let (one, _) = pair("127.0.0.1").unwrap();
    let to = Address::new(one.local_addr().unwrap());
    let error = send_to(one.as_raw_fd(), &[0; 70_000], &to).unwrap_err();
    assert_eq!(error.raw_os_error(), Some(libc::EMSGSIZE));
    assert_eq!(
        send_to(-1, b"", &to).unwrap_err().raw_os_error(),
        Some(libc::EBADF)
    );
    assert_eq!(
        Batch::new(1).receive(-1).unwrap_err().raw_os_error(),
        Some(libc::EBADF)
    );
}

proptest! {
    #[test]
    fn an_address_comes_back_as_it_went(address in any::<SocketAddr>()) {
        let there = Address::new(address);
        prop_assert_eq!(there.internet(), Some(address));
        prop_assert_eq!(there, Address::new(address));
    }
}
