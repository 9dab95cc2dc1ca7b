//! The birth of a Task: checks, the context, the first step, and its registration.

use crate::future::FutureBody;
use crate::interop::arguments::Arguments;
use crate::interop::calls;
use crate::interop::contextvars;
use crate::interop::coroutines;
use crate::interop::errors::{Builtin, PyResult, Raised, restore};
use crate::interop::imports::imports;
use crate::interop::instance::{Instance, Ref, create, type_name};
use crate::interop::interned::Name;
use crate::interop::object::Object;
use crate::interop::values;
use crate::loop_core::body::LoopBody;
use crate::loop_core::entry::Entry;
use crate::loop_core::loop_ref::LoopRef;
use crate::loop_core::wrappers;

use super::body::TaskBody;

/// The keyword arguments of `create_task`.
#[derive(Default)]
pub(crate) struct TaskOptions {
    pub(crate) name: Option<Object>,
    pub(crate) context: Option<Object>,
    pub(crate) eager: bool,
    /// Made by gather or a TaskGroup, which have a reason for a Task; for recordings.
    pub(crate) reasoned: bool,
}

impl TaskOptions {
    /// Whether nothing was asked for but a Task.
    fn is_plain(&self) -> bool {
        let given = |option: &Option<Object>| option.as_ref().is_some_and(|value| !value.is_none());
        !(given(&self.name) || given(&self.context) || self.eager || self.reasoned)
    }

    /// What `create_task()` without keyword arguments has on that loop.
    #[inline(always)]
    pub(crate) fn usual(event_loop: &Instance<LoopBody>) -> TaskOptions {
        TaskOptions {
            eager: event_loop.eager_factory.get(),
            ..TaskOptions::default()
        }
    }

    /// The keyword arguments of a `create_task` that we know; `None` if there is any other (asyncio then says what is
    /// wrong).
    ///
    /// # Errors
    /// What the truth of `eager_start` raises.
    pub(crate) fn given(
        event_loop: &Instance<LoopBody>,
        arguments: &Arguments<'_>,
    ) -> PyResult<Option<TaskOptions>> {
        let mut options = TaskOptions::usual(event_loop);
        for index in 0..arguments.keyword_count() {
            let (name, value) = arguments.keyword(index);
            let is =
                |known: Name| name.is(known.object()) || values::same_text(&name, known.object());
            if is(Name::Called) {
                options.name = Some(value.clone());
            } else if is(Name::Context) {
                options.context = Some(value.clone());
            } else if is(Name::EagerStart) && imports().create_task_takes_any_keyword {
                // None means: as the factory has it.
                if !value.is_none() {
                    options.eager = coroutines::is_true(&value)?;
                }
            } else {
                return Ok(None);
            }
        }
        Ok(Some(options))
    }
}

/// `loop.create_task(coroutine)` on a loop of ours.
///
/// # Errors
/// `TypeError` if it is no coroutine or the context is none; `RuntimeError` if the loop is
/// closed; with an eager start also `SystemExit` and `KeyboardInterrupt` out of the coroutine.
///
/// # Reentrancy
/// An eager start runs the coroutine up to its first wait.
#[inline(always)]
pub(crate) fn create_on(
    event_loop: &Instance<LoopBody>,
    coroutine: &Object,
    options: TaskOptions,
) -> PyResult<Ref<TaskBody>> {
    check_coroutine(coroutine, Some(event_loop))?;
    let plain = options.is_plain();
    let context = choose_context(options.context, Some(event_loop))?;
    let task = create(|| {
        let future = FutureBody::new(Some(LoopRef::Native(event_loop.reference())));
        TaskBody::new(future, Some(coroutine.clone()), Some(context))
    })?;
    if event_loop.is_debug()? {
        task.future.remember_origin()?;
    }
    task.name_it(options.name)?;
    task.log_destroy_pending.set(true);
    task.note_birth(event_loop, coroutine, plain)?;
    if options.eager && event_loop.thread.get() != 0 {
        task.membership.set(Some(event_loop.tasks.enter(&task)));
        task.note_eager_start();
        task.start_eagerly()?;
    } else {
        if let Err(raised) = event_loop.schedule_first(|| Entry::Step(task.object())) {
            task.log_destroy_pending.set(false);
            return Err(raised);
        }
        task.membership.set(Some(event_loop.tasks.enter(&task)));
    }
    Ok(task)
}

/// `Task.__init__`
///
/// # Errors
/// As [`create_on`]; and what a foreign loop's methods raise.
pub(super) fn initialize(
    task: &Instance<TaskBody>,
    coroutine: &Object,
    event_loop: LoopRef,
    options: TaskOptions,
) -> PyResult<()> {
    task.log_destroy_pending.set(false);
    task.future.reset(event_loop.clone())?;
    let native = match &event_loop {
        LoopRef::Native(native) => Some(&**native),
        LoopRef::Foreign(_) => None,
    };
    check_coroutine(coroutine, native)?;
    let plain = options.is_plain();
    let context = choose_context(options.context, native)?;
    drop(task.membership.take());
    task.fut_waiter.clear();
    task.must_cancel.set(false);
    task.cancel_requests.set(0);
    task.coroutine.set(coroutine.clone());
    task.context.set(context);
    task.name_it(options.name)?;
    task.log_destroy_pending.set(true);
    if let Some(native) = native {
        task.note_birth(native, coroutine, plain)?;
    }
    if options.eager && is_running(&event_loop)? {
        register(task, &event_loop, true)?;
        task.note_eager_start();
        let started = task.start_eagerly().map_err(Raised::take);
        if let LoopRef::Foreign(_) = event_loop {
            finish_eager_registration(task)?;
        }
        return started.map_err(restore);
    }
    task.schedule_step(None)?;
    register(task, &event_loop, false)
}

impl Instance<TaskBody> {
    /// Schedules the next step, with an exception to throw or without.
    ///
    /// # Errors
    /// What scheduling raises.
    #[inline(always)]
    pub(super) fn schedule_step(&self, exception: Option<Object>) -> PyResult<()> {
        match self.future.require_loop()? {
            LoopRef::Native(event_loop) => match exception {
                None => event_loop.schedule(|| Entry::Step(self.object())),
                Some(exception) => event_loop.schedule(|| Entry::Throw {
                    task: self.object(),
                    exception,
                }),
            },
            LoopRef::Foreign(event_loop) => {
                let step = wrappers::task_step(self.object(), exception)?;
                let context = self.require_context()?;
                LoopRef::call_soon_foreign(&event_loop, &step, None, &context)
            }
        }
    }
}

/// Refuses what is no coroutine; native ones are known by their type.
#[inline(always)]
fn check_coroutine(coroutine: &Object, event_loop: Option<&Instance<LoopBody>>) -> PyResult<()> {
    if coroutines::is_native(coroutine) {
        return Ok(());
    }
    check_unusual_coroutine(coroutine, event_loop)
}

#[cold]
fn check_unusual_coroutine(
    coroutine: &Object,
    event_loop: Option<&Instance<LoopBody>>,
) -> PyResult<()> {
    if event_loop.is_some_and(|event_loop| event_loop.drives_generators.get())
        && coroutines::is_generator(coroutine)
    {
        return Ok(());
    }
    let answer = calls::call(&imports().is_coroutine, [coroutine])?;
    if coroutines::is_true(&answer)? {
        return Ok(());
    }
    let shown = values::repr(coroutine);
    Err(Builtin::TypeError.raise(&format!("a coroutine was expected, got {shown}")))
}

#[inline(always)]
fn choose_context(
    context: Option<Object>,
    event_loop: Option<&Instance<LoopBody>>,
) -> PyResult<Object> {
    match context.filter(|context| !context.is_none()) {
        None => match event_loop {
            Some(event_loop) => event_loop.last_context.copy_current(),
            None => contextvars::copy_current(),
        },
        Some(context) if contextvars::is_context(&context) || !cfg!(Py_3_15) => Ok(context),
        Some(other) => Err(Builtin::TypeError.raise(&format!(
            "a contextvars.Context was expected, got {}",
            type_name(&other)
        ))),
    }
}

fn is_running(event_loop: &LoopRef) -> PyResult<bool> {
    match event_loop {
        LoopRef::Native(native) => Ok(native.thread.get() != 0),
        LoopRef::Foreign(foreign) => {
            let method =
                calls::attribute(foreign, &crate::interop::interned::intern("is_running")?)?;
            coroutines::is_true(&calls::call(&method, [])?)
        }
    }
}

/// Makes the Task visible to `asyncio.all_tasks()`.
fn register(task: &Instance<TaskBody>, event_loop: &LoopRef, eager: bool) -> PyResult<()> {
    match event_loop {
        LoopRef::Native(native) => {
            task.membership.set(Some(native.tasks.enter(task)));
            Ok(())
        }
        LoopRef::Foreign(_) => {
            let register = match (&imports().register_eager_task, eager) {
                (Some(register_eager), true) => register_eager,
                _ => &imports().register_task,
            };
            task.with_object(|task| calls::call(register, [task]))
                .map(drop)
        }
    }
}

/// Takes a Task on a foreign loop off asyncio's register.
pub(super) fn unregister(task: &Instance<TaskBody>) -> PyResult<()> {
    if let Some(LoopRef::Foreign(_)) = task.future.event_loop.get() {
        task.with_object(|task| calls::call(&imports().unregister_task, [task]))?;
    }
    Ok(())
}

/// After the first step of an eager Task on a foreign loop.
fn finish_eager_registration(task: &Instance<TaskBody>) -> PyResult<()> {
    if let Some(unregister_eager) = &imports().unregister_eager_task {
        task.with_object(|task| calls::call(unregister_eager, [task]))?;
    }
    if task.future.is_pending() {
        task.with_object(|task| calls::call(&imports().register_task, [task]))?;
    }
    Ok(())
}
