//! `add_reader` and `add_writer`: who waits for which descriptor.

use std::os::fd::RawFd;

use tepal_core::Interest;

use crate::interop::errors::{PyResult, raise_os_error};
use crate::interop::gc::Visitor;
use crate::interop::instance::Instance;
use crate::interop::object::Object;

use super::body::LoopBody;
use super::failures;

/// The Handles of one descriptor.
#[derive(Default)]
pub(crate) struct Watcher {
    pub(crate) reader: Option<Object>,
    pub(crate) writer: Option<Object>,
}

/// Which of the two Handles.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Reader,
    Writer,
}

impl Side {
    fn interest(self) -> Interest {
        match self {
            Side::Reader => Interest::READABLE,
            Side::Writer => Interest::WRITABLE,
        }
    }
}

impl Watcher {
    fn side(&mut self, side: Side) -> &mut Option<Object> {
        match side {
            Side::Reader => &mut self.reader,
            Side::Writer => &mut self.writer,
        }
    }

    fn interest(&self) -> Interest {
        let mut interest = Interest::NONE;
        if self.reader.is_some() {
            interest = interest.with(Interest::READABLE);
        }
        if self.writer.is_some() {
            interest = interest.with(Interest::WRITABLE);
        }
        interest
    }
}

/// All watched descriptors; descriptors are small numbers, so they index a vector.
pub(crate) struct Watchers {
    by_descriptor: Vec<Watcher>,
    watched: usize,
}

impl Watchers {
    pub(crate) const fn new() -> Watchers {
        Watchers {
            by_descriptor: Vec::new(),
            watched: 0,
        }
    }

    /// How many descriptors are watched.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.watched
    }

    fn at(&mut self, descriptor: RawFd) -> &mut Watcher {
        let index = descriptor as usize;
        if index >= self.by_descriptor.len() {
            self.by_descriptor.resize_with(index + 1, Watcher::default);
        }
        &mut self.by_descriptor[index]
    }

    /// The Handle of one side.
    pub(crate) fn get(&self, descriptor: RawFd, side: Side) -> Option<&Object> {
        let watcher = self.by_descriptor.get(descriptor as usize)?;
        match side {
            Side::Reader => watcher.reader.as_ref(),
            Side::Writer => watcher.writer.as_ref(),
        }
    }

    /// Descriptors with what is asked of them.
    pub(crate) fn interests(&self) -> Vec<(RawFd, Interest)> {
        let all = self.by_descriptor.iter().enumerate();
        all.map(|(descriptor, watcher)| (descriptor as RawFd, watcher.interest()))
            .filter(|(_, interest)| !interest.is_empty())
            .collect()
    }

    pub(crate) fn traverse(&self, visitor: &mut Visitor) {
        for watcher in &self.by_descriptor {
            for handle in [&watcher.reader, &watcher.writer].into_iter().flatten() {
                visitor.object(handle);
            }
        }
    }
}

impl Instance<LoopBody> {
    /// Watches one side of a descriptor; gives the Handle that was there before.
    ///
    /// # Errors
    /// `RuntimeError` if the loop is closed, `OSError` from the kernel (`EPERM` for a
    /// regular file, `EBADF` for a closed descriptor); nothing is changed then.
    pub(crate) fn watch(
        &self,
        descriptor: RawFd,
        side: Side,
        handle: Object,
    ) -> PyResult<Option<Object>> {
        self.check_open()?;
        let mut watchers = self.watchers.borrow_mut();
        let before = watchers.at(descriptor).interest();
        self.set_interest(descriptor, before.with(side.interest()))?;
        if before.is_empty() {
            watchers.watched += 1;
        }
        Ok(watchers.at(descriptor).side(side).replace(handle))
    }

    /// Stops watching one side; gives the Handle that was there.
    ///
    /// # Errors
    /// `OSError` from the kernel; the Handle is out all the same.
    pub(crate) fn unwatch(&self, descriptor: RawFd, side: Side) -> PyResult<Option<Object>> {
        let mut watchers = self.watchers.borrow_mut();
        if watchers.get(descriptor, side).is_none() {
            return Ok(None);
        }
        let removed = watchers.at(descriptor).side(side).take();
        let after = watchers.at(descriptor).interest();
        if after.is_empty() {
            watchers.watched -= 1;
        }
        self.set_interest(descriptor, after)?;
        Ok(removed)
    }

    fn set_interest(&self, descriptor: RawFd, interest: Interest) -> PyResult<()> {
        match &mut *self.reactor.borrow_mut() {
            Some(reactor) => reactor
                .set_interest(descriptor, interest)
                .map(drop)
                .map_err(|error| raise_os_error(&error)),
            None if interest.is_empty() => Ok(()),
            None => Err(failures::loop_is_closed()),
        }
    }
}
