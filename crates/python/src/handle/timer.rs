//! `tepal.TimerHandle`: what `call_later` and `call_at` give.
//!
//! Its entry in the loop's heap keeps it alive; a cancelled one stays there, empty, until it
//! is due or until the heap is compacted (more than half of it cancelled).

use std::cell::Cell;
use std::ffi::CStr;
use std::mem::offset_of;

use crate::interop::arguments::{Arguments, Signature};
use crate::interop::calls;
use crate::interop::errors::{Builtin, PyResult};
use crate::interop::gc::Visitor;
use crate::interop::imports::imports;
use crate::interop::instance::{Blank, HeapType, Instance, Ref, TypeCell, extends};
use crate::interop::interned::{Name, intern};
use crate::interop::methods::{readable, with_arguments, without_arguments, writable};
use crate::interop::object::Object;
use crate::interop::slots::{comparison, hashing, initializer};
use crate::interop::type_builder::TypeBuilder;
use crate::interop::values;
use crate::loop_core::attention::TIMER_HOOK;
use crate::loop_core::body::LoopBody;

use super::body::{HandleBody, Parts, fill};

/// A handle with a deadline.
#[repr(C)]
pub(crate) struct TimerHandleBody {
    pub(crate) handle: HandleBody,
    /// The deadline as the caller gave it, in the loop's seconds.
    when: Cell<f64>,
}

extends!(TimerHandleBody, handle: HandleBody);

impl HeapType for TimerHandleBody {
    const NAME: &'static CStr = c"tepal.TimerHandle";
    const FREE_LIST: usize = 1024;
    const WEAKREFS: Option<usize> = match HandleBody::WEAKREFS {
        Some(offset) => Some(offset_of!(TimerHandleBody, handle) + offset),
        None => None,
    };

    fn cell() -> &'static TypeCell {
        static CELL: TypeCell = TypeCell::new();
        &CELL
    }

    fn blank() -> TimerHandleBody {
        TimerHandleBody {
            handle: HandleBody::blank(),
            when: Cell::new(0.0),
        }
    }

    fn traverse(&self, visitor: &mut Visitor) {
        self.handle.traverse(visitor);
    }

    fn clear(&self) {
        self.handle.clear();
    }
}

impl Instance<TimerHandleBody> {
    /// Makes a timer handle and puts it into its loop's heap.
    ///
    /// # Errors
    /// `MemoryError`.
    #[inline(always)]
    pub(crate) fn schedule(
        event_loop: &Instance<LoopBody>,
        deadline: u64,
        when: f64,
        callback: Object,
        arguments: &[Object],
        context: Option<Object>,
    ) -> PyResult<Ref<TimerHandleBody>> {
        let blank = Blank::<TimerHandleBody>::allocate()?;
        let parts = Parts::new(event_loop, callback, arguments, context)?;
        let timer = blank.fill_tracked(|| TimerHandleBody {
            handle: HandleBody::new(parts),
            when: Cell::new(when),
        });
        timer.handle.scheduled.set(true);
        let entry = timer.clone().into_object();
        event_loop.timers.borrow_mut().push(deadline, entry);
        Ok(timer)
    }

    /// The deadline in seconds, as it was given.
    ///
    /// # Errors
    /// `MemoryError`.
    pub(crate) fn when(&self) -> PyResult<Object> {
        match self.handle.given_when() {
            Some(when) => Ok(when),
            None => values::float(self.when.get()),
        }
    }

    /// Stores a deadline given by Python code.
    ///
    /// # Errors
    /// `TypeError` if it is no number.
    pub(crate) fn set_when(&self, when: &Object) -> PyResult<()> {
        self.when.set(values::to_float(when)?);
        let exact = values::is_exact_float(when);
        self.handle
            .keep_when(if exact { None } else { Some(when.clone()) });
        Ok(())
    }

    /// Gives up the callback and tells the loop.
    ///
    /// # Errors
    /// What a foreign loop's `_timer_handle_cancelled` raises.
    #[inline]
    fn cancel(&self) -> PyResult<()> {
        let handle = self.base::<HandleBody>();
        if handle.is_cancelled() {
            return Ok(());
        }
        let Some(event_loop) = handle.event_loop.get() else {
            return handle.cancel();
        };
        match event_loop.instance_of::<LoopBody>() {
            Some(native) if !native.attention.has(TIMER_HOOK) => {
                handle.cancel()?;
                note_cancelled(native, handle);
                Ok(())
            }
            _ => {
                let this = self.object();
                calls::call_method(Name::TimerHandleCancelled, [&event_loop, &this])?;
                handle.cancel()
            }
        }
    }
}

/// Counts a cancelled timer, and compacts the heap when more than half of it is cancelled.
pub(crate) fn note_cancelled(event_loop: &Instance<LoopBody>, handle: &Instance<HandleBody>) {
    if !handle.scheduled.get() {
        return;
    }
    let mut timers = event_loop.timers.borrow_mut();
    if !timers.note_cancelled() {
        return;
    }
    let dead = timers.compact(|timer| {
        timer
            .instance_of::<HandleBody>()
            .is_some_and(|timer| timer.is_cancelled())
    });
    drop(timers);
    for timer in &dead {
        if let Some(timer) = timer.instance_of::<HandleBody>() {
            timer.scheduled.set(false);
        }
    }
}

fn init(this: &Instance<TimerHandleBody>, arguments: Arguments<'_>) -> PyResult<()> {
    let names = [
        Name::When,
        Name::Callback,
        Name::Args,
        Name::Loop,
        Name::Context,
    ];
    let signature = Signature {
        function: "TimerHandle.__init__",
        names,
        required: 4,
        positional: 5,
    };
    let [when, callback, args, event_loop, context] = arguments.bind(&signature)?;
    match when {
        Some(when) if !when.is_none() => this.set_when(&when)?,
        _ => return Err(Builtin::TypeError.raise("when must be a number, not None")),
    }
    fill(this.base(), callback, args, event_loop, context)
}

/// Comparison by asyncio's own methods: by deadline; equality by content.
fn compare(
    this: &Instance<TimerHandleBody>,
    other: &Object,
    method: &'static str,
) -> PyResult<Object> {
    let class = &imports().asyncio_timer_handle;
    let function = calls::attribute(class, &intern(method)?)?;
    this.with_object(|this| calls::call(&function, [this, other]))
}

fn repr_info(this: &Instance<TimerHandleBody>, _none: Arguments<'_>) -> PyResult<Object> {
    let class = &imports().asyncio_timer_handle;
    this.with_object(|this| calls::call(&calls::attribute(class, &intern("_repr_info")?)?, [this]))
}

/// Makes the type `tepal.TimerHandle`.
///
/// # Errors
/// What CPython raises.
pub(crate) fn make_type() -> PyResult<Object> {
    type T = Instance<TimerHandleBody>;
    TypeBuilder::<TimerHandleBody>::new(
        c"TimerHandle(when, callback, args, loop, context=None)\n--\n\nA callback with a deadline, as asyncio.TimerHandle.",
    )
    .base::<HandleBody>()
    .subclassable()
    .constructible()
    .slot(initializer(init))
    .slot(comparison(compare))
    .slot(hashing(|this: &T| values::hash(&this.when()?)))
    .methods(vec![
        without_arguments(c"cancel", c"cancel($self, /)\n--\n\nDo not run the callback.", T::cancel),
        without_arguments(
            c"when",
            c"when($self, /)\n--\n\nThe deadline, in the loop's seconds.",
            T::when,
        ),
        with_arguments(c"_repr_info", c"_repr_info($self, /)\n--\n\nParts of the repr.", repr_info),
    ])
    .attributes(vec![
        writable(c"_when", T::when, T::set_when),
        readable(c"__class__", |this: &T| {
            if this.is_exact() {
                imports().asyncio_timer_handle.clone()
            } else {
                this.with_object(Object::kind)
            }
        }),
        writable(
            c"_scheduled",
            |this: &T| this.handle.scheduled.get(),
            |this: &T, value| {
                this.handle.scheduled.set(crate::interop::coroutines::is_true(value)?);
                Ok(())
            },
        ),
    ])
    .build()
}
