//! The callback of `asyncio.start_server()`, through which the writer of a new connection comes by.

use std::ffi::CStr;

use crate::interop::arguments::Arguments;
use crate::interop::calls;
use crate::interop::errors::{Builtin, PyResult};
use crate::interop::gc::Visitor;
use crate::interop::instance::{HeapType, Instance, TypeCell, create};
use crate::interop::interned::Name;
use crate::interop::object::{Object, Slot};
use crate::interop::slots::callable;
use crate::interop::type_builder::TypeBuilder;
use crate::interop::values;

use super::fields::Fields;
use super::writer_state::served_writer;

/// Calls `client_connected_cb(reader, writer)` with a writer of ours in the place of asyncio's.
pub(crate) struct ConnectedBody {
    callback: Slot,
}

impl HeapType for ConnectedBody {
    const NAME: &'static CStr = c"tepal._native.ClientConnected";

    fn cell() -> &'static TypeCell {
        static CELL: TypeCell = TypeCell::new();
        &CELL
    }

    fn blank() -> ConnectedBody {
        ConnectedBody {
            callback: Slot::empty(),
        }
    }

    fn traverse(&self, visitor: &mut Visitor) {
        visitor.slot(&self.callback);
    }

    fn clear(&self) {
        self.callback.clear();
    }
}

/// Puts ourselves before the protocol's `client_connected_cb`, if it has one.
///
/// # Errors
/// `MemoryError`.
pub(super) fn watch_for_writer(protocol: &Fields) -> PyResult<()> {
    let callback = protocol.get(Name::ClientConnectedCb)?;
    if callback.is_none() || callback.exactly::<ConnectedBody>().is_some() {
        return Ok(());
    }
    let connected = create(|| ConnectedBody {
        callback: Slot::holding(callback),
    })?;
    protocol.set(Name::ClientConnectedCb, &connected.into_object())
}

fn call(this: &Instance<ConnectedBody>, arguments: Arguments<'_>) -> PyResult<Object> {
    let Some(callback) = this.callback.get() else {
        return Err(Builtin::RuntimeError.raise("the callback is gone"));
    };
    if let [reader, writer] = arguments.positional()
        && arguments.keyword_count() == 0
    {
        return calls::call(&callback, [reader, &served_writer(writer)?]);
    }
    let given = arguments.positional().to_vec();
    calls::call_tuple(&callback, &values::tuple(given)?)
}

/// Makes the type.
///
/// # Errors
/// What CPython raises.
pub(crate) fn make_type() -> PyResult<Object> {
    TypeBuilder::<ConnectedBody>::new(c"The callback of a server of streams.")
        .not_constructible()
        .slot(callable(call))
        .build()
}
