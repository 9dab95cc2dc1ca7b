//! `TaskGroup.create_task` and `TaskGroup._on_task_done`.
//!
//! A group's state stays where asyncio has it, in the attributes of the object. Served are a group
//! of exactly asyncio's class that takes Tasks, and a Task of ours that has returned; everything
//! else (a group that ends, a Task that failed) goes to CPython's own method.

use crate::future::{FutureBody, add_awaiter, discard_awaiter};
use crate::interop::arguments::Arguments;
use crate::interop::calls;
use crate::interop::coroutines::is_true;
use crate::interop::errors::PyResult;
use crate::interop::foreign_methods::{add_methods, foreign_method};
use crate::interop::imports::imports;
use crate::interop::instance::Instance;
use crate::interop::interned::Name;
use crate::interop::object::Object;
use crate::interop::recognised::Unchanged;
use crate::interop::values;
use crate::loop_core::body::LoopBody;
use crate::loop_core::loop_ref::LoopRef;
use crate::task::{TaskBody, TaskOptions, create_on};

use super::makes_our_tasks;

/// asyncio's class with our methods in it.
static CLASS: Unchanged = Unchanged::nothing();

/// The attributes of a group of exactly asyncio's class.
struct Group(Object);

impl Group {
    #[inline(always)]
    fn of(this: &Object) -> PyResult<Option<Group>> {
        if CLASS.is_type_of(this) {
            calls::instance_dict(this).map(Group).map(Some)
        } else {
            Ok(None)
        }
    }

    #[inline(always)]
    fn get(&self, name: Name) -> PyResult<Object> {
        let value = values::dict_get(&self.0, name.object())?;
        Ok(value.unwrap_or_else(Object::none))
    }

    /// Whether the attribute is exactly this boolean.
    #[inline(always)]
    fn is(&self, name: Name, expected: bool) -> PyResult<bool> {
        Ok(self.get(name)?.is(&Object::from_bool(expected)))
    }

    /// The set of Tasks that are not done.
    #[inline(always)]
    fn tasks(&self) -> PyResult<Option<Object>> {
        Ok(Some(self.get(Name::TasksUnderscore)?).filter(values::is_set))
    }

    /// Whether `create_task` may make one.
    #[inline(always)]
    fn takes_tasks(&self, tasks: &Object) -> PyResult<bool> {
        Ok(self.is(Name::EnteredUnderscore, true)?
            && self.is(Name::AbortingUnderscore, false)?
            && (self.is(Name::ExitingUnderscore, false)? || values::set_len(tasks) > 0))
    }
}

/// `TaskGroup.create_task(coro, *, name=None, context=None, **kwargs)`
///
/// # Errors
/// What CPython's method raises.
///
/// # Reentrancy
/// Only CPython's method runs Python code.
fn create_task(this: &Object, arguments: Arguments<'_>) -> PyResult<Object> {
    match create_usual(this, &arguments)? {
        Some(task) => Ok(task),
        None => arguments.pass_on(&imports().task_group_create_task, this),
    }
}

#[inline(always)]
fn create_usual(this: &Object, arguments: &Arguments<'_>) -> PyResult<Option<Object>> {
    let [coroutine] = arguments.positional() else {
        return Ok(None);
    };
    let Some(group) = Group::of(this)? else {
        return Ok(None);
    };
    let Some(tasks) = group.tasks()? else {
        return Ok(None);
    };
    let event_loop = group.get(Name::LoopUnderscore)?;
    let Some(event_loop) = makes_our_tasks(&event_loop) else {
        return Ok(None);
    };
    let options = match TaskOptions::given(event_loop, arguments)? {
        Some(options) if !options.eager && group.takes_tasks(&tasks)? => TaskOptions {
            reasoned: true,
            ..options
        },
        _ => return Ok(None),
    };
    let task = create_on(event_loop, coroutine, options)?;
    let object = task.object();
    if cfg!(Py_3_14) {
        add_awaiter(&object, &group.get(Name::ParentTaskUnderscore)?)?;
    }
    values::set_add(&tasks, &object)?;
    let callback = callback_of(this, &group, event_loop)?;
    task.base::<FutureBody>().add_function(&callback, None)?;
    Ok(Some(object))
}

/// `self._on_task_done`: one object for the Tasks that a group makes one after the other, since each would cost the
/// collector a look.
fn callback_of(this: &Object, group: &Group, event_loop: &Instance<LoopBody>) -> PyResult<Object> {
    if values::dict_get(&group.0, Name::OnTaskDone.object())?.is_some() {
        return calls::attribute(this, Name::OnTaskDone.object());
    }
    if let Some(callback) = event_loop.group_callback.get()
        && calls::builtin_self(&callback).is_some_and(|owner| owner.is(this))
    {
        return Ok(callback);
    }
    let callback = calls::attribute(this, Name::OnTaskDone.object())?;
    event_loop.group_callback.set(callback.clone());
    Ok(callback)
}

/// A group that has no Task left, or whose Tasks fail, is not kept alive.
fn forget_callback_of(this: &Object, task: &Object) {
    let Some(LoopRef::Native(event_loop)) = task
        .instance_of::<FutureBody>()
        .and_then(|task| task.event_loop.get())
    else {
        return;
    };
    if let Some(callback) = event_loop.group_callback.get()
        && calls::builtin_self(&callback).is_some_and(|owner| owner.is(this))
    {
        event_loop.group_callback.clear();
    }
}

/// `TaskGroup._on_task_done(task)`
///
/// # Errors
/// What CPython's method raises.
///
/// # Reentrancy
/// CPython's method, for a Task that failed, runs Python code.
fn on_task_done(this: &Object, arguments: Arguments<'_>) -> PyResult<Object> {
    if let [object] = arguments.positional()
        && let Some(task) = object.exactly::<TaskBody>()
        && !task.future.is_pending()
        && !task.base::<FutureBody>().has_failure()
        && let Some(group) = Group::of(this)?
        && let Some(tasks) = group.tasks()?
    {
        values::set_discard(&tasks, object)?;
        if cfg!(Py_3_14) {
            discard_awaiter(object, &group.get(Name::ParentTaskUnderscore)?)?;
        }
        if values::set_len(&tasks) == 0 {
            forget_callback_of(this, object);
            complete(&group.get(Name::OnCompletedUnderscore)?)?;
        }
        return Ok(Object::none());
    }
    if let [object] = arguments.positional() {
        forget_callback_of(this, object);
    }
    arguments.pass_on(&imports().task_group_on_task_done, this)
}

/// Wakes who waits for the last Task.
fn complete(future: &Object) -> PyResult<()> {
    if let Some(future) = future.exactly::<FutureBody>() {
        return match future.is_pending() {
            true => future.set_result(Object::from_bool(true)),
            false => Ok(()),
        };
    }
    if future.is_none() || is_true(&calls::call_method(Name::Done, [future])?)? {
        return Ok(());
    }
    calls::call_method(Name::SetResult, [future, &Object::from_bool(true)]).map(drop)
}

/// Gives `asyncio.TaskGroup` these methods.
///
/// # Errors
/// `TypeError` if the class cannot be changed.
pub(crate) fn install() -> PyResult<()> {
    let create_task = if imports().create_task_takes_any_keyword {
        foreign_method(
            c"create_task",
            c"create_task($self, coro, **kwargs)\n--\n\nA Task of this group that drives coro.",
            create_task,
        )
    } else {
        foreign_method(
            c"create_task",
            c"create_task($self, coro, *, name=None, context=None)\n--\n\nA Task of this group that drives coro.",
            create_task,
        )
    };
    let on_task_done = foreign_method(
        c"_on_task_done",
        c"_on_task_done($self, task, /)\n--\n\nA Task of this group is done.",
        on_task_done,
    );
    add_methods(&imports().task_group, vec![create_task, on_task_done])?;
    CLASS.learn(&imports().task_group, &["create_task", "_on_task_done"])
}
