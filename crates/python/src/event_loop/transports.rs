//! Making transports; `python/tepal/stream_transports.py` calls this once per connection.

use crate::datagram::EndpointBody;
use crate::interop::arguments::Arguments;
use crate::interop::errors::Builtin;
use crate::interop::instance::Instance;
use crate::interop::methods::{Method, with_arguments, with_one};
use crate::interop::object::Object;
use crate::loop_core::body::LoopBody;
use crate::transport::{ReadPipeBody, StreamBody, WritePipeBody, accept_streams};

use super::L;

pub(super) fn methods() -> Vec<Method<LoopBody>> {
    vec![
        with_arguments(
            c"_new_datagram_endpoint",
            c"_new_datagram_endpoint($self, sock, family)\n--\n\nMake the native half of a datagram transport.",
            |this: &L, arguments: Arguments<'_>| Instance::<EndpointBody>::make(this, arguments),
        ),
        with_one(
            c"_watch_datagrams",
            c"_watch_datagrams($self, endpoint, /)\n--\n\nBegin to receive.",
            |this: &L, endpoint: &Object| match endpoint.exactly::<EndpointBody>() {
                Some(endpoint) => endpoint.watch(this),
                None => Err(Builtin::TypeError.raise("a DatagramEndpoint is required")),
            },
        ),
        with_arguments(
            c"_accept_streams",
            c"_accept_streams($self, protocol_factory, sock, server, backlog, context, wrap)\n--\n\nTake all connections that wait; whether that could be done.",
            accept_streams,
        ),
        with_arguments(
            c"_new_read_pipe_transport",
            c"_new_read_pipe_transport($self, pipe, protocol, waiter, extra)\n--\n\nMake a transport and schedule connection_made().",
            |this: &L, arguments: Arguments<'_>| Instance::<ReadPipeBody>::make(this, arguments),
        ),
        with_arguments(
            c"_new_write_pipe_transport",
            c"_new_write_pipe_transport($self, pipe, protocol, waiter, extra)\n--\n\nMake a transport and schedule connection_made().",
            |this: &L, arguments: Arguments<'_>| Instance::<WritePipeBody>::make(this, arguments),
        ),
        with_arguments(
        c"_new_stream_transport",
        c"_new_stream_transport($self, sock, protocol, extra, server, context)\n--\n\nMake a transport; nothing is scheduled yet.",
        |this: &L, arguments: Arguments<'_>| Instance::<StreamBody>::make(this, arguments),
    ),
    ]
}
