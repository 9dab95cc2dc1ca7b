//! What Python code sees of the transports of pipes.

use crate::interop::arguments::{Arguments, Signature};
use crate::interop::buffers;
use crate::interop::calls;
use crate::interop::errors::{Builtin, PyResult};
use crate::interop::imports::dotted;
use crate::interop::instance::{HeapType, Instance, create, size_with};
use crate::interop::interned::{Name, intern};
use crate::interop::methods::{
    Attribute, Method, readable, with_arguments, with_one, without_arguments, writable,
};
use crate::interop::object::{Object, Slot};
use crate::interop::slots::representation;
use crate::interop::type_builder::TypeBuilder;
use crate::interop::values;
use crate::loop_core::watchers::Side;

use super::super::body::AsyncioBase;
use super::super::flow;
use super::end::PipeTransport;
use super::read::ReadPipeBody;
use super::write::WritePipeBody;

type R = Instance<ReadPipeBody>;
type W = Instance<WritePipeBody>;

/// `get_extra_info(name, default=None)`
fn get_extra_info<T: PipeTransport>(
    this: &Instance<T>,
    arguments: Arguments<'_>,
) -> PyResult<Object> {
    let [name, default] = arguments.bind(&Signature {
        function: "BaseTransport.get_extra_info",
        names: [Name::Called, Name::Default],
        required: 1,
        positional: 2,
    })?;
    let found = match (this.extra().get(), name) {
        (Some(extra), Some(name)) => values::dict_get(&extra, &name)?,
        _ => None,
    };
    Ok(found.or(default).unwrap_or_else(Object::none))
}

/// `_fatal_error(exc, message='Fatal error on pipe transport')`
fn fatal_error(arguments: &Arguments<'_>) -> PyResult<(Object, String)> {
    let [exception, message] = arguments.bind(&Signature {
        function: "_fatal_error",
        names: [Name::Exc, Name::Message],
        required: 1,
        positional: 2,
    })?;
    let message = message.as_ref().and_then(values::text);
    Ok((
        exception.unwrap_or_else(Object::none),
        message.unwrap_or_else(|| "Fatal error on pipe transport".to_owned()),
    ))
}

/// `_close(exc=None)`
fn exception_of(arguments: &Arguments<'_>) -> PyResult<Object> {
    let [exception] = arguments.bind(&Signature {
        function: "_close",
        names: [Name::Exc],
        required: 0,
        positional: 1,
    })?;
    Ok(exception.unwrap_or_else(Object::none))
}

fn common_methods<T: PipeTransport>() -> Vec<Method<T>> {
    vec![
        without_arguments(
            c"get_protocol",
            c"get_protocol($self, /)\n--\n\nThe protocol.",
            |this: &Instance<T>| this.end().protocol.get(),
        ),
        without_arguments(
            c"is_closing",
            c"is_closing($self, /)\n--\n\nWhether it ends or has ended.",
            |this: &Instance<T>| this.end().closing.get(),
        ),
        with_arguments(
            c"get_extra_info",
            c"get_extra_info($self, name, default=None)\n--\n\nA fact about the pipe: 'pipe'.",
            get_extra_info::<T>,
        ),
        with_one(
            c"_call_connection_lost",
            c"_call_connection_lost($self, exc, /)\n--\n\nTell the protocol and close the pipe.",
            Instance::<T>::lose_end,
        ),
    ]
}

fn given(object: &Object) -> Option<Object> {
    (!object.is_none()).then(|| object.clone())
}

fn common_attributes<T: PipeTransport>() -> Vec<Attribute<T>> {
    vec![
        readable(c"_loop", |this: &Instance<T>| {
            this.loop_of_end().map(|event_loop| event_loop.object())
        }),
        writable(
            c"_pipe",
            |this: &Instance<T>| this.end().pipe.get(),
            |this: &Instance<T>, pipe| {
                drop(this.end().pipe.replace(given(pipe)));
                Ok(())
            },
        ),
        readable(c"_fileno", |this: &Instance<T>| {
            values::signed_integer(i64::from(this.end().descriptor.get()))
        }),
        readable(c"_closing", |this: &Instance<T>| this.end().closing.get()),
    ]
}

fn read_methods() -> Vec<Method<ReadPipeBody>> {
    vec![
        without_arguments(c"is_reading", c"is_reading($self, /)\n--\n\nWhether data is read.", R::is_reading),
        without_arguments(
            c"pause_reading",
            c"pause_reading($self, /)\n--\n\nRead no more until resume_reading().",
            R::pause_reading,
        ),
        without_arguments(c"resume_reading", c"resume_reading($self, /)\n--\n\nRead again.", R::resume_reading),
        with_arguments(
            c"set_protocol",
            c"set_protocol($self, /, protocol)\n--\n\nHand data to another protocol.",
            |this: &R, arguments: Arguments<'_>| this.set_protocol(arguments.sole("_UnixReadPipeTransport.set_protocol", Name::Protocol)?),
        ),
        without_arguments(c"close", c"close($self, /)\n--\n\nRead no more, and close the pipe.", R::close),
        with_arguments(c"_close", c"_close($self, exc)\n--\n\nEnd with an exception.", |this: &R, arguments: Arguments<'_>| {
            this.close_with(&exception_of(&arguments)?)
        }),
        with_arguments(
            c"_fatal_error",
            c"_fatal_error($self, exc, message='Fatal error on pipe transport')\n--\n\nReport an error and end.",
            |this: &R, arguments: Arguments<'_>| {
                let (exception, message) = fatal_error(&arguments)?;
                this.fatal_error(&exception, &message)
            },
        ),
        with_one(c"_begin", c"_begin($self, waiter, /)\n--\n\nBegin to read, and wake the waiter.", R::begin),
        without_arguments(c"_read_ready", c"_read_ready($self, /)\n--\n\nRead once.", |this: &R| {
            match this.loop_of_end() {
                Some(event_loop) => this.read_ready(&event_loop),
                None => Ok(()),
            }
        }),
        without_arguments(
            c"_delivered",
            c"_delivered($self, /)\n--\n\nA packet that asyncio was given has reached its reader.",
            |this: &R| this.process.arrived(),
        ),
    ]
}

fn read_attributes() -> Vec<Attribute<ReadPipeBody>> {
    vec![
        writable(
            c"_protocol",
            |this: &R| this.end().protocol.get(),
            |this: &R, protocol| this.set_protocol(protocol),
        ),
        readable(c"_paused", |this: &R| this.paused.get()),
        writable(
            c"max_size",
            |this: &R| this.max_size.get() as u64,
            |this: &R, value| {
                let size = usize::try_from(values::to_integer(value)?).unwrap_or(0);
                this.max_size.set(size.max(1));
                Ok(())
            },
        ),
    ]
}

fn write_methods() -> Vec<Method<WritePipeBody>> {
    vec![
        with_arguments(
            c"write",
            c"write($self, /, data)\n--\n\nWrite bytes; never blocks.",
            |this: &W, arguments: Arguments<'_>| this.write(arguments.sole("_UnixWritePipeTransport.write", Name::Data)?),
        ),
        with_arguments(
            c"writelines",
            c"writelines($self, /, list_of_data)\n--\n\nWrite several bytes objects; never blocks.",
            |this: &W, arguments: Arguments<'_>| this.write_lines(arguments.sole("WriteTransport.writelines", Name::ListOfData)?),
        ),
        without_arguments(
            c"write_eof",
            c"write_eof($self, /)\n--\n\nClose the pipe once everything is written.",
            W::write_eof,
        ),
        without_arguments(c"can_write_eof", c"can_write_eof($self, /)\n--\n\nTrue.", |_: &W| true),
        without_arguments(
            c"get_write_buffer_size",
            c"get_write_buffer_size($self, /)\n--\n\nHow many bytes wait to be written.",
            |this: &W| this.queue.borrow().size() as u64,
        ),
        without_arguments(
            c"get_write_buffer_limits",
            c"get_write_buffer_limits($self, /)\n--\n\nThe limits of flow control in bytes: (low, high).",
            |this: &W| flow::shown_limits(&this.flow),
        ),
        with_arguments(
            c"set_write_buffer_limits",
            c"set_write_buffer_limits($self, /, high=None, low=None)\n--\n\nSet the limits of flow control in bytes.",
            |this: &W, arguments: Arguments<'_>| {
                flow::set_limits(&this.flow, flow::limits_of(&arguments)?)?;
                this.maybe_pause_protocol()
            },
        ),
    ]
}

fn ending_methods() -> Vec<Method<WritePipeBody>> {
    vec![
        with_arguments(
            c"set_protocol",
            c"set_protocol($self, /, protocol)\n--\n\nTell another protocol of flow control and the end.",
            |this: &W, arguments: Arguments<'_>| {
                this.end().protocol.set(arguments.sole("_UnixWritePipeTransport.set_protocol", Name::Protocol)?.clone());
                Ok(())
            },
        ),
        without_arguments(c"close", c"close($self, /)\n--\n\nEnd once everything is written.", W::write_eof),
        without_arguments(c"abort", c"abort($self, /)\n--\n\nEnd at once.", |this: &W| {
            this.close_with(&Object::none())
        }),
        with_arguments(c"_close", c"_close($self, exc=None)\n--\n\nEnd at once with an exception.", |this: &W, arguments: Arguments<'_>| {
            this.close_with(&exception_of(&arguments)?)
        }),
        with_arguments(
            c"_fatal_error",
            c"_fatal_error($self, exc, message='Fatal error on pipe transport')\n--\n\nReport an error and end.",
            |this: &W, arguments: Arguments<'_>| {
                let (exception, message) = fatal_error(&arguments)?;
                this.fatal_error(&exception, &message)
            },
        ),
        with_one(c"_begin", c"_begin($self, waiter, /)\n--\n\nWatch the one who reads, and wake the waiter.", W::begin),
        without_arguments(c"_read_ready", c"_read_ready($self, /)\n--\n\nNobody reads any more.", W::read_ready),
        without_arguments(c"_write_ready", c"_write_ready($self, /)\n--\n\nWrite what waits.", W::write_ready),
        without_arguments(
            c"_maybe_pause_protocol",
            c"_maybe_pause_protocol($self, /)\n--\n\nApply flow control after the buffer grew.",
            W::maybe_pause_protocol,
        ),
        without_arguments(
            c"_maybe_resume_protocol",
            c"_maybe_resume_protocol($self, /)\n--\n\nApply flow control after the buffer shrank.",
            W::maybe_resume_protocol,
        ),
    ]
}

/// `_buffer`: what waits to be written, as asyncio shows it.
fn buffer(this: &W) -> PyResult<Object> {
    let pieces: Vec<Vec<u8>> = this.queue.borrow().pieces().map(<[u8]>::to_vec).collect();
    let joined = buffers::bytes(&pieces.concat())?;
    calls::call(&dotted("builtins", &["bytearray"])?, [&joined])
}

fn write_attributes() -> Vec<Attribute<WritePipeBody>> {
    vec![
        writable(
            c"_protocol",
            |this: &W| this.end().protocol.get(),
            |this: &W, protocol| {
                this.end().protocol.set(protocol.clone());
                Ok(())
            },
        ),
        readable(c"_conn_lost", |this: &W| {
            u64::from(this.connection_lost.get())
        }),
        readable(c"_buffer", buffer),
        readable(c"_protocol_paused", |this: &W| this.flow.get().is_paused()),
        readable(c"_low_water", |this: &W| this.flow.get().limits().0 as u64),
        readable(c"_high_water", |this: &W| this.flow.get().limits().1 as u64),
    ]
}

fn write_repr(this: &W) -> PyResult<Object> {
    let size = this.queue.borrow().size();
    this.shown_end(Side::Writer, Some(format!("bufsize={size}")))
}

/// Makes the types `ReadPipeTransport` and `WritePipeTransport`.
///
/// # Errors
/// What CPython raises; `RuntimeError` if asyncio's base classes are not laid out as the memory of ours assumes.
pub(crate) fn make_types() -> PyResult<(Object, Object)> {
    let base = dotted("asyncio", &["ReadTransport"])?;
    let read = TypeBuilder::<ReadPipeBody>::new(c"The transport of a pipe that is read from.")
        .foreign_base(&base)
        .not_constructible()
        .slot(representation(|this: &R| {
            this.shown_end(Side::Reader, None)
        }))
        .methods(common_methods())
        .methods(read_methods())
        .attributes(common_attributes())
        .attributes(read_attributes())
        .build()?;
    check_layout::<ReadPipeBody>(&base, size_with::<Slot>())?;
    let base = dotted("asyncio", &["transports", "_FlowControlMixin"])?;
    let write = TypeBuilder::<WritePipeBody>::new(c"The transport of a pipe that is written to.")
        .foreign_base(&base)
        .not_constructible()
        .slot(representation(write_repr))
        .methods(common_methods())
        .methods(write_methods())
        .methods(ending_methods())
        .attributes(common_attributes())
        .attributes(write_attributes())
        .build()?;
    check_layout::<WritePipeBody>(&base, size_with::<AsyncioBase>())?;
    Ok((read, write))
}

/// Our body begins with what instances of asyncio's base class consist of.
fn check_layout<T: PipeTransport + HeapType>(base: &Object, expected: usize) -> PyResult<()> {
    let size = calls::attribute(base, &intern("__basicsize__")?)?;
    let probe = create(T::blank)?;
    let mark = values::dict(&[])?;
    probe.extra().set(mark.clone());
    let seen = probe.with_object(|probe| calls::optional_attribute(probe, &intern("_extra")?))?;
    let as_expected =
        values::to_integer(&size)? as usize == expected && seen.is_some_and(|seen| seen.is(&mark));
    if !as_expected {
        return Err(Builtin::RuntimeError.raise(
            "asyncio's transports of this interpreter has attributes that tepal does not know",
        ));
    }
    Ok(())
}
