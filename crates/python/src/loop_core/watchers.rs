//! `add_reader` and `add_writer`: who waits for which descriptor.

use std::os::fd::RawFd;

use tepal_core::Interest;

use crate::interop::errors::{PyResult, raise_os_error};
use crate::interop::gc::Visitor;
use crate::interop::instance::Instance;
use crate::interop::object::Object;
use crate::interop::weak::Weak;

use super::body::LoopBody;
use super::failures;

/// Who waits for one side of a descriptor.
#[derive(Clone)]
pub(crate) enum Watch {
    /// The Handle of `add_reader` or `add_writer`.
    Handle(Object),
    /// A transport of ours, which runs without a Handle.
    Transport(Object),
    /// A `sock_*` operation, which runs without a Handle.
    Operation(Object),
}

impl Watch {
    /// Whether this is that very object.
    #[inline(always)]
    pub(crate) fn is(&self, other: &Object) -> bool {
        match self {
            Watch::Handle(object) | Watch::Transport(object) | Watch::Operation(object) => {
                object.is(other)
            }
        }
    }

    fn traverse(&self, visitor: &mut Visitor) {
        match self {
            Watch::Handle(object) | Watch::Transport(object) | Watch::Operation(object) => {
                visitor.object(object);
            }
        }
    }
}

/// Who waits for one descriptor.
#[derive(Default)]
pub(crate) struct Watcher {
    pub(crate) reader: Option<Watch>,
    pub(crate) writer: Option<Watch>,
    /// The object that was named to `add_reader` or `add_writer` last, unless that was a number: once it is closed, it
    /// no longer tells its descriptor, but a program may still remove it (anyio does). The keys of `selectors` have the
    /// same under `fileobj`.
    file: Option<Object>,
    /// The socket object for which both sides are registered edge-triggered; then only operations wait here. The
    /// registration stays while none waits. The kernel drops it when the socket is closed, and the number may be another
    /// file's then; but who comes with this very object, alive and open, comes with this very file.
    edges: Option<Weak>,
    /// What is known of an edge-triggered socket beyond that.
    receiving: Receiving,
}

/// Whether a receive is worth a try.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Receiving {
    /// That is not known.
    #[default]
    Unknown,
    /// The last receive took all that there was, and nothing has been reported since.
    Drained,
    /// The end, an error or urgent data is there: what a receive gives says nothing about the next one.
    Exceptional,
}

/// Which of the two.
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
    fn side(&mut self, side: Side) -> &mut Option<Watch> {
        match side {
            Side::Reader => &mut self.reader,
            Side::Writer => &mut self.writer,
        }
    }

    /// Whether somebody waits who needs the registration to be level-triggered.
    fn needs_levels(&self) -> bool {
        let mut both = [&self.reader, &self.writer].into_iter().flatten();
        both.any(|watch| !matches!(watch, Watch::Operation(_)))
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

    /// Who waits for one side.
    #[inline]
    pub(crate) fn get(&self, descriptor: RawFd, side: Side) -> Option<&Watch> {
        let watcher = self.by_descriptor.get(descriptor as usize)?;
        match side {
            Side::Reader => watcher.reader.as_ref(),
            Side::Writer => watcher.writer.as_ref(),
        }
    }

    /// The descriptor under which this very object is watched.
    pub(crate) fn descriptor_of(&self, file: &Object) -> Option<RawFd> {
        let is_it = |watcher: &Watcher| watcher.file.as_ref().is_some_and(|known| known.is(file));
        let index = self.by_descriptor.iter().position(is_it)?;
        RawFd::try_from(index).ok()
    }

    /// Descriptors with what is asked of them.
    pub(crate) fn interests(&self) -> Vec<(RawFd, Interest)> {
        let all = self.by_descriptor.iter().enumerate();
        all.map(|(descriptor, watcher)| (descriptor as RawFd, watcher.interest()))
            .filter(|(_, interest)| !interest.is_empty())
            .collect()
    }

    /// After the kernel's side was made anew from [`Self::interests`].
    pub(crate) fn forget_edges(&mut self) {
        for watcher in &mut self.by_descriptor {
            watcher.edges = None;
        }
    }

    pub(crate) fn traverse(&self, visitor: &mut Visitor) {
        for watcher in &self.by_descriptor {
            for watch in [&watcher.reader, &watcher.writer].into_iter().flatten() {
                watch.traverse(visitor);
            }
            if let Some(file) = &watcher.file {
                visitor.object(file);
            }
        }
    }
}

impl Instance<LoopBody> {
    /// Watches one side of a descriptor; gives who was there before.
    ///
    /// # Errors
    /// `RuntimeError` if the loop is closed, `OSError` from the kernel (`EPERM` for a
    /// regular file, `EBADF` for a closed descriptor); nothing is changed then.
    pub(crate) fn watch(
        &self,
        descriptor: RawFd,
        side: Side,
        watch: Watch,
    ) -> PyResult<Option<Watch>> {
        self.check_open()?;
        let mut watchers = self.watchers.borrow_mut();
        let before = watchers.at(descriptor).interest();
        self.set_interest(descriptor, before.with(side.interest()))?;
        if before.is_empty() {
            watchers.watched += 1;
        }
        watchers.at(descriptor).edges = None;
        Ok(watchers.at(descriptor).side(side).replace(watch))
    }

    /// Whether this socket's descriptor is registered for good by [`Self::watch_edges`].
    #[inline]
    pub(crate) fn knows_edges(&self, descriptor: RawFd, socket: &Object) -> bool {
        let watchers = self.watchers.borrow();
        watchers
            .by_descriptor
            .get(descriptor as usize)
            .and_then(|watcher| watcher.edges.as_ref())
            .is_some_and(|edges| edges.refers_to(socket))
    }

    /// Lets an operation, which was told `WouldBlock` just now, wait for one side of a socket's descriptor; gives who was
    /// there before. Only the first wait for a socket is a system call.
    ///
    /// # Errors
    /// As [`Self::watch`].
    pub(crate) fn watch_edges(
        &self,
        descriptor: RawFd,
        side: Side,
        operation: Object,
        socket: &Object,
    ) -> PyResult<Option<Watch>> {
        let watch = Watch::Operation(operation);
        if !self.knows_edges(descriptor, socket) {
            if self.watchers.borrow_mut().at(descriptor).needs_levels() {
                return self.watch(descriptor, side, watch);
            }
            let edges = match Weak::new(socket) {
                Ok(edges) => edges,
                Err(raised) => {
                    raised.forget();
                    return self.watch(descriptor, side, watch);
                }
            };
            self.check_open()?;
            self.set_interest(descriptor, Interest::EDGES)?;
            let mut watchers = self.watchers.borrow_mut();
            let watcher = watchers.at(descriptor);
            watcher.edges = Some(edges);
            watcher.receiving = Receiving::Unknown;
        }
        let mut watchers = self.watchers.borrow_mut();
        if watchers.at(descriptor).interest().is_empty() {
            watchers.watched += 1;
        }
        Ok(watchers.at(descriptor).side(side).replace(watch))
    }

    /// Remembers the object that stands for a watched descriptor, for when it no longer tells its number.
    ///
    /// # Reentrancy
    /// Lets go of the object that was there before, which may run Python code.
    pub(crate) fn remember_file(&self, descriptor: RawFd, file: &Object) {
        let before = {
            let mut watchers = self.watchers.borrow_mut();
            watchers.at(descriptor).file.replace(file.clone())
        };
        drop(before);
    }

    /// Whether this transport waits for that side of the descriptor.
    #[inline(always)]
    pub(crate) fn is_watched_by(&self, descriptor: RawFd, side: Side, transport: &Object) -> bool {
        let watchers = self.watchers.borrow();
        watchers
            .get(descriptor, side)
            .is_some_and(|watch| watch.is(transport))
    }

    /// Whether it is certain that a receive from this socket would be told `WouldBlock`.
    #[inline]
    pub(crate) fn is_drained(&self, descriptor: RawFd, socket: &Object) -> bool {
        let watchers = self.watchers.borrow();
        let watcher = watchers.by_descriptor.get(descriptor as usize);
        watcher.is_some_and(|watcher| {
            watcher.receiving == Receiving::Drained
                && watcher
                    .edges
                    .as_ref()
                    .is_some_and(|edges| edges.refers_to(socket))
        })
    }

    /// A receive from this TCP socket got less than it had room for, so that there is no more until the next edge
    /// (`man 7 epoll`, questions and answers). What is no data, which may come with it, is told by an event.
    #[inline]
    pub(crate) fn note_drained(&self, descriptor: RawFd, socket: &Object) {
        if self.knows_edges(descriptor, socket) {
            let mut watchers = self.watchers.borrow_mut();
            let receiving = &mut watchers.at(descriptor).receiving;
            if *receiving == Receiving::Unknown {
                *receiving = Receiving::Drained;
            }
        }
    }

    /// The kernel has reported an edge of this descriptor, whether or not somebody waits for it.
    #[inline]
    pub(crate) fn note_edge(&self, descriptor: RawFd, exceptional: bool) {
        let mut watchers = self.watchers.borrow_mut();
        if let Some(watcher) = watchers.by_descriptor.get_mut(descriptor as usize) {
            if exceptional {
                watcher.receiving = Receiving::Exceptional;
            } else if watcher.receiving == Receiving::Drained {
                watcher.receiving = Receiving::Unknown;
            }
        }
    }

    /// Stops watching one side; gives who was there.
    ///
    /// # Errors
    /// `OSError` from the kernel; who was there is out all the same.
    ///
    /// # Reentrancy
    /// Lets go of the descriptor's object when nobody watches it any more, which may run Python code.
    pub(crate) fn unwatch(&self, descriptor: RawFd, side: Side) -> PyResult<Option<Watch>> {
        let mut file = None;
        let mut watchers = self.watchers.borrow_mut();
        if watchers.get(descriptor, side).is_none() {
            return Ok(None);
        }
        let removed = watchers.at(descriptor).side(side).take();
        let after = watchers.at(descriptor).interest();
        if after.is_empty() {
            watchers.watched -= 1;
            file = watchers.at(descriptor).file.take();
        }
        let set = match watchers.at(descriptor).edges {
            Some(_) => Ok(()),
            None => self.set_interest(descriptor, after),
        };
        drop(watchers);
        drop(file);
        set.map(|()| removed)
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
