//! Which files a pipe transport takes, and how it is made.

use tepal_core::pipe::{self, FileKind};

use crate::interop::arguments::{Arguments, Signature};
use crate::interop::calls;
use crate::interop::errors::{Builtin, PyResult, Raised, raise_os_error, restore};
use crate::interop::imports::imports;
use crate::interop::instance::Instance;
use crate::interop::interned::{Name, intern};
use crate::interop::object::Object;
use crate::interop::values;
use crate::loop_core::body::LoopBody;

use super::end::End;

/// What a pipe transport is made of.
pub(super) struct Given {
    pub(super) end: End,
    pub(super) kind: FileKind,
    /// `_extra`
    pub(super) facts: Object,
    pub(super) protocol: Object,
    pub(super) waiter: Object,
}

/// What the loop's method `function` was called with, `(pipe, protocol, waiter, extra)`, and the open end.
///
/// # Errors
/// `TypeError` for other arguments; what the pipe's `fileno()` raises; `ValueError` with the text `refusal` if the file
/// is of no kind that a pipe transport takes; `OSError` from the kernel.
pub(super) fn given(
    event_loop: &Instance<LoopBody>,
    arguments: &Arguments<'_>,
    function: &'static str,
    refusal: &str,
) -> PyResult<Given> {
    let given = arguments.bind(&Signature {
        function,
        names: [Name::Pipe, Name::Protocol, Name::WaiterPlain, Name::Extra],
        required: 4,
        positional: 4,
    })?;
    let [pipe, protocol, waiter, extra] = given.map(|object| object.unwrap_or_else(Object::none));
    let (descriptor, kind) = opened(&pipe, refusal)?;
    Ok(Given {
        end: end_of(event_loop, &pipe, descriptor, &protocol),
        kind,
        facts: facts(extra, &pipe)?,
        protocol,
        waiter,
    })
}

/// The file behind a pipe object, in non-blocking mode: its descriptor, and what it is.
///
/// # Errors
/// What the object's `fileno()` raises; `ValueError` with this text if the file is none of those kinds; `OSError` from
/// the kernel.
fn opened(object: &Object, refusal: &str) -> PyResult<(i32, FileKind)> {
    let number = calls::call_method(Name::Fileno, [object])?;
    let descriptor = i32::try_from(values::to_integer(&number)?).unwrap_or(-1);
    let kind = pipe::kind_of(descriptor).map_err(|error| raise_os_error(&error))?;
    if kind == FileKind::Other {
        return Err(Builtin::ValueError.raise(refusal));
    }
    pipe::set_nonblocking(descriptor).map_err(|error| raise_os_error(&error))?;
    Ok((descriptor, kind))
}

/// An end that is open.
fn end_of(
    event_loop: &Instance<LoopBody>,
    pipe: &Object,
    descriptor: i32,
    protocol: &Object,
) -> End {
    let end = End::blank();
    drop(end.event_loop.replace(Some(event_loop.reference())));
    end.pipe.set(pipe.clone());
    end.descriptor.set(descriptor);
    end.protocol.set(protocol.clone());
    end
}

/// `_extra`, with the pipe in it.
///
/// # Errors
/// What a mapping other than a dict raises.
fn facts(extra: Object, pipe: &Object) -> PyResult<Object> {
    let facts = if extra.is_none() {
        values::dict(&[])?
    } else {
        extra
    };
    values::set_item(&facts, &intern("pipe")?, pipe)?;
    Ok(facts)
}

/// Wakes the one who waits for the connection, whatever became of the watching.
///
/// # Errors
/// That of the watching; what setting the result raises.
pub(super) fn wake(waiter: &Object, watched: PyResult<()>) -> PyResult<()> {
    let pending = watched.err().map(Raised::take);
    if !waiter.is_none() {
        let wake = &imports().set_result_unless_cancelled;
        calls::call(wake, [waiter, &Object::none()])?;
    }
    pending.map_or(Ok(()), |pending| Err(restore(pending)))
}
