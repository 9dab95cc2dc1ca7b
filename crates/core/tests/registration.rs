//! Registering, and what happens when fds are closed and opened again without telling the reactor.
//!
//! These cases close fds and count on getting the same numbers again, so one runs at a time.

use std::fs::File;
use std::io::Write;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tepal_core::{EventBuffer, Interest, Reactor, Timeout, Token};

const READABLE: Interest = Interest::READABLE;
const WRITABLE: Interest = Interest::WRITABLE;

fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn tokens(reactor: &Reactor) -> Vec<Token> {
    let mut events = EventBuffer::new(64);
    reactor.poller().wait(&mut events, Timeout::Now).unwrap();
    events.iter().map(|event| event.token).collect()
}

/// Closes `stream` and opens another under the same number.
fn reopened(stream: UnixStream) -> (UnixStream, UnixStream) {
    let fd = stream.as_raw_fd();
    drop(stream);
    let (near, far) = UnixStream::pair().unwrap();
    assert_eq!(near.as_raw_fd(), fd, "the lowest free fd");
    (near, far)
}

fn error_number<T: std::fmt::Debug>(answer: std::io::Result<T>) -> Option<i32> {
    answer.unwrap_err().raw_os_error()
}

#[test]
fn interest_is_what_was_last_set() {
    let _alone = alone();
    let mut reactor = Reactor::new().unwrap();
    let (near, _far) = UnixStream::pair().unwrap();
    let fd = near.as_raw_fd();
    assert_eq!(reactor.interest(fd), Interest::NONE);
    for interest in [
        READABLE,
        READABLE.with(WRITABLE),
        WRITABLE,
        Interest::NONE,
        READABLE,
    ] {
        reactor.set_interest(fd, interest).unwrap();
        assert_eq!(reactor.interest(fd), interest);
    }
}

#[test]
fn events_of_an_earlier_registration_are_not_current() {
    let _alone = alone();
    let mut reactor = Reactor::new().unwrap();
    let (near, _far) = UnixStream::pair().unwrap();
    let fd = near.as_raw_fd();
    let first = reactor.set_interest(fd, WRITABLE).unwrap();
    let reported = tokens(&reactor);
    assert_eq!(reported, [first]);
    assert!(reactor.is_current(first));
    reactor.set_interest(fd, Interest::NONE).unwrap();
    assert!(!reactor.is_current(first));
    let (near, _far) = reopened(near);
    let second = reactor.set_interest(near.as_raw_fd(), WRITABLE).unwrap();
    assert!(reactor.is_current(second) && !reactor.is_current(first));
    assert_eq!(tokens(&reactor), [second]);
}

#[test]
fn an_fd_closed_and_reopened_unnoticed_works_again_with_the_same_interest() {
    let _alone = alone();
    let mut reactor = Reactor::new().unwrap();
    let (near, _far) = UnixStream::pair().unwrap();
    let first = reactor.set_interest(near.as_raw_fd(), READABLE).unwrap();
    let (near, mut far) = reopened(near);
    let second = reactor.set_interest(near.as_raw_fd(), READABLE).unwrap();
    assert_ne!(first, second);
    far.write_all(b"x").unwrap();
    assert_eq!(tokens(&reactor), [second]);
}

#[test]
fn a_duplicate_that_keeps_a_closed_fd_alive_is_told_apart() {
    let _alone = alone();
    let mut reactor = Reactor::new().unwrap();
    let (near, mut far) = UnixStream::pair().unwrap();
    let first = reactor.set_interest(near.as_raw_fd(), READABLE).unwrap();
    let duplicate = near.try_clone().unwrap();
    let (near, _other) = reopened(near);
    let second = reactor.set_interest(near.as_raw_fd(), READABLE).unwrap();
    far.write_all(b"x").unwrap();
    assert_eq!(
        tokens(&reactor),
        [first],
        "the kernel still reports the duplicate's file"
    );
    assert!(!reactor.is_current(first) && reactor.is_current(second));
    drop(duplicate);
    assert_eq!(tokens(&reactor), []);
}

#[test]
fn deregistering_a_closed_fd_succeeds() {
    let _alone = alone();
    let mut reactor = Reactor::new().unwrap();
    let (near, _far) = UnixStream::pair().unwrap();
    let fd = near.as_raw_fd();
    reactor.set_interest(fd, READABLE).unwrap();
    drop(near);
    reactor.set_interest(fd, Interest::NONE).unwrap();
    assert_eq!(reactor.interest(fd), Interest::NONE);
    reactor.set_interest(fd, Interest::NONE).unwrap();
}

#[test]
fn deregistering_an_fd_that_has_become_a_file_succeeds() {
    let _alone = alone();
    let mut reactor = Reactor::new().unwrap();
    let (near, _far) = UnixStream::pair().unwrap();
    let fd = near.as_raw_fd();
    reactor.set_interest(fd, READABLE).unwrap();
    drop(near);
    let file = File::open("Cargo.toml").unwrap();
    assert_eq!(file.as_raw_fd(), fd, "the lowest free fd");
    reactor.set_interest(fd, Interest::NONE).unwrap();
    assert_eq!(
        error_number(reactor.set_interest(fd, READABLE)),
        Some(libc::EPERM)
    );
}

#[test]
fn modifying_a_closed_fd_fails() {
    let _alone = alone();
    let mut reactor = Reactor::new().unwrap();
    let (near, _far) = UnixStream::pair().unwrap();
    let fd = near.as_raw_fd();
    let token = reactor.set_interest(fd, READABLE).unwrap();
    drop(near);
    assert_eq!(
        error_number(reactor.set_interest(fd, WRITABLE)),
        Some(libc::EBADF)
    );
    assert!(!reactor.is_current(token));
}

#[test]
fn what_is_no_open_fd_is_refused() {
    let _alone = alone();
    let mut reactor = Reactor::new().unwrap();
    for fd in [-1, RawFd::MIN, RawFd::MAX, 1_000_000] {
        assert_eq!(
            error_number(reactor.set_interest(fd, READABLE)),
            Some(libc::EBADF)
        );
        reactor.set_interest(fd, Interest::NONE).unwrap();
        assert_eq!(reactor.interest(fd), Interest::NONE);
        for generation in [0, 1, u32::MAX] {
            assert!(!reactor.is_current(Token { fd, generation }));
        }
    }
}

#[test]
fn closing_closes_both_fds_once() {
    let _alone = alone();
    let before = open_fds();
    let mut reactor = Reactor::new().unwrap();
    assert_eq!(open_fds(), before + 2);
    let (near, _far) = UnixStream::pair().unwrap();
    let token = reactor.set_interest(near.as_raw_fd(), READABLE).unwrap();
    let waker = reactor.waker();
    let epoll = reactor.fd();
    reactor.close();
    assert_eq!(open_fds(), before + 2, "the pair alone");
    let taken = File::open("Cargo.toml").unwrap();
    assert_eq!(taken.as_raw_fd(), epoll, "the lowest free fd");
    reactor.close();
    reactor.forget_after_fork();
    taken
        .metadata()
        .expect("still open, though its number was the reactor's");
    assert_eq!(reactor.fd(), -1);
    assert!(!reactor.is_current(token));
    assert_eq!(
        error_number(reactor.set_interest(near.as_raw_fd(), READABLE)),
        Some(libc::EBADF)
    );
    let mut events = EventBuffer::new(1);
    assert_eq!(
        error_number(reactor.poller().wait(&mut events, Timeout::Now)),
        Some(libc::EBADF)
    );
    waker.prepare_sleep();
    waker.wake().unwrap();
}

#[test]
fn dropping_closes_though_a_waker_is_left() {
    let _alone = alone();
    let before = open_fds();
    let reactor = Reactor::new().unwrap();
    let waker = reactor.waker();
    drop(reactor);
    assert_eq!(open_fds(), before);
    waker.prepare_sleep();
    waker.wake().unwrap();
}

#[test]
fn a_forked_childs_copies_are_closed() {
    let _alone = alone();
    let before = open_fds();
    let mut reactor = Reactor::new().unwrap();
    reactor.forget_after_fork();
    assert_eq!(open_fds(), before);
    assert_eq!(
        error_number(reactor.set_interest(0, READABLE)),
        Some(libc::EBADF)
    );
}

fn open_fds() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}
