//! Wakeups from other threads. No wait here is for ever: a lost wakeup fails the test after ten seconds.

use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use tepal_core::{EventBuffer, Interest, Reactor, Timeout, Waker, monotonic_ns};

const LONG_NANOSECONDS: u64 = 10_000_000_000;
const LONG: Timeout = Timeout::After(LONG_NANOSECONDS);

/// Sleeps as a loop does until `queue` differs from `seen`, and returns how often it waited.
fn sleep_until_changed(reactor: &Reactor, waker: &Waker, queue: &AtomicU64, seen: u64) -> u32 {
    let mut events = EventBuffer::new(4);
    let mut waits = 0;
    loop {
        waker.prepare_sleep();
        // Relaxed on both sides: the order is the waker's to guarantee.
        let empty = queue.load(Ordering::Relaxed) == seen;
        if empty {
            let begun = monotonic_ns();
            reactor.poller().wait(&mut events, LONG).unwrap();
            assert!(
                monotonic_ns() - begun < LONG_NANOSECONDS,
                "a wakeup was lost"
            );
            assert!(events.is_empty(), "a wakeup is not shown");
            waits += 1;
        }
        waker.finish_sleep();
        if queue.load(Ordering::Relaxed) != seen {
            return waits;
        }
    }
}

#[test]
fn one_producer_never_loses_a_wakeup() {
    const ROUNDS: u64 = 20_000;
    let reactor = Reactor::new().unwrap();
    let waker = reactor.waker();
    let queue = Arc::new(AtomicU64::new(0));
    let taken = Arc::new(AtomicU64::new(0));
    let producer = {
        let (waker, queue, taken) = (Arc::clone(&waker), Arc::clone(&queue), Arc::clone(&taken));
        thread::spawn(move || {
            for round in 1..=ROUNDS {
                queue.store(round, Ordering::Relaxed);
                waker.wake().unwrap();
                // Some rounds meet the loop asleep, others while it falls asleep.
                while taken.load(Ordering::Acquire) < round {
                    if round % 3 == 0 {
                        thread::yield_now();
                    }
                }
            }
        })
    };
    for round in 1..=ROUNDS {
        sleep_until_changed(&reactor, &waker, &queue, round - 1);
        assert_eq!(queue.load(Ordering::Relaxed), round);
        taken.store(round, Ordering::Release);
    }
    producer.join().unwrap();
}

#[test]
fn many_producers_never_lose_a_wakeup() {
    const PRODUCERS: u64 = 4;
    const EACH: u64 = 5_000;
    let reactor = Reactor::new().unwrap();
    let waker = reactor.waker();
    let queue = Arc::new(AtomicU64::new(0));
    let producers: Vec<_> = (0..PRODUCERS)
        .map(|_| {
            let (waker, queue) = (Arc::clone(&waker), Arc::clone(&queue));
            thread::spawn(move || {
                for _ in 0..EACH {
                    queue.fetch_add(1, Ordering::Relaxed);
                    waker.wake().unwrap();
                    thread::yield_now();
                }
            })
        })
        .collect();
    let mut seen = 0;
    while seen < PRODUCERS * EACH {
        sleep_until_changed(&reactor, &waker, &queue, seen);
        seen = queue.load(Ordering::Relaxed);
    }
    for producer in producers {
        producer.join().unwrap();
    }
}

#[test]
fn a_wakeup_before_the_wait_ends_it() {
    let reactor = Reactor::new().unwrap();
    let waker = reactor.waker();
    waker.prepare_sleep();
    waker.wake().unwrap();
    let mut events = EventBuffer::new(4);
    let begun = monotonic_ns();
    reactor.poller().wait(&mut events, LONG).unwrap();
    assert!(monotonic_ns() - begun < LONG_NANOSECONDS);
    assert!(events.is_empty());
}

#[test]
fn a_wakeup_hides_no_event() {
    let mut reactor = Reactor::new().unwrap();
    let waker = reactor.waker();
    let pairs: Vec<_> = (0..3).map(|_| UnixStream::pair().unwrap()).collect();
    let mut expected = Vec::new();
    for (index, (near, _far)) in pairs.iter().enumerate() {
        expected.push(
            reactor
                .set_interest(near.as_raw_fd(), Interest::WRITABLE)
                .unwrap(),
        );
        if index == 0 {
            // Between the others, in the order in which the kernel reports.
            waker.prepare_sleep();
            waker.wake().unwrap();
        }
    }
    let mut events = EventBuffer::new(8);
    reactor.poller().wait(&mut events, LONG).unwrap();
    let tokens: Vec<_> = events.iter().map(|event| event.token).collect();
    assert_eq!(tokens, expected);
}

#[test]
fn closing_while_others_wake_writes_to_no_strangers_fd() {
    for _ in 0..200 {
        let mut reactor = Reactor::new().unwrap();
        let waker = reactor.waker();
        let wakers: Vec<_> = (0..2)
            .map(|_| {
                let waker = Arc::clone(&waker);
                thread::spawn(move || {
                    for _ in 0..50 {
                        waker.prepare_sleep();
                        waker.wake().expect("neither EBADF nor another fd's error");
                    }
                })
            })
            .collect();
        thread::yield_now();
        reactor.close();
        // Takes over the numbers just closed; a late write would put eight bytes into one of these.
        let (near, far) = UnixStream::pair().unwrap();
        for waker in wakers {
            waker.join().unwrap();
        }
        for mut stream in [&near, &far] {
            stream.set_nonblocking(true).unwrap();
            let error = std::io::Read::read(&mut stream, &mut [0; 8]).unwrap_err();
            assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
        }
    }
}

#[test]
fn crosses_threads() {
    fn sendable<T: Send>() {}
    fn shareable<T: Sync>() {}
    sendable::<Reactor>();
    sendable::<tepal_core::Poller>();
    sendable::<EventBuffer>();
    sendable::<Waker>();
    shareable::<Waker>();
}
