//! What a child process prints, on its way to the `asyncio.StreamReader` that the program reads.
//!
//! asyncio hands each packet to a protocol, which hands it to the process's transport, which schedules a call of the
//! protocol of the process, which feeds the reader. Where all of these are asyncio's own and unchanged, what is read goes
//! straight to the reader. The first packets may come before the reader is made, and packets that asyncio has scheduled
//! must not be overtaken:
//!
//! | state | a packet comes | `_delivered` |
//! |---|---|---|
//! | none | not of a process: other ways | - |
//! | learning | nothing is under way and the reader is there: → fed; else by asyncio, and `_delivered` is scheduled behind it | one less is under way |
//! | fed | to the reader; if that cannot be fed any more: → foreign | the same |
//! | foreign | by asyncio | the same |

use std::cell::Cell;

use crate::interop::errors::PyResult;
use crate::interop::gc::Visitor;
use crate::interop::instance::Ref;
use crate::interop::object::{Object, Slot};
use crate::stream_reader::{self, OutputReader, ReaderState};

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    None,
    Learning,
    Fed,
    Foreign,
}

/// The way of the packets of one pipe of a process.
pub(super) struct ProcessOutput {
    state: Cell<State>,
    /// How many packets asyncio has that may not have reached the reader yet.
    under_way: Cell<u32>,
    /// asyncio keeps packets until all pipes are connected, and schedules them then.
    kept: Cell<bool>,
    reader: Slot<Ref<ReaderState>>,
}

impl ProcessOutput {
    pub(super) const fn none() -> ProcessOutput {
        ProcessOutput {
            state: Cell::new(State::None),
            under_way: Cell::new(0),
            kept: Cell::new(false),
            reader: Slot::empty(),
        }
    }

    pub(super) fn traverse(&self, visitor: &mut Visitor) {
        visitor.slot_with(&self.reader, |visitor, reader| visitor.reference(reader));
    }

    pub(super) fn clear(&self) {
        self.reader.clear();
    }

    /// Looks at a new protocol of the pipe.
    ///
    /// # Errors
    /// What looking at attributes raises.
    pub(super) fn meet(&self, protocol: &Object) -> PyResult<()> {
        self.reader.clear();
        let known = stream_reader::is_output_protocol(protocol)?;
        self.state.set(match (self.state.get(), known) {
            (State::None, true) => State::Learning,
            (State::None, false) => State::None,
            _ => State::Foreign,
        });
        Ok(())
    }

    /// Whether the pipe is one of a process, and is not asyncio's business for good.
    #[inline]
    pub(super) fn is_met(&self) -> bool {
        matches!(self.state.get(), State::Learning | State::Fed)
    }

    /// The reader to be fed with the next packet; `None` if asyncio has to be given it.
    ///
    /// # Errors
    /// What looking at attributes raises.
    pub(super) fn reader(&self, protocol: &Object) -> PyResult<Option<Ref<ReaderState>>> {
        if self.state.get() == State::Fed {
            let reader = self.reader.get();
            let reader = reader.filter(|reader| stream_reader::output_may_be_fed(protocol, reader));
            if reader.is_none() {
                self.state.set(State::Foreign);
                self.reader.clear();
            }
            return Ok(reader);
        }
        if self.under_way.get() > 0 || self.kept.get() {
            return Ok(None);
        }
        match stream_reader::reader_of_output(protocol)? {
            OutputReader::Known(reader) => {
                drop(self.reader.replace(Some(reader.clone())));
                self.state.set(State::Fed);
                Ok(Some(reader))
            }
            OutputReader::NotYet => Ok(None),
            OutputReader::Foreign => {
                self.state.set(State::Foreign);
                Ok(None)
            }
        }
    }

    /// asyncio was given a packet. Answers whether `_delivered` is to be scheduled behind it.
    ///
    /// # Errors
    /// What looking at attributes raises.
    pub(super) fn has_delivered(&self, protocol: &Object) -> PyResult<bool> {
        let keeps = stream_reader::keeps_output(protocol)?;
        self.kept.set(keeps);
        if !keeps {
            self.under_way.set(self.under_way.get().saturating_add(1));
        }
        Ok(!keeps)
    }

    /// `_delivered()`: what was scheduled before has run.
    pub(super) fn arrived(&self) {
        self.under_way.set(self.under_way.get().saturating_sub(1));
    }
}
