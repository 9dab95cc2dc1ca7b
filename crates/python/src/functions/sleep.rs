//! What `asyncio.sleep(0)` awaits: it yields `None` once, for one turn of the loop
//! (`__sleep0` in Lib/asyncio/tasks.py, a generator).

use std::cell::Cell;

use crate::interop::arguments::Arguments;
use crate::interop::errors::{Builtin, PyResult};
use crate::interop::gc::Visitor;
use crate::interop::instance::{HeapType, Instance, Ref, TypeCell, create_untracked};
use crate::interop::object::Object;
use crate::interop::slots::{Step, awaits_itself, iterates_itself, next_step, send_step};
use crate::interop::type_builder::TypeBuilder;

struct TurnBody {
    passed: Cell<bool>,
}

impl HeapType for TurnBody {
    const NAME: &'static std::ffi::CStr = c"tepal._native.Turn";
    const FREE_LIST: usize = 256;

    fn cell() -> &'static TypeCell {
        static CELL: TypeCell = TypeCell::new();
        &CELL
    }

    fn blank() -> TurnBody {
        TurnBody {
            passed: Cell::new(false),
        }
    }

    fn traverse(&self, _visitor: &mut Visitor) {}

    fn clear(&self) {}
}

#[inline(always)]
fn advance(this: &Instance<TurnBody>) -> PyResult<Step> {
    Ok(if this.passed.replace(true) {
        Step::Return(Object::none())
    } else {
        Step::Yield(Object::none())
    })
}

/// `__sleep0()`
///
/// # Errors
/// `TypeError` for any argument; `MemoryError`.
pub(super) fn sleep_zero(arguments: Arguments<'_>) -> PyResult<Object> {
    if !arguments.positional().is_empty() || arguments.keyword_count() > 0 {
        return Err(Builtin::TypeError.raise("__sleep0() takes no arguments"));
    }
    // It refers to nothing, so the collector need not know of it.
    create_untracked(TurnBody::blank).map(Ref::into_object)
}

/// Makes the type of what is awaited.
///
/// # Errors
/// What CPython raises.
pub(super) fn make_type() -> PyResult<()> {
    TypeBuilder::<TurnBody>::new(c"Yields None once, for one turn of the loop.")
        .not_constructible()
        .slot(awaits_itself())
        .slot(iterates_itself())
        .slot(next_step(advance))
        .slot(send_step(advance))
        .build()
        .map(drop)
}
