use std::io;
use std::os::fd::RawFd;

use crate::event::{Interest, Token};
use crate::sys::{Refusal, Registrar};

/// What is registered with the kernel: for each fd its generation and interest.
#[derive(Debug)]
pub(super) struct Registrations<R> {
    /// The kernel's side; `None` once closed.
    registrar: Option<R>,
    /// By fd. fds are small and dense, as the kernel gives out the lowest free one; and a row is only made after the
    /// kernel has accepted the fd, so that no number a program invents can make the table large.
    rows: Vec<Registration>,
    /// The generation given out last. One counter for all fds, so that no fd needs to remember its own.
    generation: u32,
}

#[derive(Clone, Copy, Debug, Default)]
struct Registration {
    /// 0 while the fd is not registered.
    generation: u32,
    interest: Interest,
}

impl<R: Registrar> Registrations<R> {
    pub(super) fn new(registrar: R) -> Registrations<R> {
        Registrations {
            registrar: Some(registrar),
            rows: Vec::new(),
            generation: 0,
        }
    }

    pub(super) fn registrar(&self) -> Option<&R> {
        self.registrar.as_ref()
    }

    pub(super) fn close(&mut self) {
        self.registrar = None;
        self.rows = Vec::new();
    }

    #[inline]
    pub(super) fn interest(&self, fd: RawFd) -> Interest {
        self.row(fd).interest
    }

    #[inline]
    pub(super) fn is_current(&self, token: Token) -> bool {
        token.generation != 0 && self.row(token.fd).generation == token.generation
    }

    pub(super) fn set_interest(&mut self, fd: RawFd, interest: Interest) -> io::Result<Token> {
        let Some(registrar) = &self.registrar else {
            return Err(io::Error::from_raw_os_error(libc::EBADF));
        };
        let row = self.row(fd);
        let fresh = Token {
            fd,
            generation: next_generation(self.generation),
        };
        let known = Token {
            fd,
            generation: row.generation,
        };
        let answer = match (row.generation != 0, interest.is_empty()) {
            (false, true) => Ok(Token { fd, generation: 0 }),
            (true, true) => remove(registrar, fd),
            (true, false) => modify(registrar, interest, known, fresh),
            (false, false) => add(registrar, interest, fresh),
        };
        match answer {
            Ok(token) => {
                self.record(token, interest);
                Ok(token)
            }
            Err(Refusal::Failed(error)) => Err(error),
            Err(Refusal::Gone(error)) => {
                self.record(Token { fd, generation: 0 }, Interest::NONE);
                Err(error)
            }
            // Two answers that contradict each other, with nothing between that could explain it: an fd that another
            // thread closes and opens while we ask. Nothing sure is known, so nothing is kept.
            Err(Refusal::Absent | Refusal::Present) => {
                self.record(Token { fd, generation: 0 }, Interest::NONE);
                Err(io::Error::from_raw_os_error(libc::EBADF))
            }
        }
    }

    fn row(&self, fd: RawFd) -> Registration {
        usize::try_from(fd)
            .ok()
            .and_then(|index| self.rows.get(index))
            .copied()
            .unwrap_or_default()
    }

    fn record(&mut self, token: Token, interest: Interest) {
        let Ok(index) = usize::try_from(token.fd) else {
            return;
        };
        if index >= self.rows.len() {
            if token.generation == 0 {
                return;
            }
            self.rows.resize(index + 1, Registration::default());
        }
        self.rows[index] = Registration {
            generation: token.generation,
            interest,
        };
        if token.generation != 0 {
            self.generation = self.generation.max(token.generation);
        }
    }
}

fn next_generation(last: u32) -> u32 {
    last.wrapping_add(1).max(1)
}

fn add<R: Registrar>(registrar: &R, interest: Interest, fresh: Token) -> Result<Token, Refusal> {
    match registrar.add(fresh.fd, interest, fresh) {
        Err(Refusal::Present) => registrar.modify(fresh.fd, interest, fresh)?,
        answer => answer?,
    }
    Ok(fresh)
}

fn modify<R: Registrar>(
    registrar: &R,
    interest: Interest,
    known: Token,
    fresh: Token,
) -> Result<Token, Refusal> {
    match registrar.modify(known.fd, interest, known) {
        Ok(()) => Ok(known),
        Err(Refusal::Absent) => registrar.add(fresh.fd, interest, fresh).map(|()| fresh),
        Err(refusal) => Err(refusal),
    }
}

fn remove<R: Registrar>(registrar: &R, fd: RawFd) -> Result<Token, Refusal> {
    match registrar.remove(fd) {
        Ok(()) | Err(Refusal::Absent | Refusal::Gone(_)) => Ok(Token { fd, generation: 0 }),
        Err(refusal) => Err(refusal),
    }
}
