//! `tepal._native.StreamTransport`: the transport of TCP and Unix stream sockets, a subclass of `asyncio.Transport`.
//!
//! What asyncio's `_SelectorSocketTransport` (CPython `Lib/asyncio/selector_events.py`) does per packet is done here;
//! how a connection comes about stays asyncio's. The transports of pipes are in [`pipe`].
//!
//! # States
//!
//! | state | flags | reads | writes | left by |
//! |---|---|---|---|---|
//! | made | - | no | yes | `connection_made` has run: → open |
//! | open | - | yes, unless `_paused` | yes | `close()`, end of stream: → closing or lost; an error: → lost |
//! | half closed | `_eof` | yes | RuntimeError | as open |
//! | closing | `_closing`, `_conn_lost` = 0 | no | queued behind the rest | everything sent, an error, `abort()`: → lost |
//! | lost | `_closing`, `_conn_lost` > 0 | no | ignored, logged from the fifth on | `connection_lost` has run: → closed |
//! | closed | the same, no socket, protocol or loop | no | ignored | - |
//!
//! `connection_lost` is called once: whoever makes `_conn_lost` 1 schedules (or makes) that call.

mod accepting;
mod acquaintances;
mod body;
mod closing;
mod delivery;
mod ending;
mod filling;
mod flow;
mod holding;
mod pipe;
mod python;
mod reading;
mod stream_writer;
mod wire;
mod writing;

pub(crate) use accepting::{accept_streams, learn_transport_socket};
pub(crate) use acquaintances::learn_server;
pub(crate) use body::{AsyncioBase, StreamBody};
pub(crate) use delivery::{Delivery, Upper, Way, install_upper};
pub(crate) use holding::{hold_enough, send_held};
pub(crate) use pipe::{ReadPipeBody, WritePipeBody, make_types as make_pipe_types};
pub(crate) use python::make_type;
pub(crate) use reading::run_readable;
pub(crate) use stream_writer::{make_drain_type, writer_methods};
pub(crate) use writing::{Pushed, run_writable};
