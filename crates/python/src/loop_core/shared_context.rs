//! Contexts, copied when they are written to.
//!
//! Every callback and every Task gets a copy of the context in which it was made (PEP 567),
//! but few ever set a variable. So copies of the same context, taken while its variables did
//! not change, share one [`SharedContextBody`]: a pristine copy that is never entered, and a
//! working copy that one of them enters at a time. Who leaves the working copy changed keeps
//! it as its own context; otherwise it serves the next one. Whoever asks for the context
//! object (`get_context()`) gets one of its own first.
//!
//! Where the interpreter's layout is unknown (see [`contextvars::learn_layout`]) nothing is
//! shared, and each gets its copy at once.

use std::cell::Cell;
use std::ffi::CStr;

use crate::interop::contextvars::{self, Entered};
use crate::interop::errors::{Builtin, PyResult};
use crate::interop::gc::Visitor;
use crate::interop::instance::{HeapType, Instance, TypeCell, create};
use crate::interop::object::{Object, Slot};
use crate::interop::type_builder::TypeBuilder;

/// What copies of one context share.
pub(crate) struct SharedContextBody {
    /// Never entered, so its variables never change.
    pristine: Slot,
    /// Identifies the variables of `pristine`.
    variables: Cell<usize>,
    /// Not entered right now, and as pristine as the other; may be absent.
    working: Slot,
}

impl HeapType for SharedContextBody {
    const NAME: &'static CStr = c"tepal._native.SharedContext";

    fn cell() -> &'static TypeCell {
        static CELL: TypeCell = TypeCell::new();
        &CELL
    }

    fn blank() -> SharedContextBody {
        SharedContextBody {
            pristine: Slot::empty(),
            variables: Cell::new(0),
            working: Slot::empty(),
        }
    }

    fn traverse(&self, visitor: &mut Visitor) {
        visitor.slot(&self.pristine);
        visitor.slot(&self.working);
    }

    fn clear(&self) {
        self.pristine.clear();
        self.working.clear();
    }
}

/// The context that was shared last, and what was seen before that.
pub(crate) struct LastContext {
    shared: Slot,
    seen: Cell<usize>,
}

impl LastContext {
    pub(crate) const fn none() -> LastContext {
        LastContext {
            shared: Slot::empty(),
            seen: Cell::new(0),
        }
    }

    pub(crate) fn traverse(&self, visitor: &mut Visitor) {
        visitor.slot(&self.shared);
    }

    pub(crate) fn clear(&self) {
        self.shared.clear();
    }

    /// A copy of the current context, shared if the last one was a copy of the same.
    ///
    /// # Errors
    /// `MemoryError`.
    #[inline(always)]
    pub(crate) fn copy_current(&self) -> PyResult<Object> {
        let Some(variables) = contextvars::current_variables() else {
            return contextvars::copy_current();
        };
        if self.seen.get() == variables
            && let Some(shared) = self.shared.get()
        {
            return Ok(shared);
        }
        self.share(variables)
    }

    #[inline(never)]
    fn share(&self, variables: usize) -> PyResult<Object> {
        let pristine = contextvars::copy_current()?;
        if self.seen.replace(variables) != variables {
            // Seen for the first time: sharing would cost more than it saves if every
            // callback had variables of its own.
            self.shared.clear();
            return Ok(pristine);
        }
        let shared = create(|| SharedContextBody {
            variables: Cell::new(contextvars::variables_of(&pristine)),
            pristine: Slot::holding(pristine),
            working: Slot::empty(),
        })?
        .into_object();
        self.shared.set(shared.clone());
        Ok(shared)
    }
}

/// Runs `body` inside the context that `owner` holds.
///
/// # Errors
/// `RuntimeError` if there is none or if it is entered already.
///
/// # Reentrancy
/// `body` may run any Python code.
#[inline(always)]
pub(crate) fn run_in<R>(owner: &Slot, body: impl FnOnce() -> R) -> PyResult<R> {
    let Some(context) = owner.get() else {
        return Err(Builtin::RuntimeError.raise("there is no context to run in"));
    };
    let Some(shared) = context.exactly::<SharedContextBody>() else {
        let entered = Entered::new(&context)?;
        let result = body();
        drop(entered);
        return Ok(result);
    };
    let working = match shared.working.take() {
        Some(working) => working,
        None => shared.copy()?,
    };
    // Whoever asks for the owner's context now gets the one that is entered.
    owner.set(working.clone());
    let entered = Entered::new(&working)?;
    let result = body();
    drop(entered);
    give_back(owner, &context, shared, working);
    Ok(result)
}

/// A working copy that is entered for several callbacks, one after the other.
pub(crate) struct Stay<'a> {
    shared: &'a Instance<SharedContextBody>,
    working: &'a Object,
    /// How many references to `working` there are while nobody but us has it.
    alone: usize,
}

impl Stay<'_> {
    /// Whether the callback that ran left everything as it was, so that the next one of the
    /// same shared context finds what it would find in a copy of its own.
    #[inline(always)]
    pub(crate) fn is_untouched(&self) -> bool {
        contextvars::is_current(self.working)
            && contextvars::variables_of(self.working) == self.shared.variables.get()
            && self.working.reference_count() == self.alone
    }
}

/// Runs `body` inside a working copy of the shared `context`; `None`, and nothing has run,
/// if it is not shared. For callbacks whose own context nobody can ask for. Beside what `body`
/// gives stands the working copy, if the last callback changed it or keeps it.
///
/// # Errors
/// `MemoryError`.
///
/// # Reentrancy
/// `body` may run any Python code.
#[inline(always)]
pub(crate) fn stay_in<R>(
    context: &Object,
    body: impl FnOnce(&Stay<'_>) -> R,
) -> PyResult<Option<(R, Option<Object>)>> {
    let Some(shared) = context.exactly::<SharedContextBody>() else {
        return Ok(None);
    };
    let working = match shared.working.take() {
        Some(working) => working,
        None => shared.copy()?,
    };
    let entered = Entered::new(&working)?;
    let stay = Stay {
        shared,
        working: &working,
        alone: working.reference_count(),
    };
    let result = body(&stay);
    drop(entered);
    let unchanged = contextvars::variables_of(&working) == shared.variables.get();
    if unchanged && working.reference_count() == 1 {
        drop(shared.working.replace(Some(working)));
        return Ok(Some((result, None)));
    }
    Ok(Some((result, Some(working))))
}

/// After a run: an unchanged working copy that nobody else has serves the next one.
#[inline(always)]
fn give_back(
    owner: &Slot,
    context: &Object,
    shared: &Instance<SharedContextBody>,
    working: Object,
) {
    let changed = contextvars::variables_of(&working) != shared.variables.get();
    let held_by_us = 1 + usize::from(owner.is(&working));
    if changed || working.reference_count() != held_by_us {
        return;
    }
    if held_by_us == 2 {
        owner.set(context.clone());
    }
    drop(shared.working.replace(Some(working)));
}

impl Instance<SharedContextBody> {
    fn copy(&self) -> PyResult<Object> {
        match self.pristine.get() {
            Some(pristine) => contextvars::copy_of(&pristine),
            None => contextvars::copy_current(),
        }
    }
}

/// The context that `owner` holds, as an object that is its own.
///
/// # Errors
/// `MemoryError`.
pub(crate) fn own_context(owner: &Slot) -> PyResult<Option<Object>> {
    let Some(context) = owner.get() else {
        return Ok(None);
    };
    let Some(shared) = context.exactly::<SharedContextBody>() else {
        return Ok(Some(context));
    };
    let own = shared.copy()?;
    owner.set(own.clone());
    Ok(Some(own))
}

/// A context object that Python code may see, for one that nobody owns for long.
///
/// # Errors
/// `MemoryError`.
pub(crate) fn visible(context: &Object) -> PyResult<Object> {
    match context.exactly::<SharedContextBody>() {
        Some(shared) => shared.copy(),
        None => Ok(context.clone()),
    }
}

/// Makes the type.
///
/// # Errors
/// What CPython raises.
pub(crate) fn make_type() -> PyResult<Object> {
    TypeBuilder::<SharedContextBody>::new(c"What copies of one context share.")
        .not_constructible()
        .build()
}
