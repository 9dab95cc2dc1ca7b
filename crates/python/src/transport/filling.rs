//! From the kernel into the buffer of an `asyncio.BufferedProtocol`.
//!
//! asyncio fills the buffer once for each event. Here a connection whose buffer was filled is read on at once while other entries are
//! ready, since the buffer will have left the processor's caches when it is this connection's turn again, and what the protocol
//! answers to the parts of one message leaves together. It ends as soon as the protocol has made anything ready to run: what runs
//! between two calls of `buffer_updated` on asyncio runs there here. See
//! [decision 23](../../../../docs/inside/decisions/0023-buffers-that-are-filled-again.md).

use tepal_core::constants::FILLED_IN_A_ROW;

use crate::interop::buffers;
use crate::interop::calls;
use crate::interop::errors::{Builtin, PyResult};
use crate::interop::imports::imports;
use crate::interop::instance::Instance;
use crate::interop::object::Object;
use crate::interop::values;
use crate::loop_core::body::LoopBody;

use super::body::StreamBody;
use super::delivery::Way;
use super::holding::Held;
use super::wire::Attempt;

/// What a read has brought.
struct Filled {
    count: usize,
    /// The buffer had no more room.
    whole: bool,
}

impl Instance<StreamBody> {
    /// Reads into the protocol's buffer, once or several times; see the module's text.
    ///
    /// # Errors
    /// As [`run_readable`](super::run_readable).
    ///
    /// # Reentrancy
    /// Runs any Python code.
    pub(super) fn read_into_buffer(&self, event_loop: &Instance<LoopBody>) -> PyResult<()> {
        let waiting = event_loop.ready.borrow().len();
        let Some(filled) = self.fill(event_loop)? else {
            return Ok(());
        };
        if !filled.whole || waiting == 0 || self.foreign_socket.get() {
            return self.buffer_updated(event_loop, filled.count);
        }
        self.holding_writes(Held::ForRest, || {
            self.read_on(event_loop, filled.count, waiting)
        })
    }

    /// Hands over what filled the buffer, and reads on.
    fn read_on(
        &self,
        event_loop: &Instance<LoopBody>,
        mut count: usize,
        waiting: usize,
    ) -> PyResult<()> {
        for _ in 1..FILLED_IN_A_ROW {
            self.buffer_updated(event_loop, count)?;
            if !self.may_read_on(event_loop, waiting) {
                return Ok(());
            }
            match self.fill(event_loop)? {
                None => return Ok(()),
                Some(last) if !last.whole => return self.buffer_updated(event_loop, last.count),
                Some(next) => count = next.count,
            }
        }
        self.buffer_updated(event_loop, count)
    }

    /// Whether nothing but the transport itself would notice that it reads once more.
    fn may_read_on(&self, event_loop: &Instance<LoopBody>, waiting: usize) -> bool {
        event_loop.ready.borrow().len() == waiting
            && !event_loop.stopping.get()
            && self.is_reading()
            && self.connection_lost.get() == 0
            && self.delivery.way() == Way::Buffer
    }

    /// Reads once into the protocol's buffer; `None` if there is nothing to be handed over.
    fn fill(&self, event_loop: &Instance<LoopBody>) -> PyResult<Option<Filled>> {
        let (buffer, room) = match self.ask_for_buffer() {
            Ok(asked) => asked,
            Err(raised) => return self.protocol_failed(raised, "get_buffer").map(|()| None),
        };
        match self.receive_into(&buffer)? {
            Attempt::NotNow => {}
            Attempt::Done(0) => {
                if self.tells_of_end()? {
                    self.read_end(event_loop)?;
                }
            }
            Attempt::Done(count) => {
                let whole = count >= room;
                return Ok(Some(Filled { count, whole }));
            }
            Attempt::Failed(exception) => {
                if self.tells_of_end()? {
                    self.read_failed(&exception)?;
                }
            }
        }
        Ok(None)
    }

    /// Before the protocol learns of the end, what it answered before is sent; `false` if the connection was lost by that.
    fn tells_of_end(&self) -> PyResult<bool> {
        self.settle()?;
        Ok(self.connection_lost.get() == 0)
    }

    fn buffer_updated(&self, event_loop: &Instance<LoopBody>, count: usize) -> PyResult<()> {
        let count = values::integer(count as u64)?;
        event_loop.delivering.set(true);
        let delivered = self
            .delivery
            .buffer_updated(&self.protocol)
            .and_then(|method| calls::call(&method, [&count]));
        event_loop.delivering.set(false);
        match delivered {
            Ok(_) => Ok(()),
            Err(raised) => self.protocol_failed(raised, "buffer_updated"),
        }
    }

    /// The protocol's buffer, and how many bytes it takes.
    fn ask_for_buffer(&self) -> PyResult<(Object, usize)> {
        let buffer = calls::call(
            &self.delivery.get_buffer(&self.protocol)?,
            [&imports().minus_one],
        )?;
        match buffers::length(&buffer)? {
            0 => Err(Builtin::RuntimeError.raise("get_buffer() returned an empty buffer")),
            room => Ok((buffer, room)),
        }
    }
}
