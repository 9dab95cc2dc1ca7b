//! `tepal._native.LoopCore`: the loop's methods that run per callback or per Task. The cold
//! ones come from asyncio's own classes, below which `tepal.EventLoop` puts this type.

mod descriptors;
mod lifecycle;
mod private_names;
mod recording;
mod scheduling;
mod sock;
mod tasks;
mod transports;

use crate::interop::errors::PyResult;
use crate::interop::instance::Instance;
use crate::interop::object::Object;
use crate::interop::slots::{attribute_watch, initializer};
use crate::interop::type_builder::TypeBuilder;
use crate::loop_core::body::LoopBody;

pub(crate) use lifecycle::live_tasks;
pub(crate) use recording::note_of;
pub(crate) use scheduling::recognise;
pub(crate) use tasks::recognise_eager_factory;

type L = Instance<LoopBody>;

/// Makes the type `LoopCore`.
///
/// # Errors
/// What CPython raises.
pub(crate) fn make_type() -> PyResult<Object> {
    TypeBuilder::<LoopBody>::new(c"The core of a tepal event loop; use tepal.EventLoop.")
        .subclassable()
        .constructible()
        .slot(initializer(lifecycle::init))
        .slot(attribute_watch(lifecycle::attribute_changed))
        .methods(lifecycle::methods())
        .methods(scheduling::methods())
        .methods(tasks::methods())
        .methods(descriptors::methods())
        .methods(transports::methods())
        .methods(sock::methods())
        .methods(private_names::methods())
        .methods(recording::methods())
        .attributes(private_names::attributes())
        .build()
}
