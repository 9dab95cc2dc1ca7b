//! `asyncio.StreamReader` without a Python frame per packet or per read.
//!
//! A reader stays the object that asyncio made, with asyncio's attributes, of which each keeps its meaning. Two things
//! are done here in place of asyncio's own methods (CPython `Lib/asyncio/streams.py`, where these parts are the same
//! from 3.11 to 3.15), as long as nobody has replaced those methods:
//!
//! - a transport that reads for an `asyncio.StreamReaderProtocol` feeds its reader itself ([`Target`]);
//! - the reader becomes an instance of a subclass (`python/tepal/streams.py`) of which `read()`, `readexactly()`,
//!   `readline()` and `readuntil()` give an awaitable of ours instead of a coroutine ([`adopt`]). The writer that a
//!   server's callback gets becomes one as well, with the methods of `transport/stream_writer.rs`.

mod adoption;
mod connected;
mod fields;
mod read_operation;
mod target;

pub(crate) use adoption::{
    adopt, install, original_drain, original_write, transport_of, writer_may_go_on,
};
pub(crate) use connected::make_type as make_connected_type;
pub(crate) use read_operation::make_type;
pub(crate) use target::{Target, is_recognised};
