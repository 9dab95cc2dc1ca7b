//! The loop that a Future or a Handle belongs to.

use crate::interop::calls;
use crate::interop::errors::PyResult;
use crate::interop::gc::Visitor;
use crate::interop::imports::imports;
use crate::interop::instance::Ref;
use crate::interop::interned::Name;
use crate::interop::object::Object;

use super::body::LoopBody;

/// A loop of ours, or any other (our Futures and Tasks run on every asyncio loop).
#[derive(Clone)]
pub(crate) enum LoopRef {
    /// A `tepal.EventLoop`.
    Native(Ref<LoopBody>),
    /// Another object with asyncio's loop methods.
    Foreign(Object),
}

impl LoopRef {
    /// Looks once what kind of loop it is.
    pub(crate) fn new(event_loop: &Object) -> LoopRef {
        match event_loop.to_ref::<LoopBody>() {
            Some(native) => LoopRef::Native(native),
            None => LoopRef::Foreign(event_loop.clone()),
        }
    }

    /// The loop given as an argument, or `asyncio.get_event_loop()`.
    ///
    /// # Errors
    /// What `get_event_loop` raises.
    pub(crate) fn given_or_current(event_loop: Option<Object>) -> PyResult<LoopRef> {
        match event_loop {
            Some(event_loop) if !event_loop.is_none() => Ok(LoopRef::new(&event_loop)),
            _ => Ok(LoopRef::new(&calls::call(&imports().get_event_loop, [])?)),
        }
    }

    /// The loop as an object.
    pub(crate) fn object(&self) -> Object {
        match self {
            LoopRef::Native(native) => native.object(),
            LoopRef::Foreign(object) => object.clone(),
        }
    }

    /// Whether this is that very loop.
    #[inline]
    pub(crate) fn is(&self, other: &LoopRef) -> bool {
        match (self, other) {
            (LoopRef::Native(left), LoopRef::Native(right)) => left.is(right),
            (LoopRef::Foreign(left), LoopRef::Foreign(right)) => left.is(right),
            _ => false,
        }
    }

    /// `loop.get_debug()`.
    ///
    /// # Errors
    /// What a foreign loop's method raises.
    #[inline]
    pub(crate) fn debug(&self) -> PyResult<bool> {
        match self {
            LoopRef::Native(native) => native.is_debug(),
            LoopRef::Foreign(object) => {
                crate::interop::coroutines::is_true(&calls::call_method(Name::GetDebug, [object])?)
            }
        }
    }

    /// Shows the reference to the collector.
    pub(crate) fn traverse(&self, visitor: &mut Visitor) {
        match self {
            LoopRef::Native(native) => visitor.reference(native),
            LoopRef::Foreign(object) => visitor.object(object),
        }
    }

    /// `loop.call_soon(callable, argument, context=context)` on a foreign loop.
    ///
    /// # Errors
    /// What the method raises.
    pub(crate) fn call_soon_foreign(
        event_loop: &Object,
        callable: &Object,
        argument: Option<&Object>,
        context: &Object,
    ) -> PyResult<()> {
        let names = &imports().names_context;
        let name = Name::CallSoon;
        match argument {
            None => calls::call_method_with_keyword(name, [event_loop, callable, context], names),
            Some(argument) => calls::call_method_with_keyword(
                name,
                [event_loop, callable, argument, context],
                names,
            ),
        }
        .map(drop)
    }
}
