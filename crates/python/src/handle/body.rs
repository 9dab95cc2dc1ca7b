//! `tepal.Handle`: what `call_soon` gives.
//!
//! States: waiting → run (any number of times, for readers and writers) → … and, from any
//! of them, cancelled: the callback and its arguments are given up, and it never runs again.
//!
//! What is cold (representation, comparison) is asyncio's own code, called on our object.

use std::cell::Cell;
use std::ffi::CStr;
use std::mem::offset_of;

use crate::interop::arguments::{Arguments, Signature};
use crate::interop::calls;
use crate::interop::contextvars;
use crate::interop::errors::{Builtin, PyResult};
use crate::interop::gc::Visitor;
use crate::interop::imports::imports;
use crate::interop::instance::{
    HeapType, Instance, Ref, TypeCell, WeakReferences, create, create_untracked,
};
use crate::interop::interned::{Name, intern};
use crate::interop::methods::{readable, with_arguments, without_arguments, writable};
use crate::interop::object::{Object, Slot};
use crate::interop::slots::{initializer, representation};
use crate::interop::type_builder::TypeBuilder;
use crate::interop::values;
use crate::loop_core::body::LoopBody;
use crate::loop_core::failures;
use crate::loop_core::loop_ref::LoopRef;
use crate::loop_core::shared_context;

use super::call_arguments::CallArguments;

/// What few handles have: where they were made and how they looked (debug mode).
#[derive(Default)]
struct Origin {
    source_traceback: Option<Object>,
    frozen_repr: Option<Object>,
    /// A deadline that was not given as a float.
    when: Option<Object>,
}

/// A callback with its arguments and its context.
#[repr(C)]
pub(crate) struct HandleBody {
    weak_references: WeakReferences,
    pub(crate) event_loop: Slot,
    pub(crate) callback: Slot,
    pub(crate) arguments: Slot<CallArguments>,
    pub(crate) context: Slot,
    origin: Cell<Option<Box<Origin>>>,
    cancelled: Cell<bool>,
    /// A timer that is still in its loop's heap.
    pub(crate) scheduled: Cell<bool>,
    /// Made by `call_soon_threadsafe`, before 3.14, which has a type of its own for it.
    pub(crate) threadsafe: Cell<bool>,
}

/// What a new handle is made of.
pub(super) struct Parts {
    event_loop: Object,
    callback: Object,
    arguments: CallArguments,
    context: Object,
}

impl Parts {
    /// Gathers them; `context` defaults to a copy of the current one.
    ///
    /// # Errors
    /// `MemoryError`.
    #[inline(always)]
    pub(super) fn new(
        event_loop: &Instance<LoopBody>,
        callback: Object,
        arguments: &[Object],
        context: Option<Object>,
    ) -> PyResult<Parts> {
        let context = match context {
            Some(context) => context,
            None => event_loop.last_context.copy_current()?,
        };
        Ok(Parts {
            event_loop: event_loop.object(),
            callback,
            arguments: CallArguments::new(arguments)?,
            context,
        })
    }
}

impl HeapType for HandleBody {
    const NAME: &'static CStr = c"tepal.Handle";
    const FREE_LIST: usize = 16_384;
    const WEAKREFS: Option<usize> = Some(offset_of!(HandleBody, weak_references));

    fn cell() -> &'static TypeCell {
        static CELL: TypeCell = TypeCell::new();
        &CELL
    }

    fn blank() -> HandleBody {
        HandleBody {
            weak_references: WeakReferences::new(),
            event_loop: Slot::empty(),
            callback: Slot::empty(),
            arguments: Slot::empty(),
            context: Slot::empty(),
            origin: Cell::new(None),
            cancelled: Cell::new(false),
            scheduled: Cell::new(false),
            threadsafe: Cell::new(false),
        }
    }

    fn traverse(&self, visitor: &mut Visitor) {
        visitor.slot(&self.event_loop);
        visitor.slot(&self.callback);
        visitor.slot(&self.context);
        visitor.slot_with(&self.arguments, |visitor, arguments| {
            arguments.traverse(visitor)
        });
        let origin = self.origin.take();
        if let Some(traceback) = origin.as_ref().and_then(|o| o.source_traceback.as_ref()) {
            visitor.object(traceback);
        }
        self.origin.set(origin);
    }

    fn clear(&self) {
        self.event_loop.clear();
        self.callback.clear();
        self.context.clear();
        self.arguments.clear();
        drop(self.origin.take());
    }
}

impl HandleBody {
    /// A handle's body; nothing in it can fail.
    #[inline(always)]
    pub(super) fn new(parts: Parts) -> HandleBody {
        HandleBody {
            weak_references: WeakReferences::new(),
            event_loop: Slot::holding(parts.event_loop),
            callback: Slot::holding(parts.callback),
            arguments: Slot::holding(parts.arguments),
            context: Slot::holding(parts.context),
            origin: Cell::new(None),
            cancelled: Cell::new(false),
            scheduled: Cell::new(false),
            threadsafe: Cell::new(false),
        }
    }

    /// Stores where the handle was made (debug mode).
    ///
    /// # Errors
    /// What `extract_stack` raises.
    pub(crate) fn remember_origin(&self) -> PyResult<()> {
        let stack = calls::call(&imports().handle_extract_stack, [])?;
        let mut origin = self.origin.take().unwrap_or_default();
        origin.source_traceback = Some(stack);
        self.origin.set(Some(origin));
        Ok(())
    }

    fn look_at_origin(&self, look: impl FnOnce(&Origin) -> Option<Object>) -> Option<Object> {
        let origin = self.origin.take();
        let found = origin.as_deref().and_then(look);
        self.origin.set(origin);
        found
    }

    /// Stores a deadline as it was given; `None` for the float that the timer keeps itself.
    pub(super) fn keep_when(&self, when: Option<Object>) {
        let origin = self.origin.take();
        if origin.is_none() && when.is_none() {
            return;
        }
        let mut origin = origin.unwrap_or_default();
        let before = std::mem::replace(&mut origin.when, when);
        self.origin.set(Some(origin));
        drop(before);
    }

    pub(super) fn given_when(&self) -> Option<Object> {
        self.look_at_origin(|origin| origin.when.clone())
    }

    pub(crate) fn source_traceback(&self) -> Option<Object> {
        self.look_at_origin(|origin| origin.source_traceback.clone())
    }

    #[inline(always)]
    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.get()
    }
}

impl Instance<HandleBody> {
    /// Makes a plain handle.
    ///
    /// # Errors
    /// `MemoryError`.
    #[inline(always)]
    pub(crate) fn make(
        event_loop: &Instance<LoopBody>,
        callback: Object,
        arguments: &[Object],
        context: Option<Object>,
    ) -> PyResult<Ref<HandleBody>> {
        let parts = Parts::new(event_loop, callback, arguments, context)?;
        create(|| HandleBody::new(parts))
    }

    /// Makes a handle that the collector does not know yet: most are run and forgotten
    /// before it would look at them. The queue that holds it shows what it refers to
    /// ([`Visitor::queued`]), and the loop makes it known when somebody keeps it.
    ///
    /// # Errors
    /// `MemoryError`.
    #[inline(always)]
    pub(crate) fn make_untracked(
        event_loop: &Instance<LoopBody>,
        callback: Object,
        arguments: &[Object],
        context: Option<Object>,
    ) -> PyResult<Ref<HandleBody>> {
        let parts = Parts::new(event_loop, callback, arguments, context)?;
        create_untracked(|| HandleBody::new(parts))
    }

    /// Gives up the callback; it will not run.
    ///
    /// # Errors
    /// In debug mode what the callback's `repr` raises.
    ///
    /// # Reentrancy
    /// Dropping the callback may run Python code.
    #[inline]
    pub(crate) fn cancel(&self) -> PyResult<()> {
        if self.cancelled.replace(true) {
            return Ok(());
        }
        if let Some(event_loop) = self.event_loop.get()
            && LoopRef::new(&event_loop).debug()?
        {
            // Keep a representation of the callback for the log of slow callbacks.
            let text = self.with_object(python_repr)?;
            let mut origin = self.origin.take().unwrap_or_default();
            origin.frozen_repr = Some(text);
            self.origin.set(Some(origin));
        }
        drop((self.callback.take(), self.arguments.take()));
        Ok(())
    }

    /// Calls the callback in its context, unless it is cancelled; an exception goes to the
    /// loop's exception handler.
    ///
    /// # Errors
    /// `SystemExit` and `KeyboardInterrupt`.
    ///
    /// # Reentrancy
    /// Runs any Python code; the caller keeps the handle alive.
    #[inline(always)]
    pub(crate) fn run(&self) -> PyResult<()> {
        let (Some(callback), Some(arguments)) = (self.callback.get(), self.arguments.get()) else {
            return Ok(());
        };
        match shared_context::run_in(&self.context, || arguments.call(&callback)) {
            Ok(Ok(_result)) => Ok(()),
            Ok(Err(raised)) | Err(raised) => self.report(failures::contain(raised)?),
        }
    }

    /// Whether nobody can look at the handle: the one who asks holds the only reference.
    #[inline(always)]
    pub(crate) fn is_unseen(&self) -> bool {
        self.with_object(|this| this.reference_count() == 1) && self.weak_references.is_empty()
    }

    /// Tells the exception handler what the callback raised.
    ///
    /// # Errors
    /// `SystemExit` and `KeyboardInterrupt`.
    #[cold]
    pub(crate) fn report(&self, exception: Object) -> PyResult<()> {
        self.with_object(Object::track);
        let Some(event_loop) = self.event_loop.get() else {
            return Ok(());
        };
        let text = self.with_object(|this| {
            let callback = calls::attribute(this, &intern("_callback")?)?;
            let arguments = calls::attribute(this, &intern("_args")?)?;
            failures::describe_callback(&event_loop, callback, arguments)
        })?;
        let message = values::string(&format!("Exception in callback {text}"))?;
        self.with_object(|this| {
            let mut context = vec![
                (Name::Message, &message),
                (Name::Exception, &exception),
                (Name::Handle, this),
            ];
            let traceback = self.source_traceback();
            if let Some(traceback) = &traceback {
                context.push((Name::SourceTraceback, traceback));
            }
            failures::report(&event_loop, &context)
        })
    }
}

/// `asyncio.Handle.__repr__(handle)`.
fn python_repr(this: &Object) -> PyResult<Object> {
    calls::call(
        &calls::attribute(&imports().asyncio_handle, &intern("__repr__")?)?,
        [this],
    )
}

fn represent(this: &Instance<HandleBody>) -> PyResult<Object> {
    this.with_object(python_repr)
}

fn init(this: &Instance<HandleBody>, arguments: Arguments<'_>) -> PyResult<()> {
    let names = [Name::Callback, Name::Args, Name::Loop, Name::Context];
    let signature = Signature {
        function: "Handle.__init__",
        names,
        required: 3,
        positional: 4,
    };
    let [callback, args, event_loop, context] = arguments.bind(&signature)?;
    fill(this, callback, args, event_loop, context)
}

/// The part of `__init__` that both kinds of handle share.
///
/// # Errors
/// `TypeError` if `args` is no iterable.
pub(super) fn fill(
    this: &Instance<HandleBody>,
    callback: Option<Object>,
    args: Option<Object>,
    event_loop: Option<Object>,
    context: Option<Object>,
) -> PyResult<()> {
    let (Some(callback), Some(args), Some(event_loop)) = (callback, args, event_loop) else {
        return Err(Builtin::TypeError.raise("callback, args and loop are required"));
    };
    let args = CallArguments::Tuple(values::to_tuple(&args)?);
    let context = context.filter(|context| !context.is_none());
    let context = match context {
        Some(context) => context,
        None => contextvars::copy_current()?,
    };
    let debug = LoopRef::new(&event_loop).debug()?;
    this.callback.set(callback);
    this.arguments.set(args);
    this.event_loop.set(event_loop);
    this.context.set(context);
    this.cancelled.set(false);
    if debug {
        this.remember_origin()
    } else {
        Ok(())
    }
}

fn args_tuple(this: &Instance<HandleBody>) -> PyResult<Object> {
    match this.arguments.get() {
        Some(arguments) => arguments.to_tuple(),
        None => Ok(Object::none()),
    }
}

fn set_args(this: &Instance<HandleBody>, value: &Object) -> PyResult<()> {
    if value.is_none() {
        this.arguments.clear();
    } else {
        let arguments = CallArguments::Tuple(values::to_tuple(value)?);
        this.arguments.set(arguments);
    }
    Ok(())
}

/// `_repr_info`, by asyncio's own function.
fn repr_info(this: &Instance<HandleBody>, _none: Arguments<'_>) -> PyResult<Object> {
    let class = &imports().asyncio_handle;
    this.with_object(|this| calls::call(&calls::attribute(class, &intern("_repr_info")?)?, [this]))
}

/// What `type(handle)` pretends to be, so that `isinstance(handle, asyncio.Handle)` holds.
fn class(this: &Instance<HandleBody>) -> Object {
    if this.is_exact() {
        imports().asyncio_handle.clone()
    } else {
        this.with_object(Object::kind)
    }
}

/// Makes the type `tepal.Handle`.
///
/// # Errors
/// What CPython raises.
pub(crate) fn make_type() -> PyResult<Object> {
    type H = Instance<HandleBody>;
    TypeBuilder::<HandleBody>::new(
        c"Handle(callback, args, loop, context=None)\n--\n\nA callback that can be cancelled, as asyncio.Handle.",
    )
    .subclassable()
    .constructible()
    .slot(initializer(init))
    .slot(representation(represent))
    .methods(vec![
        without_arguments(c"cancel", c"cancel($self, /)\n--\n\nDo not run the callback.", H::cancel),
        without_arguments(
            c"cancelled",
            c"cancelled($self, /)\n--\n\nWhether cancel() was called.",
            |this: &H| this.is_cancelled(),
        ),
        without_arguments(
            c"get_context",
            c"get_context($self, /)\n--\n\nThe context in which the callback runs.",
            |this: &H| shared_context::own_context(&this.context),
        ),
        without_arguments(c"_run", c"_run($self, /)\n--\n\nCall the callback now.", H::run),
        with_arguments(c"_repr_info", c"_repr_info($self, /)\n--\n\nParts of the repr.", repr_info),
    ])
    .attributes(vec![
        writable(
            c"_callback",
            |this: &H| this.callback.get(),
            |this: &H, value| {
                this.callback.set(value.clone());
                Ok(())
            },
        ),
        writable(c"_args", args_tuple, set_args),
        writable(
            c"_context",
            |this: &H| shared_context::own_context(&this.context),
            |this: &H, value| {
                this.context.set(value.clone());
                Ok(())
            },
        ),
        writable(
            c"_loop",
            |this: &H| this.event_loop.get(),
            |this: &H, value| {
                this.event_loop.set(value.clone());
                Ok(())
            },
        ),
        writable(
            c"_cancelled",
            |this: &H| this.is_cancelled(),
            |this: &H, value| {
                this.cancelled.set(crate::interop::coroutines::is_true(value)?);
                Ok(())
            },
        ),
        readable(c"_source_traceback", |this: &H| this.source_traceback()),
        readable(c"_repr", |this: &H| this.look_at_origin(|origin| origin.frozen_repr.clone())),
        readable(c"__class__", class),
    ])
    .build()
}
