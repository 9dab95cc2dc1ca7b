//! `asyncio.StreamReader` and `asyncio.StreamWriter` without a Python frame per packet, read or write.
//!
//! Three things are done here in place of asyncio's own methods (CPython `Lib/asyncio/streams.py`, where these parts are
//! the same from 3.11 to 3.15), as long as nobody has replaced those methods:
//!
//! - a transport that reads for an `asyncio.StreamReaderProtocol` feeds its reader itself ([`ReaderState`]);
//! - the reader is an instance of a subclass (`python/tepal/streams.py`) of which `read()`, `readexactly()`,
//!   `readline()` and `readuntil()` give an awaitable of ours instead of a coroutine ([`adopt`]);
//! - a server's callback gets a writer of ours ([`WriterState`]), with the methods of `transport/stream_writer.rs`.
//!
//! What asyncio keeps in the `__dict__` of these objects lies in native objects, which the attributes of the same names
//! show: asyncio's other methods work on them unchanged.

mod adoption;
mod connected;
mod fields;
mod process_output;
mod read_methods;
mod read_operation;
mod reader_attributes;
mod reader_state;
mod received;
mod writer_state;

pub(crate) use adoption::{
    Classes, adopt, install, is_recognised, may_be_fed, note_error_is_known,
};
pub(crate) use connected::make_type as make_connected_type;
pub(crate) use process_output::{
    OutputReader, is_output_protocol, keeps_output, output_may_be_fed, reader_of_output,
};
pub(crate) use read_operation::make_type;
pub(crate) use reader_state::{ReaderState, make_type as make_reader_state_type};
pub(crate) use writer_state::{
    WriterState, make_type as make_writer_state_type, native_writer, original_delete,
    original_drain, original_write, writer_state,
};
