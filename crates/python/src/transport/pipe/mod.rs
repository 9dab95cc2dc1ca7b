//! `tepal._native.ReadPipeTransport` and `WritePipeTransport`: the transports of `connect_read_pipe()` and
//! `connect_write_pipe()`, and so of the pipes of child processes.
//!
//! What asyncio's `_UnixReadPipeTransport` and `_UnixWritePipeTransport` (CPython `Lib/asyncio/unix_events.py`) do is
//! done here; queue, flow control and ways of delivery are those of stream transports.
//!
//! # States of a read transport
//!
//! | state | flags | reads | left by |
//! |---|---|---|---|
//! | made | - | no | `connection_made` has run: → open |
//! | open | - | yes, unless `_paused` | end of file: `eof_received`, → closing; an error, `close()`: → closing |
//! | closing | `_closing` | no | `connection_lost` has run, in the next turn: → closed |
//! | closed | the same, no pipe, protocol or loop | no | - |
//!
//! # States of a write transport
//!
//! | state | flags | writes | left by |
//! |---|---|---|---|
//! | made | - | yes | `connection_made` has run: → open |
//! | open | - | yes | `write_eof()`, `close()`: → ending; an error, `abort()`, nobody reads any more: → lost |
//! | ending | `_closing`, something queued | ignored, logged from the fifth on | all written, an error, `abort()`, nobody reads: → lost |
//! | lost | `_closing`, nothing queued | the same | `connection_lost` has run: → closed |
//! | closed | the same, no pipe, protocol or loop | the same | - |
//!
//! That nobody reads any more is seen by watching the write end of a pipe or socket for readability, as asyncio does.
//! `connection_lost` is called once: whoever sets `losing` first schedules (or makes) that call.

mod end;
mod kind;
mod process_output;
mod python;
mod read;
mod write;

pub(crate) use python::make_types;
pub(crate) use read::ReadPipeBody;
pub(super) use read::run_readable;
pub(crate) use write::WritePipeBody;
pub(super) use write::run_writable;
