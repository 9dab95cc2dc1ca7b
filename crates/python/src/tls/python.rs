//! What Python code, asyncio's `SSLProtocol` above all, sees of a TLS connection.

use std::cell::Cell;

use crate::interop::coroutines::is_true;
use crate::interop::errors::PyResult;
use crate::interop::instance::Instance;
use crate::interop::methods::{Attribute, readable, with_one, without_arguments, writable};
use crate::interop::object::Object;
use crate::interop::type_builder::TypeBuilder;
use crate::interop::values;

use super::protocol::ProtocolBody;

type P = Instance<ProtocolBody>;

fn set_flag(flag: &Cell<bool>, value: &Object) -> PyResult<()> {
    flag.set(is_true(value)?);
    Ok(())
}

fn set_size(size: &Cell<u64>, value: &Object) -> PyResult<()> {
    let value = if values::is_exact_float(value) {
        values::to_float(value)? as u64
    } else {
        u64::try_from(values::to_saturated_integer(value)?).unwrap_or(0)
    };
    size.set(value);
    Ok(())
}

fn references() -> Vec<Attribute<ProtocolBody>> {
    vec![
        writable(
            c"_loop",
            |this: &P| this.event_loop.get(),
            |this: &P, event_loop| {
                this.event_loop.set(event_loop.clone());
                Ok(())
            },
        ),
        writable(
            c"_state",
            |this: &P| this.state.get(),
            |this: &P, state| {
                this.set_state(state);
                Ok(())
            },
        ),
        writable(
            c"_transport",
            |this: &P| this.below.get(),
            |this: &P, transport| {
                this.below.set(transport.clone());
                Ok(())
            },
        ),
        writable(
            c"_app_protocol",
            |this: &P| this.protocol.get(),
            P::set_protocol,
        ),
        readable(c"_driven", |this: &P| this.connection.get().is_some()),
    ]
}

fn flags() -> Vec<Attribute<ProtocolBody>> {
    vec![
        writable(
            c"_app_reading_paused",
            |this: &P| this.reading_paused.get(),
            |this: &P, value| set_flag(&this.reading_paused, value),
        ),
        writable(
            c"_ssl_reading_paused",
            |this: &P| this.socket_reading_paused.get(),
            |this: &P, value| set_flag(&this.socket_reading_paused, value),
        ),
        writable(
            c"_app_writing_paused",
            |this: &P| this.writing_paused.get(),
            |this: &P, value| set_flag(&this.writing_paused, value),
        ),
        writable(
            c"_ssl_writing_paused",
            |this: &P| this.socket_writing_paused.get(),
            |this: &P, value| set_flag(&this.socket_writing_paused, value),
        ),
    ]
}

fn sizes() -> Vec<Attribute<ProtocolBody>> {
    vec![
        writable(
            c"_write_buffer_size",
            |this: &P| this.backlog.get(),
            |this: &P, value| set_size(&this.backlog, value),
        ),
        writable(
            c"_incoming_low_water",
            |this: &P| this.incoming.low.get(),
            |this: &P, value| set_size(&this.incoming.low, value),
        ),
        writable(
            c"_incoming_high_water",
            |this: &P| this.incoming.high.get(),
            |this: &P, value| set_size(&this.incoming.high, value),
        ),
        writable(
            c"_outgoing_low_water",
            |this: &P| this.outgoing.low.get(),
            |this: &P, value| set_size(&this.outgoing.low, value),
        ),
        writable(
            c"_outgoing_high_water",
            |this: &P| this.outgoing.high.get(),
            |this: &P, value| set_size(&this.outgoing.high, value),
        ),
    ]
}

/// Makes the type.
///
/// # Errors
/// What CPython raises.
pub(crate) fn make_type() -> PyResult<Object> {
    TypeBuilder::<ProtocolBody>::new(c"What tepal's TLS connections put over asyncio's own methods.")
        .constructible()
        .subclassable()
        .methods(vec![
            without_arguments(
                c"_watch",
                c"_watch($self, /)\n--\n\nRemember which SSL is made from now on.",
                P::watch,
            ),
            with_one(
                c"_attach",
                c"_attach($self, sslsocket, /)\n--\n\nDrive the SSL of this object, if it can be known; say whether.",
                P::attach,
            ),
            without_arguments(
                c"_pending",
                c"_pending($self, /)\n--\n\nHow many bytes of ciphertext wait: (from the peer, for the peer).",
                P::pending,
            ),
            without_arguments(
                c"_do_read",
                c"_do_read($self, /)\n--\n\nDecrypt what is there and hand it over.",
                P::do_read,
            ),
            with_one(
                c"_set_state",
                c"_set_state($self, new_state, /)\n--\n\nCome into another state. RuntimeError if that cannot follow.",
                P::change_state,
            ),
            without_arguments(
                c"_start_handshake",
                c"_start_handshake($self, /)\n--\n\nBegin the handshake, and its timeout.",
                P::start_handshake,
            ),
            with_one(
                c"_on_handshake_complete",
                c"_on_handshake_complete($self, handshake_exc, /)\n--\n\nBegin to serve the program, or end.",
                P::on_handshake_complete,
            ),
            without_arguments(
                c"_start_shutdown",
                c"_start_shutdown($self, /)\n--\n\nBegin to close.",
                P::start_shutdown,
            ),
            without_arguments(
                c"_do_flush",
                c"_do_flush($self, /)\n--\n\nRead what is left, then shut down.",
                P::do_flush,
            ),
            without_arguments(
                c"_do_handshake",
                c"_do_handshake($self, /)\n--\n\nTake a step of the handshake.",
                P::do_handshake,
            ),
            without_arguments(
                c"_do_shutdown",
                c"_do_shutdown($self, /)\n--\n\nTake a step of the shutdown.",
                P::do_shutdown,
            ),
            without_arguments(
                c"_process_outgoing",
                c"_process_outgoing($self, /)\n--\n\nSend what is encrypted.",
                P::process_outgoing_method,
            ),
        ])
        .attributes(references())
        .attributes(flags())
        .attributes(sizes())
        .build()
}
