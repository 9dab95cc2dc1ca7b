//! What a wait reports. Every wait here ends by itself within ten seconds.

use std::io::{Read, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;

use tepal_core::constants::MAXIMUM_EVENT_CAPACITY;
use tepal_core::{Event, EventBuffer, Interest, Reactor, Timeout, monotonic_ns};

const READABLE: Interest = Interest::READABLE;
const WRITABLE: Interest = Interest::WRITABLE;
const LONG: Timeout = Timeout::After(10_000_000_000);

/// What one wait reports: fd, readable, writable; by fd.
fn wait(reactor: &Reactor, timeout: Timeout) -> Vec<(RawFd, bool, bool)> {
    let mut events = EventBuffer::new(64);
    reactor.poller().wait(&mut events, timeout).unwrap();
    let mut seen: Vec<_> = events
        .iter()
        .inspect(|event| assert!(reactor.is_current(event.token)))
        .map(|event| (event.token.fd, event.readable, event.writable))
        .collect();
    assert_eq!(
        (seen.len(), seen.is_empty()),
        (events.len(), events.is_empty())
    );
    seen.sort_unstable();
    seen
}

#[test]
fn reports_what_is_asked_for_as_long_as_it_holds() {
    let mut reactor = Reactor::new().unwrap();
    let (mut near, mut far) = UnixStream::pair().unwrap();
    let fd = near.as_raw_fd();
    reactor.set_interest(fd, READABLE).unwrap();
    assert_eq!(wait(&reactor, Timeout::Now), []);
    far.write_all(b"x").unwrap();
    assert_eq!(wait(&reactor, LONG), [(fd, true, false)]);
    assert_eq!(wait(&reactor, LONG), [(fd, true, false)], "level-triggered");
    reactor.set_interest(fd, READABLE.with(WRITABLE)).unwrap();
    assert_eq!(wait(&reactor, LONG), [(fd, true, true)]);
    near.read_exact(&mut [0]).unwrap();
    assert_eq!(wait(&reactor, LONG), [(fd, false, true)]);
    reactor.set_interest(fd, READABLE).unwrap();
    assert_eq!(wait(&reactor, Timeout::Now), []);
}

#[test]
fn a_hang_up_wakes_readers_and_writers() {
    let mut reactor = Reactor::new().unwrap();
    let (near, far) = UnixStream::pair().unwrap();
    reactor.set_interest(near.as_raw_fd(), READABLE).unwrap();
    drop(far);
    assert_eq!(wait(&reactor, LONG), [(near.as_raw_fd(), true, true)]);
}

#[test]
fn an_error_wakes_readers_and_writers() {
    let mut reactor = Reactor::new().unwrap();
    let (reader, writer) = std::io::pipe().unwrap();
    reactor.set_interest(writer.as_raw_fd(), WRITABLE).unwrap();
    assert_eq!(wait(&reactor, LONG), [(writer.as_raw_fd(), false, true)]);
    drop(reader);
    assert_eq!(wait(&reactor, LONG), [(writer.as_raw_fd(), true, true)]);
}

#[test]
fn waits_as_long_as_asked() {
    let reactor = Reactor::new().unwrap();
    for nanoseconds in [0, 1, 50_000, 1_500_000, 12_000_000] {
        let begun = monotonic_ns();
        assert_eq!(wait(&reactor, Timeout::After(nanoseconds)), []);
        assert!(monotonic_ns() - begun >= nanoseconds);
    }
}

#[test]
fn a_registration_made_during_a_wait_counts() {
    let mut reactor = Reactor::new().unwrap();
    let (near, _far) = UnixStream::pair().unwrap();
    let fd = near.as_raw_fd();
    let poller = reactor.poller();
    let waiting = std::thread::spawn(move || {
        let mut events = EventBuffer::new(8);
        poller.wait(&mut events, LONG).unwrap();
        events.iter().collect::<Vec<Event>>()
    });
    let token = reactor.set_interest(fd, WRITABLE).unwrap();
    let expected = Event {
        token,
        readable: false,
        writable: true,
        exceptional: false,
    };
    assert_eq!(waiting.join().unwrap(), [expected]);
}

#[test]
fn a_full_buffer_grows_and_nothing_is_lost() {
    let mut reactor = Reactor::new().unwrap();
    let pairs: Vec<_> = (0..20).map(|_| UnixStream::pair().unwrap()).collect();
    for (near, _far) in &pairs {
        reactor.set_interest(near.as_raw_fd(), WRITABLE).unwrap();
    }
    let mut events = EventBuffer::new(0);
    assert_eq!(events.capacity(), 1, "a wait needs room for one");
    let mut seen = Vec::new();
    for _ in 0..6 {
        reactor.poller().wait(&mut events, LONG).unwrap();
        seen.push(events.len());
    }
    assert_eq!(seen, [1, 2, 4, 8, 16, 20]);
    events.clear();
    assert!(events.is_empty());
    assert_eq!(
        EventBuffer::new(usize::MAX).capacity(),
        MAXIMUM_EVENT_CAPACITY
    );
}

#[test]
fn a_small_buffer_serves_everyone_in_turn() {
    let mut reactor = Reactor::new().unwrap();
    let pairs: Vec<_> = (0..3).map(|_| UnixStream::pair().unwrap()).collect();
    let mut missing: Vec<RawFd> = Vec::new();
    for (near, _far) in &pairs {
        reactor.set_interest(near.as_raw_fd(), WRITABLE).unwrap();
        missing.push(near.as_raw_fd());
    }
    for _ in 0..3 {
        let mut events = EventBuffer::new(1);
        reactor.poller().wait(&mut events, LONG).unwrap();
        let fd = events.iter().next().unwrap().token.fd;
        missing.retain(|&other| other != fd);
    }
    assert_eq!(missing, [], "the kernel goes round");
}

#[test]
fn edges_are_reported_once_each_time() {
    let mut reactor = Reactor::new().unwrap();
    let (mut near, mut far) = UnixStream::pair().unwrap();
    let fd = near.as_raw_fd();
    reactor.set_interest(fd, Interest::EDGES).unwrap();
    assert_eq!(wait(&reactor, LONG), [(fd, false, true)]);
    assert_eq!(
        wait(&reactor, Timeout::Now),
        [],
        "still writable, but no edge"
    );
    far.write_all(b"x").unwrap();
    assert_eq!(wait(&reactor, LONG), [(fd, true, true)]);
    assert_eq!(wait(&reactor, Timeout::Now), [], "nothing new has arrived");
    far.write_all(b"y").unwrap();
    assert_eq!(wait(&reactor, LONG), [(fd, true, true)]);
    near.read_exact(&mut [0, 0]).unwrap();
    reactor.set_interest(fd, READABLE).unwrap();
    far.write_all(b"z").unwrap();
    for _ in 0..2 {
        assert_eq!(
            wait(&reactor, LONG),
            [(fd, true, false)],
            "level-triggered again"
        );
    }
}
