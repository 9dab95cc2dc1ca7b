use std::io;
use std::os::fd::RawFd;

use crate::event::{Interest, Token};
use crate::sys::{Refusal, Registrar};

/// What is registered with the kernel: for each fd its generation and interest.
///
/// # Invariant
/// A row's generation is 0 exactly when its interest is empty.
#[derive(Debug)]
pub(super) struct Registrations<R> {
    /// The kernel's side; `None` once closed.
    registrar: Option<R>,
    /// By fd. fds are small and dense, as the kernel gives out the lowest free one; and a row is only made after the
    /// kernel has accepted the fd, so that no number a program invents can make the table large.
    rows: Vec<Registration>,
    /// The generation that was tried last. One counter for all fds, so that no closed fd has to remember its own.
    /// After 2^32 registrations it starts again; a stale token could then be taken for current only if its event had
    /// waited in a buffer through all of them.
    generation: u32,
}

#[derive(Clone, Copy, Debug, Default)]
struct Registration {
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

    #[inline]
    pub(super) fn registrar(&self) -> Option<&R> {
        self.registrar.as_ref()
    }

    /// Drops the kernel's side as a whole, without deregistering anything from it.
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
        let known = self.row(fd).generation;
        let Some(registrar) = &self.registrar else {
            return Err(io::Error::from_raw_os_error(libc::EBADF));
        };
        let answer = match (known, interest.is_empty()) {
            (0, true) => Ok(Token { fd, generation: 0 }),
            (_, true) => remove(registrar, fd),
            (0, false) => {
                let fresh = next_token(&mut self.generation, fd);
                add_or_take_over(registrar, interest, fresh)
            }
            (generation, false) => {
                let known = Token { fd, generation };
                match registrar.modify(fd, interest, known) {
                    // Closed and opened again behind our back.
                    Err(Refusal::Absent) => {
                        let fresh = next_token(&mut self.generation, fd);
                        registrar.add(fd, interest, fresh).map(|()| fresh)
                    }
                    answer => answer.map(|()| known),
                }
            }
        };
        match answer {
            Ok(token) => {
                self.record(token, interest);
                Ok(token)
            }
            Err(refusal) => Err(self.refused(fd, refusal)),
        }
    }

    #[inline]
    fn row(&self, fd: RawFd) -> Registration {
        let index = usize::try_from(fd).ok();
        index
            .and_then(|index| self.rows.get(index))
            .copied()
            .unwrap_or_default()
    }

    /// Writes down what the kernel has just accepted.
    fn record(&mut self, token: Token, interest: Interest) {
        let Ok(index) = usize::try_from(token.fd) else {
            return;
        };
        if index >= self.rows.len() {
            if interest.is_empty() {
                return;
            }
            self.rows.resize(index + 1, Registration::default());
        }
        self.rows[index] = Registration {
            generation: token.generation,
            interest,
        };
    }

    /// Writes down what follows from a refusal, and makes the caller's error of it.
    fn refused(&mut self, fd: RawFd, refusal: Refusal) -> io::Error {
        let error = match refusal {
            Refusal::Failed(error) => return error,
            Refusal::Gone(error) => error,
            // The kernel contradicted itself between two calls: another thread closes and opens the fd at this moment.
            // Nothing sure can be said of the fd, so nothing is kept; registering it again sorts it out.
            Refusal::Absent | Refusal::Present => io::Error::from_raw_os_error(libc::EBADF),
        };
        self.record(Token { fd, generation: 0 }, Interest::NONE);
        error
    }
}

fn next_token(generation: &mut u32, fd: RawFd) -> Token {
    *generation = generation.wrapping_add(1).max(1);
    Token {
        fd,
        generation: *generation,
    }
}

/// Adds an fd that the table does not know. The kernel may: when an fd is closed while a duplicate keeps its file open,
/// its registration lives on, and is met here once the file is put back under the same number (`dup2`).
fn add_or_take_over<R: Registrar>(
    registrar: &R,
    interest: Interest,
    fresh: Token,
) -> Result<Token, Refusal> {
    match registrar.add(fresh.fd, interest, fresh) {
        Err(Refusal::Present) => registrar.modify(fresh.fd, interest, fresh)?,
        answer => answer?,
    }
    Ok(fresh)
}

fn remove<R: Registrar>(registrar: &R, fd: RawFd) -> Result<Token, Refusal> {
    match registrar.remove(fd) {
        // Closing an fd has deregistered it, whatever has been opened under its number since.
        Ok(()) | Err(Refusal::Absent | Refusal::Gone(_)) => Ok(Token { fd, generation: 0 }),
        Err(refusal) => Err(refusal),
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::Registrations;
    use crate::event::{Interest, Token};
    use crate::sys::Refusal;
    use crate::sys::scripted::{Request, Script};

    const R: Interest = Interest::READABLE;
    const W: Interest = Interest::WRITABLE;
    const RW: Interest = R.with(W);

    fn token(generation: u32) -> Token {
        Token { fd: 5, generation }
    }

    fn error(number: i32) -> io::Error {
        io::Error::from_raw_os_error(number)
    }

    fn scripted(lines: Vec<(Request, Result<(), Refusal>)>) -> Registrations<Script> {
        let registrations = Registrations::new(Script::default());
        play(&registrations, lines);
        registrations
    }

    fn play(registrations: &Registrations<Script>, lines: Vec<(Request, Result<(), Refusal>)>) {
        let script = registrations.registrar().unwrap();
        for (request, answer) in lines {
            script.expect(request, answer);
        }
    }

    fn assert_over(registrations: &Registrations<Script>) {
        assert!(registrations.registrar().unwrap().is_over());
    }

    #[test]
    fn the_generation_stays_while_registered_and_changes_afterwards() {
        let mut table = scripted(vec![
            (Request::Add(5, R, token(1)), Ok(())),
            (Request::Modify(5, RW, token(1)), Ok(())),
            (Request::Remove(5), Ok(())),
            (Request::Add(5, W, token(2)), Ok(())),
        ]);
        assert_eq!(table.set_interest(5, R).unwrap(), token(1));
        assert_eq!(table.set_interest(5, RW).unwrap(), token(1));
        assert_eq!(table.interest(5), RW);
        assert!(table.is_current(token(1)));
        let gone = table.set_interest(5, Interest::NONE).unwrap();
        assert!(!table.is_current(gone) && !table.is_current(token(1)));
        assert_eq!(table.interest(5), Interest::NONE);
        assert_eq!(table.set_interest(5, W).unwrap(), token(2));
        assert!(table.is_current(token(2)) && !table.is_current(token(1)));
        assert_over(&table);
    }

    #[test]
    fn an_fd_reopened_behind_our_back_is_added_afresh() {
        let mut table = scripted(vec![
            (Request::Add(5, R, token(1)), Ok(())),
            (Request::Modify(5, R, token(1)), Err(Refusal::Absent)),
            (Request::Add(5, R, token(2)), Ok(())),
        ]);
        table.set_interest(5, R).unwrap();
        assert_eq!(table.set_interest(5, R).unwrap(), token(2));
        assert!(!table.is_current(token(1)));
        assert_over(&table);
    }

    #[test]
    fn a_registration_that_outlived_its_fd_is_taken_over() {
        let mut table = scripted(vec![
            (Request::Add(5, R, token(1)), Err(Refusal::Present)),
            (Request::Modify(5, R, token(1)), Ok(())),
        ]);
        assert_eq!(table.set_interest(5, R).unwrap(), token(1));
        assert_over(&table);
    }

    #[test]
    fn a_closed_fd_is_deregistered_without_complaint() {
        for refusal in [
            Refusal::Absent,
            Refusal::Gone(error(libc::EBADF)),
            Refusal::Gone(error(libc::EPERM)),
        ] {
            let mut table = scripted(vec![
                (Request::Add(5, R, token(1)), Ok(())),
                (Request::Remove(5), Err(refusal)),
            ]);
            table.set_interest(5, R).unwrap();
            table.set_interest(5, Interest::NONE).unwrap();
            assert_eq!(table.interest(5), Interest::NONE);
            table.set_interest(5, Interest::NONE).unwrap();
            assert_over(&table);
        }
    }

    #[test]
    fn modifying_a_closed_fd_fails_and_forgets_it() {
        let mut table = scripted(vec![
            (Request::Add(5, R, token(1)), Ok(())),
            (
                Request::Modify(5, W, token(1)),
                Err(Refusal::Gone(error(libc::EBADF))),
            ),
        ]);
        table.set_interest(5, R).unwrap();
        let refused = table.set_interest(5, W).unwrap_err();
        assert_eq!(refused.raw_os_error(), Some(libc::EBADF));
        assert!(!table.is_current(token(1)) && table.interest(5).is_empty());
        assert_over(&table);
    }

    #[test]
    fn other_failures_change_nothing() {
        let full = || Err(Refusal::Failed(error(libc::ENOMEM)));
        let mut table = scripted(vec![
            (Request::Add(5, R, token(1)), Ok(())),
            (Request::Modify(5, W, token(1)), full()),
            (Request::Remove(5), full()),
            (
                Request::Add(
                    6,
                    R,
                    Token {
                        fd: 6,
                        generation: 2,
                    },
                ),
                full(),
            ),
        ]);
        table.set_interest(5, R).unwrap();
        for (fd, interest) in [(5, W), (5, Interest::NONE), (6, R)] {
            let refused = table.set_interest(fd, interest).unwrap_err();
            assert_eq!(refused.raw_os_error(), Some(libc::ENOMEM));
        }
        assert!(table.is_current(token(1)));
        assert_eq!((table.interest(5), table.interest(6)), (R, Interest::NONE));
        assert_over(&table);
    }

    #[test]
    fn a_kernel_that_contradicts_itself_is_an_error() {
        let mut table = scripted(vec![
            (Request::Add(5, R, token(1)), Err(Refusal::Present)),
            (Request::Modify(5, R, token(1)), Err(Refusal::Absent)),
        ]);
        let refused = table.set_interest(5, R).unwrap_err();
        assert_eq!(refused.raw_os_error(), Some(libc::EBADF));
        assert!(table.interest(5).is_empty());
        assert_over(&table);
    }

    #[test]
    fn generations_wrap_around_zero() {
        let mut table = scripted(vec![
            (Request::Add(5, R, token(u32::MAX)), Ok(())),
            (Request::Remove(5), Ok(())),
            (Request::Add(5, R, token(1)), Ok(())),
        ]);
        table.generation = u32::MAX - 1;
        table.set_interest(5, R).unwrap();
        table.set_interest(5, Interest::NONE).unwrap();
        assert_eq!(table.set_interest(5, R).unwrap(), token(1));
        assert_over(&table);
    }

    #[test]
    fn invented_fds_cost_no_memory() {
        let mut table = scripted(vec![(
            Request::Add(
                i32::MAX,
                R,
                Token {
                    fd: i32::MAX,
                    generation: 1,
                },
            ),
            Err(Refusal::Gone(error(libc::EBADF))),
        )]);
        table.set_interest(i32::MAX, R).unwrap_err();
        table.set_interest(i32::MAX, Interest::NONE).unwrap();
        table.set_interest(-1, Interest::NONE).unwrap();
        assert!(table.rows.is_empty() && table.interest(-1).is_empty());
        assert_over(&table);
    }

    #[test]
    fn closing_deregisters_nothing() {
        let mut table = scripted(vec![(Request::Add(5, R, token(1)), Ok(()))]);
        table.set_interest(5, R).unwrap();
        assert_over(&table);
        // A `Remove` now would not be in the script.
        table.close();
        assert!(!table.is_current(token(1)) && table.interest(5).is_empty());
        let refused = table.set_interest(5, R).unwrap_err();
        assert_eq!(refused.raw_os_error(), Some(libc::EBADF));
        table.set_interest(5, Interest::NONE).unwrap_err();
    }
}
