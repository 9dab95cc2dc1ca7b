//! A backend without a kernel: it plays a script and checks that it is asked exactly that.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::os::fd::RawFd;

use super::{Refusal, Registrar};
use crate::event::{Interest, Token};

/// What the code under test asks of its backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// See [`Registrar::add`].
    Add(RawFd, Interest, Token),
    /// See [`Registrar::modify`].
    Modify(RawFd, Interest, Token),
    /// See [`Registrar::remove`].
    Remove(RawFd),
}

/// Requests that are to come, in this order, each with its answer. Panics when another comes.
#[derive(Debug, Default)]
pub(crate) struct Script {
    lines: RefCell<VecDeque<(Request, Result<(), Refusal>)>>,
}

impl Script {
    /// Adds a line at the end.
    pub(crate) fn expect(&self, request: Request, answer: Result<(), Refusal>) {
        self.lines.borrow_mut().push_back((request, answer));
    }

    /// Whether all of it was played.
    pub(crate) fn is_over(&self) -> bool {
        self.lines.borrow().is_empty()
    }

    fn play(&self, request: Request) -> Result<(), Refusal> {
        let line = self.lines.borrow_mut().pop_front();
        let (expected, answer) = line.unwrap_or_else(|| panic!("{request:?} is not in the script"));
        assert_eq!(request, expected);
        answer
    }
}

impl Registrar for Script {
    fn add(&self, fd: RawFd, interest: Interest, token: Token) -> Result<(), Refusal> {
        self.play(Request::Add(fd, interest, token))
    }

    fn modify(&self, fd: RawFd, interest: Interest, token: Token) -> Result<(), Refusal> {
        self.play(Request::Modify(fd, interest, token))
    }

    fn remove(&self, fd: RawFd) -> Result<(), Refusal> {
        self.play(Request::Remove(fd))
    }
}
