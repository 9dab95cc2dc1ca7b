//! What `gather` gives: a Future whose cancellation is its children's (asyncio's
//! `_GatheringFuture`, Lib/asyncio/tasks.py).

use std::cell::Cell;
use std::ffi::CStr;
use std::mem::offset_of;

use crate::interop::arguments::{Arguments, Signature};
use crate::interop::errors::PyResult;
use crate::interop::gc::Visitor;
use crate::interop::imports::imports;
use crate::interop::instance::{HeapType, Instance, Ref, TypeCell, create, extends};
use crate::interop::interned::Name;
use crate::interop::methods::{readable, with_arguments};
use crate::interop::object::{Object, Slot};
use crate::interop::type_builder::TypeBuilder;
use crate::interop::values;
use crate::loop_core::body::LoopBody;
use crate::loop_core::loop_ref::LoopRef;

use super::body::FutureBody;

/// A Future that stands for several.
#[repr(C)]
pub(crate) struct GatheringBody {
    pub(crate) future: FutureBody,
    /// A list.
    children: Slot,
    cancel_requested: Cell<bool>,
}

extends!(GatheringBody, future: FutureBody);

impl HeapType for GatheringBody {
    const NAME: &'static CStr = c"tepal._native._GatheringFuture";
    const FREE_LIST: usize = 64;
    const FINALIZES: bool = true;
    const DICT: Option<usize> = match FutureBody::DICT {
        Some(offset) => Some(offset_of!(GatheringBody, future) + offset),
        None => None,
    };
    const WEAKREFS: Option<usize> = match FutureBody::WEAKREFS {
        Some(offset) => Some(offset_of!(GatheringBody, future) + offset),
        None => None,
    };

    fn cell() -> &'static TypeCell {
        static CELL: TypeCell = TypeCell::new();
        &CELL
    }

    fn blank() -> GatheringBody {
        GatheringBody {
            future: FutureBody::new(None),
            children: Slot::empty(),
            cancel_requested: Cell::new(false),
        }
    }

    fn traverse(&self, visitor: &mut Visitor) {
        self.future.traverse(visitor);
        visitor.slot(&self.children);
    }

    fn clear(&self) {
        self.future.clear();
        self.children.clear();
    }

    #[inline(always)]
    fn needs_finalize(&self) -> bool {
        self.future.log_traceback.get()
    }

    fn finalize(this: &Instance<GatheringBody>) {
        this.base::<FutureBody>().report_unretrieved();
    }
}

impl Instance<GatheringBody> {
    /// A pending one on that loop, for a list of futures.
    ///
    /// # Errors
    /// `MemoryError`.
    pub(crate) fn make(
        event_loop: &Instance<LoopBody>,
        children: Object,
    ) -> PyResult<Ref<GatheringBody>> {
        create(|| GatheringBody {
            future: FutureBody::new(Some(LoopRef::Native(event_loop.reference()))),
            children: Slot::holding(children),
            cancel_requested: Cell::new(false),
        })
    }

    /// Whether a child was cancelled on behalf of this.
    pub(crate) fn cancel_requested(&self) -> bool {
        self.cancel_requested.get()
    }
}

/// `cancel(msg)`: cancels the children; true if one of them was not done.
fn cancel(this: &Instance<GatheringBody>, arguments: Arguments<'_>) -> PyResult<bool> {
    let signature = Signature {
        function: "cancel",
        names: [Name::Msg],
        required: 0,
        positional: 1,
    };
    let [message] = arguments.bind(&signature)?;
    if !this.future.is_pending() {
        return Ok(false);
    }
    let Some(children) = this.children.get() else {
        return Ok(false);
    };
    let message = message.unwrap_or_else(Object::none);
    let mut any = false;
    for child in values::items(&children)? {
        any |= Instance::<FutureBody>::cancel_by_method(&child, Some(&message))?;
    }
    if any {
        // Then the cancellation is passed on whatever `return_exceptions` says (bpo-32684).
        this.cancel_requested.set(true);
    }
    Ok(any)
}

/// Makes the type.
///
/// # Errors
/// What CPython raises.
pub(crate) fn make_gathering_type() -> PyResult<()> {
    TypeBuilder::<GatheringBody>::new(c"What gather() gives; cancelling it cancels the children.")
        .base::<FutureBody>()
        .not_constructible()
        .method(with_arguments(
            c"cancel",
            c"cancel($self, /, msg=None)\n--\n\nCancel the children; False if all are done.",
            cancel,
        ))
        .attributes(vec![
            readable(c"_children", |this: &Instance<GatheringBody>| {
                this.children.get()
            }),
            readable(c"_cancel_requested", |this: &Instance<GatheringBody>| {
                this.cancel_requested.get()
            }),
            readable(c"__class__", |_: &Instance<GatheringBody>| {
                imports().gathering_future.clone()
            }),
        ])
        .build()
        .map(drop)
}
