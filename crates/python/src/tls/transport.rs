//! What a program holds: asyncio's `_SSLProtocolTransport`, with native writes.

use std::cell::Cell;
use std::ffi::CStr;

use crate::interop::arguments::Arguments;
use crate::interop::buffers::{self, Bytes, View};
use crate::interop::calls;
use crate::interop::coroutines::is_true;
use crate::interop::errors::PyResult;
use crate::interop::gc::Visitor;
use crate::interop::imports::{dotted, imports};
use crate::interop::instance::{HeapType, Instance, TypeCell};
use crate::interop::interned::Name;
use crate::interop::methods::{with_arguments, writable};
use crate::interop::object::{Object, Slot};
use crate::interop::openssl::Connection;
use crate::interop::type_builder::TypeBuilder;
use crate::interop::values;
use crate::transport::{AsyncioBase, StreamBody};

use super::protocol::ProtocolBody;

/// The memory of a TLS transport.
#[repr(C)]
pub(crate) struct TransportBody {
    asyncio: AsyncioBase,
    /// `_ssl_protocol`
    ssl_protocol: Slot,
    /// `_closed`
    closed: Cell<bool>,
}

impl HeapType for TransportBody {
    const NAME: &'static CStr = c"tepal._native.TlsTransportCore";

    fn cell() -> &'static TypeCell {
        static CELL: TypeCell = TypeCell::new();
        &CELL
    }

    fn blank() -> TransportBody {
        TransportBody {
            asyncio: AsyncioBase::empty(),
            ssl_protocol: Slot::empty(),
            closed: Cell::new(false),
        }
    }

    fn traverse(&self, visitor: &mut Visitor) {
        self.asyncio.traverse(visitor);
        visitor.slot(&self.ssl_protocol);
    }

    fn clear(&self) {
        self.asyncio.clear();
        self.ssl_protocol.clear();
    }
}

type T = Instance<TransportBody>;

/// What became of bytes to be encrypted.
enum Sealed {
    All,
    /// All but these, which asyncio has to go on with.
    Part(Object),
    /// None: asyncio has to look at them.
    Nothing,
}

/// `write(data)`
#[inline(always)]
fn write(this: &T, data: &Object) -> PyResult<()> {
    let protocol = this.ssl_protocol.get_or_none();
    if let Some(protocol) = protocol.instance_of::<ProtocolBody>()
        && let Some(connection) = protocol.writable()
    {
        let sealed =
            protocol.seal_and_send(connection, true, || seal(protocol, connection, data))?;
        match sealed {
            Sealed::All => return Ok(()),
            Sealed::Part(rest) => return write_by_asyncio(this, &rest),
            Sealed::Nothing => {}
        }
    }
    write_by_asyncio(this, data)
}

fn write_by_asyncio(this: &T, data: &Object) -> PyResult<()> {
    this.with_object(|this| calls::call(&imports().ssl_transport_write, [this, data]))
        .map(drop)
}

/// Encrypts the content of a bytes-like object; it is looked at only in here.
#[inline(always)]
fn seal(
    protocol: &Instance<ProtocolBody>,
    connection: &Connection,
    data: &Object,
) -> PyResult<Sealed> {
    if let Some(bytes) = Bytes::peek(data) {
        return seal_bytes(protocol, connection, bytes);
    }
    if !buffers::is_bytes_like(data) {
        return Ok(Sealed::Nothing);
    }
    match View::readable(data) {
        Ok(view) => seal_bytes(protocol, connection, view.as_slice()),
        Err(raised) => {
            raised.forget();
            Ok(Sealed::Nothing)
        }
    }
}

#[inline(always)]
fn seal_bytes(
    protocol: &Instance<ProtocolBody>,
    connection: &Connection,
    bytes: &[u8],
) -> PyResult<Sealed> {
    let taken = protocol.encrypt(connection, bytes);
    Ok(if taken == bytes.len() {
        Sealed::All
    } else if taken == 0 {
        Sealed::Nothing
    } else {
        Sealed::Part(buffers::bytes(&bytes[taken..])?)
    })
}

/// `writelines(list_of_data)`: a record or more for each, sent together.
fn write_lines(this: &T, lines: &Object) -> PyResult<()> {
    let mut lines = values::items(lines)?;
    let protocol = this.ssl_protocol.get_or_none();
    if let Some(protocol) = protocol.instance_of::<ProtocolBody>()
        && let Some(connection) = protocol.writable()
    {
        let done = protocol.seal_and_send(connection, false, || {
            seal_lines(protocol, connection, &mut lines)
        })?;
        if done == lines.len() {
            return Ok(());
        }
        drop(lines.drain(..done));
    }
    write_lines_by_asyncio(this, lines)
}

/// Encrypts lines one after the other; says how many need nothing more. The next one is what is left of it.
fn seal_lines(
    protocol: &Instance<ProtocolBody>,
    connection: &Connection,
    lines: &mut [Object],
) -> PyResult<usize> {
    for (done, line) in lines.iter_mut().enumerate() {
        match seal(protocol, connection, line)? {
            Sealed::All => {}
            Sealed::Part(rest) => {
                *line = rest;
                return Ok(done);
            }
            Sealed::Nothing => return Ok(done),
        }
    }
    Ok(lines.len())
}

fn write_lines_by_asyncio(this: &T, lines: Vec<Object>) -> PyResult<()> {
    let lines = values::list(lines)?;
    this.with_object(|this| calls::call(&imports().ssl_transport_write_lines, [this, &lines]))
        .map(drop)
}

/// `transport.write(data)` for a `StreamWriter`; `None` if this is no transport of ours.
pub(super) fn write_natively(transport: &Object, data: &Object) -> Option<PyResult<()>> {
    let this = transport.instance_of::<TransportBody>()?;
    Some(write(this, data))
}

/// Whether this is a transport of ours that is surely not closing.
pub(super) fn is_open(transport: &Object) -> bool {
    let Some(this) = transport.instance_of::<TransportBody>() else {
        return false;
    };
    let protocol = this.ssl_protocol.get_or_none();
    let Some(protocol) = protocol.instance_of::<ProtocolBody>() else {
        return false;
    };
    let below = protocol.below.get_or_none();
    !this.closed.get()
        && below
            .exactly::<StreamBody>()
            .is_some_and(|stream| !stream.is_closing())
}

/// Makes the type.
///
/// # Errors
/// What CPython raises.
pub(crate) fn make_type() -> PyResult<Object> {
    let base = dotted("asyncio", &["transports", "_FlowControlMixin"])?;
    TypeBuilder::<TransportBody>::new(
        c"What tepal's TLS transports put over asyncio's own methods.",
    )
    .foreign_base(&base)
    .constructible()
    .subclassable()
    .methods(vec![
        with_arguments(
            c"write",
            c"write($self, /, data)\n--\n\nSend bytes; never blocks.",
            |this: &T, arguments: Arguments<'_>| {
                write(
                    this,
                    arguments.sole("_SSLProtocolTransport.write", Name::Data)?,
                )
            },
        ),
        with_arguments(
            c"writelines",
            c"writelines($self, /, list_of_data)\n--\n\nSend several bytes objects; never blocks.",
            |this: &T, arguments: Arguments<'_>| {
                write_lines(
                    this,
                    arguments.sole("_SSLProtocolTransport.writelines", Name::ListOfData)?,
                )
            },
        ),
    ])
    .attributes(vec![
        writable(
            c"_ssl_protocol",
            |this: &T| this.ssl_protocol.get(),
            |this: &T, protocol| {
                drop(
                    this.ssl_protocol
                        .replace((!protocol.is_none()).then(|| protocol.clone())),
                );
                Ok(())
            },
        ),
        writable(
            c"_closed",
            |this: &T| this.closed.get(),
            |this: &T, closed| {
                this.closed.set(is_true(closed)?);
                Ok(())
            },
        ),
    ])
    .build()
}
