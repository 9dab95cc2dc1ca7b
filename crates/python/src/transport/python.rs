//! What Python code sees of a stream transport.

use crate::interop::arguments::{Arguments, Signature};
use crate::interop::buffers;
use crate::interop::calls;
use crate::interop::errors::{Builtin, PyResult, restore, take_raised};
use crate::interop::imports::{dotted, imports};
use crate::interop::instance::{HeapType, Instance, create, size_with, type_name};
use crate::interop::interned::{Name, intern};
use crate::interop::methods::{
    Attribute, Method, readable, with_arguments, with_one, without_arguments, writable,
};
use crate::interop::object::Object;
use crate::interop::slots::representation;
use crate::interop::type_builder::TypeBuilder;
use crate::interop::values;
use crate::loop_core::attention::CLOSED;
use crate::loop_core::watchers::Side;

use super::body::{AsyncioBase, StreamBody};

type S = Instance<StreamBody>;

/// asyncio's class has a method of its own from 3.12 on.
const WRITELINES: &str = if cfg!(Py_3_12) {
    "_SelectorSocketTransport.writelines"
} else {
    "WriteTransport.writelines"
};

/// `get_extra_info(name, default=None)`
fn get_extra_info(this: &S, arguments: Arguments<'_>) -> PyResult<Object> {
    let [name, default] = arguments.bind(&Signature {
        function: "BaseTransport.get_extra_info",
        names: [Name::Called, Name::Default],
        required: 1,
        positional: 2,
    })?;
    if let Some(name) = &name
        && values::same_text(name, &intern("socket")?)
    {
        this.show_socket()?;
    }
    let found = match (this.asyncio.extra.get(), name) {
        (Some(extra), Some(name)) => values::dict_get(&extra, &name)?,
        _ => None,
    };
    Ok(found.or(default).unwrap_or_else(Object::none))
}

/// `_fatal_error(exc, message='Fatal error on transport')`
fn fatal_error(this: &S, arguments: Arguments<'_>) -> PyResult<()> {
    let [exception, message] = arguments.bind(&Signature {
        function: "_fatal_error",
        names: [Name::Exc, Name::Message],
        required: 1,
        positional: 2,
    })?;
    let message = message
        .as_ref()
        .and_then(values::text)
        .unwrap_or_else(|| "Fatal error on transport".to_owned());
    match exception {
        Some(exception) => this.fatal_error(&exception, &message),
        None => Ok(()),
    }
}

/// `_begin(waiter)`: what follows `connection_made`.
fn begin(this: &S, waiter: &Object) -> PyResult<()> {
    let watched = this.watch_reads();
    let pending = watched.is_err().then(take_raised);
    if !waiter.is_none() {
        let wake = &imports().set_result_unless_cancelled;
        calls::call(wake, [waiter, &Object::none()])?;
    }
    match pending.flatten() {
        Some(pending) => Err(restore(pending)),
        None => Ok(()),
    }
}

fn repr(this: &S) -> PyResult<Object> {
    this.settle()?;
    let mut parts = vec![this.with_object(type_name)];
    if this.socket.is_empty() {
        parts.push("closed".to_owned());
    } else if this.closing.get() {
        parts.push("closing".to_owned());
    }
    let descriptor = this.descriptor.get();
    parts.push(format!("fd={descriptor}"));
    if let Some(event_loop) = this.event_loop.get()
        && !event_loop.attention.has(CLOSED)
    {
        let state = |side| {
            let watched = this.with_object(|this| event_loop.is_watched_by(descriptor, side, this));
            if watched { "polling" } else { "idle" }
        };
        let size = this.queue.borrow().size();
        parts.push(format!("read={}", state(Side::Reader)));
        parts.push(format!("write=<{}, bufsize={size}>", state(Side::Writer)));
    }
    values::string(&format!("<{}>", parts.join(" ")))
}

/// `_buffer`: what waits to be sent, as asyncio shows it: a deque of chunks; on 3.11 one bytearray.
fn buffer(this: &S) -> PyResult<Object> {
    this.settle()?;
    let pieces: Vec<Vec<u8>> = this.queue.borrow().pieces().map(<[u8]>::to_vec).collect();
    if cfg!(not(Py_3_12)) {
        let joined = buffers::bytes(&pieces.concat())?;
        return calls::call(&dotted("builtins", &["bytearray"])?, [&joined]);
    }
    let pieces: PyResult<Vec<Object>> = pieces.iter().map(|piece| buffers::bytes(piece)).collect();
    calls::call(
        &dotted("collections", &["deque"])?,
        [&values::list(pieces?)?],
    )
}

fn buffer_size(this: &S) -> PyResult<u64> {
    this.settle()?;
    Ok(this.queue.borrow().size() as u64)
}

/// `_read_ready_cb`: None once nothing will be read any more.
fn read_ready_callback(this: &S) -> PyResult<Object> {
    if this.closing.get() {
        return Ok(Object::none());
    }
    this.with_object(|this| calls::attribute(this, Name::ReadReady.object()))
}

fn event_loop(this: &S) -> Option<Object> {
    this.event_loop.get().map(|event_loop| event_loop.object())
}

fn reading_methods() -> Vec<Method<StreamBody>> {
    vec![
        without_arguments(
            c"is_reading",
            c"is_reading($self, /)\n--\n\nWhether data is read.",
            S::is_reading,
        ),
        without_arguments(
            c"pause_reading",
            c"pause_reading($self, /)\n--\n\nRead no more until resume_reading().",
            S::pause_reading,
        ),
        without_arguments(
            c"resume_reading",
            c"resume_reading($self, /)\n--\n\nRead again.",
            S::resume_reading,
        ),
        with_arguments(
            c"set_protocol",
            c"set_protocol($self, /, protocol)\n--\n\nHand data to another protocol.",
            |this: &S, arguments: Arguments<'_>| {
                this.set_protocol(
                    arguments.sole("_SelectorSocketTransport.set_protocol", Name::Protocol)?,
                )
            },
        ),
        without_arguments(
            c"get_protocol",
            c"get_protocol($self, /)\n--\n\nThe protocol.",
            |this: &S| this.protocol.get(),
        ),
        without_arguments(
            c"_read_ready",
            c"_read_ready($self, /)\n--\n\nRead once.",
            |this: &S| match this.event_loop.get() {
                Some(event_loop) => this.read_ready(&event_loop),
                None => Ok(()),
            },
        ),
    ]
}

fn writing_methods() -> Vec<Method<StreamBody>> {
    vec![
        with_arguments(
            c"write",
            c"write($self, /, data)\n--\n\nSend bytes; never blocks.",
            |this: &S, arguments: Arguments<'_>| this.write(arguments.sole("_SelectorSocketTransport.write", Name::Data)?),
        ),
        with_arguments(
            c"writelines",
            c"writelines($self, /, list_of_data)\n--\n\nSend several bytes objects; never blocks.",
            |this: &S, arguments: Arguments<'_>| this.write_lines(arguments.sole(WRITELINES, Name::ListOfData)?),
        ),
        without_arguments(c"write_eof", c"write_eof($self, /)\n--\n\nSend no more; reading goes on.", S::write_eof),
        without_arguments(c"can_write_eof", c"can_write_eof($self, /)\n--\n\nTrue.", |_: &S| true),
        without_arguments(
            c"get_write_buffer_size",
            c"get_write_buffer_size($self, /)\n--\n\nHow many bytes wait to be sent.",
            buffer_size,
        ),
        without_arguments(
            c"get_write_buffer_limits",
            c"get_write_buffer_limits($self, /)\n--\n\nThe limits of flow control in bytes: (low, high).",
            S::write_buffer_limits,
        ),
        with_arguments(
            c"set_write_buffer_limits",
            c"set_write_buffer_limits($self, /, high=None, low=None)\n--\n\nSet the limits of flow control in bytes.",
            S::set_write_buffer_limits,
        ),
        without_arguments(c"_write_ready", c"_write_ready($self, /)\n--\n\nSend what waits.", |this: &S| {
            match this.event_loop.get() {
                Some(event_loop) => this.write_ready(&event_loop),
                None => Ok(()),
            }
        }),
        without_arguments(
            c"_maybe_pause_protocol",
            c"_maybe_pause_protocol($self, /)\n--\n\nApply flow control after the buffer grew.",
            S::maybe_pause_protocol,
        ),
        without_arguments(
            c"_maybe_resume_protocol",
            c"_maybe_resume_protocol($self, /)\n--\n\nApply flow control after the buffer shrank.",
            S::maybe_resume_protocol,
        ),
        without_arguments(
            c"_make_empty_waiter",
            c"_make_empty_waiter($self, /)\n--\n\nA Future for the moment when all is sent.",
            S::make_empty_waiter,
        ),
        without_arguments(
            c"_reset_empty_waiter",
            c"_reset_empty_waiter($self, /)\n--\n\nForget that Future.",
            |this: &S| this.empty_waiter.clear(),
        ),
    ]
}

fn closing_methods() -> Vec<Method<StreamBody>> {
    vec![
        without_arguments(c"close", c"close($self, /)\n--\n\nEnd once everything is sent.", S::close),
        without_arguments(c"abort", c"abort($self, /)\n--\n\nEnd at once.", |this: &S| {
            this.force_close(&Object::none())
        }),
        without_arguments(c"is_closing", c"is_closing($self, /)\n--\n\nWhether it ends or has ended.", |this: &S| {
            this.closing.get()
        }),
        with_one(c"_force_close", c"_force_close($self, exc, /)\n--\n\nEnd at once with an exception.", S::force_close),
        with_arguments(
            c"_fatal_error",
            c"_fatal_error($self, exc, message='Fatal error on transport')\n--\n\nReport an error and end.",
            fatal_error,
        ),
        with_one(
            c"_call_connection_lost",
            c"_call_connection_lost($self, exc, /)\n--\n\nTell the protocol and close the socket.",
            S::lose_connection,
        ),
        with_one(c"_start", c"_start($self, waiter, /)\n--\n\nSchedule connection_made().", S::start),
        with_one(c"_begin", c"_begin($self, waiter, /)\n--\n\nBegin to read, and wake the waiter.", begin),
        without_arguments(
            c"_attach_to_server",
            c"_attach_to_server($self, /)\n--\n\nTell the server that it has one more connection.",
            S::attach_to_server,
        ),
        with_arguments(
            c"get_extra_info",
            c"get_extra_info($self, name, default=None)\n--\n\nA fact about the connection.",
            get_extra_info,
        ),
    ]
}

fn attributes() -> Vec<Attribute<StreamBody>> {
    vec![
        readable(c"_loop", event_loop),
        writable(
            c"_sock",
            |this: &S| {
                this.show_socket()?;
                Ok(this.socket.get())
            },
            |this: &S, socket| {
                this.show_socket()?;
                this.set_socket(socket)
            },
        ),
        readable(c"_sock_fd", |this: &S| {
            values::signed_integer(i64::from(this.descriptor.get()))
        }),
        writable(
            c"_protocol",
            |this: &S| this.protocol.get(),
            |this: &S, protocol| this.set_protocol(protocol),
        ),
        readable(c"_protocol_connected", |this: &S| {
            this.protocol_connected.get()
        }),
        readable(c"_server", |this: &S| this.server.get()),
        readable(c"_context", |this: &S| this.context.get()),
        readable(c"_conn_lost", |this: &S| {
            u64::from(this.connection_lost.get())
        }),
        readable(c"_eof", |this: &S| this.eof.get()),
        readable(c"_closing", |this: &S| this.closing.get()),
        readable(c"_paused", |this: &S| this.paused.get()),
        readable(c"_buffer", buffer),
        readable(c"_buffer_size", buffer_size),
        readable(c"_empty_waiter", |this: &S| this.empty_waiter.get()),
        readable(c"_protocol_paused", |this: &S| this.flow.get().is_paused()),
        readable(c"_low_water", |this: &S| this.flow.get().limits().0 as u64),
        readable(c"_high_water", |this: &S| this.flow.get().limits().1 as u64),
        readable(c"_read_ready_cb", read_ready_callback),
        writable(
            c"max_size",
            |this: &S| this.max_size.get() as u64,
            |this: &S, value| {
                let size = usize::try_from(values::to_integer(value)?).unwrap_or(0);
                this.max_size.set(size.max(1));
                Ok(())
            },
        ),
    ]
}

/// Makes the type `StreamTransport`.
///
/// # Errors
/// What CPython raises; `RuntimeError` if asyncio's base class is not laid out as the memory of ours assumes.
pub(crate) fn make_type() -> PyResult<Object> {
    let base = dotted("asyncio", &["transports", "_FlowControlMixin"])?;
    let kind = TypeBuilder::<StreamBody>::new(c"The transport of a TCP or Unix stream socket.")
        .foreign_base(&base)
        .not_constructible()
        .class_attribute("_start_tls_compatible", Object::from_bool(true))
        .class_attribute(
            "_sendfile_compatible",
            dotted("asyncio", &["constants", "_SendfileMode", "TRY_NATIVE"])?,
        )
        .slot(representation(repr))
        .methods(reading_methods())
        .methods(writing_methods())
        .methods(closing_methods())
        .attributes(attributes())
        .build()?;
    check_layout(&base)?;
    Ok(kind)
}

/// Our body begins with what instances of asyncio's base class consist of.
fn check_layout(base: &Object) -> PyResult<()> {
    let size = calls::attribute(base, &intern("__basicsize__")?)?;
    let probe = create(StreamBody::blank)?.into_object();
    let mark = values::dict(&[])?;
    if let Some(body) = probe.exactly::<StreamBody>() {
        body.asyncio.extra.set(mark.clone());
    }
    let seen = calls::optional_attribute(&probe, &intern("_extra")?)?;
    let as_expected = values::to_integer(&size)? as usize == size_with::<AsyncioBase>()
        && seen.is_some_and(|seen| seen.is(&mark));
    if !as_expected {
        return Err(Builtin::RuntimeError.raise(
            "asyncio's transports of this interpreter has attributes that tepal does not know",
        ));
    }
    Ok(())
}
