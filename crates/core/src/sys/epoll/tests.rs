//! The kernel's own behaviour, as far as the contract of `sys` rests on it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use super::{Epoll, EpollEvents, milliseconds_rounded_up, wait, wait_as_finely_as_possible};
use crate::event::{Interest, Timeout, Token};
use crate::sys::{Registrar, WakeSource, monotonic_ns};

const TOKEN: Token = Token {
    fd: 77,
    generation: 3,
};

/// An epoll with one registered eventfd that is readable, so that each wait reports it.
fn epoll_with_readable() -> (Epoll, WakeSource) {
    let epoll = Epoll::new().unwrap();
    let readable = WakeSource::new().unwrap();
    epoll.add(readable.fd(), Interest::READABLE, TOKEN).unwrap();
    WakeSource::signal(readable.fd()).unwrap();
    (epoll, readable)
}

#[test]
fn rounds_up_to_milliseconds() {
    for (nanoseconds, milliseconds) in [
        (0, 0),
        (1, 1),
        (1_000_000, 1),
        (1_000_001, 2),
        (u64::MAX, i32::MAX),
    ] {
        assert_eq!(milliseconds_rounded_up(nanoseconds), milliseconds);
    }
}

#[test]
fn is_never_early_on_either_path() {
    let epoll = Epoll::new().unwrap();
    let mut events = EpollEvents::new(4);
    for milliseconds_only in [false, true] {
        for nanoseconds in [1, 300_000, 1_000_001, 3_700_000] {
            let path = AtomicBool::new(milliseconds_only);
            let timeout = Timeout::After(nanoseconds);
            let begun = monotonic_ns();
            wait_as_finely_as_possible(epoll.fd(), &mut events, timeout, &path).unwrap();
            assert!(monotonic_ns() - begun >= nanoseconds);
            assert_eq!(events.len(), 0);
        }
    }
}

/// Makes the kernel refuse `epoll_pwait2` to this thread, as an old one or a container's filter does.
fn forbid_pwait2(error: i32) {
    let line = |code: u32, jt: u8, jf: u8, k: u32| libc::sock_filter {
        code: code as u16,
        jt,
        jf,
        k,
    };
    let number = std::mem::offset_of!(libc::seccomp_data, nr) as u32;
    let mut lines = [
        line(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, number),
        line(
            libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K,
            0,
            1,
            libc::SYS_epoll_pwait2 as u32,
        ),
        line(
            libc::BPF_RET | libc::BPF_K,
            0,
            0,
            libc::SECCOMP_RET_ERRNO | error as u32,
        ),
        line(libc::BPF_RET | libc::BPF_K, 0, 0, libc::SECCOMP_RET_ALLOW),
    ];
    let program = libc::sock_fprog {
        len: lines.len() as u16,
        filter: lines.as_mut_ptr(),
    };
    // SAFETY: takes numbers only; it concerns this thread, which a test has made for itself.
    let status = unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) };
    assert_eq!(status, 0, "{}", std::io::Error::last_os_error());
    let mode = libc::SECCOMP_MODE_FILTER;
    // SAFETY: `program` and its `lines` are alive for the whole call, which copies them.
    let status = unsafe { libc::prctl(libc::PR_SET_SECCOMP, mode, &raw const program) };
    assert_eq!(status, 0, "{}", std::io::Error::last_os_error());
}

#[test]
fn falls_back_where_nanoseconds_are_refused() {
    for error in [libc::ENOSYS, libc::EPERM] {
        let body = move || {
            forbid_pwait2(error);
            let path = AtomicBool::new(false);
            let (epoll, _readable) = epoll_with_readable();
            let mut events = EpollEvents::new(4);
            let mut wait = |timeout| {
                wait_as_finely_as_possible(epoll.fd(), &mut events, timeout, &path).unwrap();
                events.len()
            };
            assert_eq!(wait(Timeout::After(1)), 1);
            assert!(path.load(Ordering::Relaxed), "remembered");
            assert_eq!(wait(Timeout::After(1)), 1);
            assert_eq!(wait(Timeout::Now), 1);
            assert_eq!(wait(Timeout::Forever), 1);
        };
        std::thread::spawn(body).join().unwrap();
    }
}

#[test]
fn a_signal_interrupts_and_leaves_the_decision_to_the_caller() {
    extern "C" fn ignore(_signal: i32) {}

    let handler = ignore as extern "C" fn(i32) as libc::sighandler_t;
    // SAFETY: the handler does nothing, so it is safe at any moment; no other test uses this signal.
    let earlier = unsafe { libc::signal(libc::SIGUSR1, handler) };
    assert_ne!(earlier, libc::SIG_ERR);
    let epoll = Epoll::new().unwrap();
    // SAFETY: takes and returns plain numbers.
    let waiting = unsafe { libc::pthread_self() };
    let (done, finished) = mpsc::channel::<()>();
    let sender = std::thread::spawn(move || {
        // Again and again, as the first may come before the wait has begun.
        while finished.recv_timeout(Duration::from_millis(2))
            == Err(mpsc::RecvTimeoutError::Timeout)
        {
            // SAFETY: the waiting thread joins this one before it ends, so the id is valid.
            assert_eq!(unsafe { libc::pthread_kill(waiting, libc::SIGUSR1) }, 0);
        }
    });
    for timeout in [Timeout::After(20_000_000_000), Timeout::Forever] {
        let mut events = EpollEvents::new(4);
        let error = wait(epoll.fd(), &mut events, timeout).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::Interrupted);
        assert_eq!(events.len(), 0);
    }
    drop(done);
    sender.join().unwrap();
}

#[test]
fn a_childs_closing_leaves_the_parents_registrations() {
    let (epoll, readable) = epoll_with_readable();
    // SAFETY: the child calls nothing but close and _exit, both async-signal-safe.
    let child = unsafe { libc::fork() };
    assert!(child >= 0);
    if child == 0 {
        drop((epoll, readable));
        // SAFETY: ends the child without running anything else.
        unsafe { libc::_exit(0) };
    }
    let mut status = -1;
    // SAFETY: `status` is writable for the whole call.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    assert_eq!(status, 0);
    let mut events = EpollEvents::new(4);
    wait(epoll.fd(), &mut events, Timeout::Now).unwrap();
    let tokens: Vec<Token> = events.iter().map(|event| event.token).collect();
    assert_eq!(tokens, [TOKEN]);
    assert_ne!(epoll.fd(), readable.fd());
}
