//! The callables by which a Task of ours is driven from outside the ready queue: by a
//! foreign loop, by a foreign future, or through a replaced `call_soon`.
//!
//! The Task layer lies above this one; it tells by [`install`] how a Task is driven.

use crate::interop::arguments::{Arguments, Signature};
use crate::interop::errors::{Builtin, PyResult};
use crate::interop::gc::Visitor;
use crate::interop::instance::{HeapType, Instance, TypeCell, create};
use crate::interop::interned::Name;
use crate::interop::methods::readable;
use crate::interop::object::{Object, Slot};
use crate::interop::slots::{callable, comparison, hashing, not_implemented};
use crate::interop::type_builder::TypeBuilder;
use crate::interop::values;

use super::recorder::TaskNote;

/// How the Task layer drives a Task.
#[derive(Clone, Copy)]
pub(crate) struct Driver {
    /// One step; the context of the Task is already entered by the caller.
    pub(crate) step: fn(task: &Object, exception: Option<Object>) -> PyResult<()>,
    /// The step after the awaited future is done; the context is already entered.
    pub(crate) wake: fn(task: &Object, future: &Object) -> PyResult<()>,
    /// `task.get_context()`
    pub(crate) context: fn(task: &Object) -> PyResult<Option<Object>>,
    /// What a recording has noted about the Task.
    pub(crate) note: fn(task: &Object) -> Option<&TaskNote>,
}

static DRIVER: std::sync::OnceLock<Driver> = std::sync::OnceLock::new();

/// Tells how a Task is driven; called once, by the Task layer.
pub(crate) fn install(driver: Driver) {
    let _first = DRIVER.set(driver);
}

/// Without a Task layer there is no Task and so no wrapper whose call could ask.
fn driver() -> PyResult<&'static Driver> {
    DRIVER
        .get()
        .ok_or_else(|| Builtin::RuntimeError.raise("tepal is not initialised"))
}

/// The context of a Task of ours.
///
/// # Errors
/// `RuntimeError` before the module is initialised.
pub(crate) fn task_context(task: &Object) -> PyResult<Option<Object>> {
    (driver()?.context)(task)
}

/// The note of a Task of ours; `None` for another object and for a Task without one.
#[inline]
pub(crate) fn note_of(task: &Object) -> Option<&TaskNote> {
    (DRIVER.get()?.note)(task)
}

/// Callable without arguments: one step of a Task.
pub(crate) struct TaskStepBody {
    task: Slot,
    exception: Slot,
}

/// Callable with the finished future: the next step of a Task.
pub(crate) struct TaskWakeupBody {
    task: Slot,
}

impl HeapType for TaskStepBody {
    const NAME: &'static std::ffi::CStr = c"tepal._native.TaskStep";

    fn cell() -> &'static TypeCell {
        static CELL: TypeCell = TypeCell::new();
        &CELL
    }

    fn blank() -> Self {
        TaskStepBody {
            task: Slot::empty(),
            exception: Slot::empty(),
        }
    }

    fn traverse(&self, visitor: &mut Visitor) {
        visitor.slot(&self.task);
        visitor.slot(&self.exception);
    }

    fn clear(&self) {
        self.task.clear();
        self.exception.clear();
    }
}

impl HeapType for TaskWakeupBody {
    const NAME: &'static std::ffi::CStr = c"tepal._native.TaskWakeup";

    fn cell() -> &'static TypeCell {
        static CELL: TypeCell = TypeCell::new();
        &CELL
    }

    fn blank() -> Self {
        TaskWakeupBody {
            task: Slot::empty(),
        }
    }

    fn traverse(&self, visitor: &mut Visitor) {
        visitor.slot(&self.task);
    }

    fn clear(&self) {
        self.task.clear();
    }
}

/// Makes the callable for one step.
///
/// # Errors
/// `MemoryError`.
pub(crate) fn task_step(task: Object, exception: Option<Object>) -> PyResult<Object> {
    Ok(create(|| TaskStepBody {
        task: Slot::holding(task),
        exception: Slot::new(exception),
    })?
    .into_object())
}

/// Makes the callable that wakes a Task.
///
/// # Errors
/// `MemoryError`.
pub(crate) fn task_wakeup(task: Object) -> PyResult<Object> {
    Ok(create(|| TaskWakeupBody {
        task: Slot::holding(task),
    })?
    .into_object())
}

/// Whether calling this steps or wakes a Task.
#[inline(always)]
pub(crate) fn drives_task(callable: &Object) -> bool {
    callable.exactly::<TaskStepBody>().is_some() || callable.exactly::<TaskWakeupBody>().is_some()
}

/// The Task that this callable steps (and the exception to throw), if it is a [`task_step`].
pub(crate) fn stepped_task(callable: &Object) -> Option<(Object, Option<Object>)> {
    let wrapper = callable.exactly::<TaskStepBody>()?;
    Some((wrapper.task.get()?, wrapper.exception.get()))
}

/// The Task that this callable wakes, if it is a [`task_wakeup`].
#[inline]
pub(crate) fn woken_task(callable: &Object) -> Option<Object> {
    callable.exactly::<TaskWakeupBody>()?.task.get()
}

fn call_step(this: &Instance<TaskStepBody>, arguments: Arguments<'_>) -> PyResult<()> {
    arguments.bind(&Signature {
        function: "step",
        names: [],
        required: 0,
        positional: 0,
    })?;
    match this.task.get() {
        Some(task) => (driver()?.step)(&task, this.exception.get()),
        None => Ok(()),
    }
}

fn call_wakeup(this: &Instance<TaskWakeupBody>, arguments: Arguments<'_>) -> PyResult<()> {
    let names = [Name::Future];
    let [future] = arguments.bind(&Signature {
        function: "wakeup",
        names,
        required: 1,
        positional: 1,
    })?;
    match (this.task.get(), future) {
        (Some(task), Some(future)) => (driver()?.wake)(&task, &future),
        _ => Ok(()),
    }
}

fn same_wakeup(
    this: &Instance<TaskWakeupBody>,
    other: &Object,
    operator: &'static str,
) -> PyResult<Object> {
    let other = other
        .exactly::<TaskWakeupBody>()
        .and_then(|other| other.task.get());
    let (Some(mine), Some(other)) = (this.task.get(), other) else {
        return Ok(not_implemented());
    };
    Ok(match operator {
        "__eq__" => Object::from_bool(mine.is(&other)),
        "__ne__" => Object::from_bool(!mine.is(&other)),
        _ => not_implemented(),
    })
}

/// Makes the two types.
///
/// # Errors
/// What CPython raises.
pub(crate) fn make_types() -> PyResult<()> {
    TypeBuilder::<TaskStepBody>::new(c"One step of a Task.")
        .not_constructible()
        .slot(callable(call_step))
        .attributes(vec![
            readable(c"__self__", |this: &Instance<TaskStepBody>| {
                this.task.get_or_none()
            }),
            readable(c"__qualname__", |_: &Instance<TaskStepBody>| {
                values::string("TaskStepMethWrapper")
            }),
        ])
        .build()?;
    TypeBuilder::<TaskWakeupBody>::new(c"Wakes a Task when the future it awaits is done.")
        .not_constructible()
        .slot(callable(call_wakeup))
        .slot(comparison(same_wakeup))
        .slot(hashing(|this: &Instance<TaskWakeupBody>| {
            Ok(this
                .task
                .get()
                .map_or(0, |task| task.address() as isize >> 4))
        }))
        .attributes(vec![
            readable(c"__self__", |this: &Instance<TaskWakeupBody>| {
                this.task.get_or_none()
            }),
            readable(c"__qualname__", |_: &Instance<TaskWakeupBody>| {
                values::string("Task.task_wakeup")
            }),
            readable(c"__name__", |_: &Instance<TaskWakeupBody>| {
                values::string("task_wakeup")
            }),
        ])
        .build()?;
    Ok(())
}
