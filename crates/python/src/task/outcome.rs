//! What a step led to: the coroutine waits, or it has ended.

use crate::future::{Callback, FutureBody, GatheringBody};
use crate::interop::calls;
use crate::interop::coroutines;
use crate::interop::errors::{Builtin, PyResult, exception_matches, leaves_the_loop, restore};
use crate::interop::imports::imports;
use crate::interop::instance::Instance;
use crate::interop::interned::Name;
use crate::interop::object::Object;
use crate::interop::values;
use crate::loop_core::loop_ref::LoopRef;
use crate::loop_core::wrappers;

use super::body::TaskBody;

impl Instance<TaskBody> {
    /// The coroutine returned.
    #[inline(always)]
    pub(super) fn returned(&self, value: Object) -> PyResult<()> {
        let future = self.base::<FutureBody>();
        self.leave_roster()?;
        if self.must_cancel.replace(false) {
            // It was cancelled while it made its last step.
            return future.set_cancelled(future.cancel_message()).map(drop);
        }
        future.set_result(value)
    }

    /// The coroutine raised.
    #[cold]
    pub(super) fn raised(&self, error: Object) -> PyResult<()> {
        let future = self.base::<FutureBody>();
        self.leave_roster()?;
        if exception_matches(&error, &imports().cancelled_error) {
            future.keep_cancelled_error(error);
            return future.set_cancelled(None).map(drop);
        }
        future.set_exception(&error)?;
        if leaves_the_loop(&error) {
            Err(restore(error))
        } else {
            Ok(())
        }
    }

    /// The coroutine yielded: a future to wait for, or `None` for one turn of the loop.
    #[inline(always)]
    pub(super) fn yielded(&self, value: Object) -> PyResult<()> {
        if value.is_none() {
            return self.schedule_step(None);
        }
        let ours = match value.exactly::<FutureBody>() {
            Some(future) => Some(future),
            None => value
                .exactly::<TaskBody>()
                .map(Instance::base::<FutureBody>),
        };
        match ours {
            Some(future) => self.wait_for(future, &value),
            None => match value.exactly::<GatheringBody>() {
                Some(gathering) => self.wait_for(gathering.base(), &value),
                None => self.yielded_foreign(value),
            },
        }
    }

    /// Waits for a Future or Task of ours.
    #[inline(always)]
    fn wait_for(&self, future: &Instance<FutureBody>, value: &Object) -> PyResult<()> {
        if self.with_object(|this| this.is(value)) {
            return self.fail_soon("Task cannot await on itself: {task}", value);
        }
        let Some(event_loop) = future.event_loop.get() else {
            return self.fail_soon("Task got bad yield: {value}", value);
        };
        if !self.is_on(&event_loop) {
            return self.fail_soon(OTHER_LOOP, value);
        }
        if !future.blocking.replace(false) {
            return self.fail_soon(NOT_AWAITED, value);
        }
        future.add_callback(match event_loop {
            LoopRef::Native(_) => Callback::Wake(self.object()),
            LoopRef::Foreign(_) => Callback::Function {
                function: wrappers::task_wakeup(self.object())?,
                context: self.require_context()?,
            },
        })?;
        self.waits(value)
    }

    /// Remembers the awaited future, and passes a pending cancellation on to it.
    #[inline(always)]
    fn waits(&self, awaited: &Object) -> PyResult<()> {
        self.fut_waiter.set(awaited.clone());
        if self.must_cancel.get() {
            return self.pass_cancellation_on(awaited);
        }
        Ok(())
    }

    #[cold]
    fn pass_cancellation_on(&self, awaited: &Object) -> PyResult<()> {
        let message = self.base::<FutureBody>().cancel_message();
        if Instance::<FutureBody>::cancel_by_method(awaited, message.as_ref())? {
            self.must_cancel.set(false);
        }
        Ok(())
    }

    /// What is not exactly a Future or Task of ours: a foreign future, or a mistake.
    #[inline(never)]
    fn yielded_foreign(&self, value: Object) -> PyResult<()> {
        if self.with_object(|this| this.is(&value)) {
            return self.fail_soon("Task cannot await on itself: {task}", &value);
        }
        let blocking = calls::optional_attribute(&value, Name::AsyncioFutureBlocking.object())?
            .filter(|blocking| !blocking.is_none());
        let Some(blocking) = blocking else {
            return if coroutines::is_generator(&value) {
                self.fail_soon(GENERATOR, &value)
            } else {
                self.fail_soon("Task got bad yield: {value}", &value)
            };
        };
        if !self.is_on(&loop_of(&value)?) {
            return self.fail_soon(OTHER_LOOP, &value);
        }
        if !coroutines::is_true(&blocking)? {
            return self.fail_soon(NOT_AWAITED, &value);
        }
        let off = Object::from_bool(false);
        calls::set_attribute(&value, Name::AsyncioFutureBlocking.object(), &off)?;
        let wakeup = wrappers::task_wakeup(self.object())?;
        let context = self.require_context()?;
        calls::call_method_with_keyword(
            Name::AddDoneCallback,
            [&value, &wakeup, &context],
            &imports().names_context,
        )?;
        self.waits(&value)
    }

    /// Lets the next step throw a `RuntimeError` into the coroutine.
    #[cold]
    fn fail_soon(&self, template: &str, value: &Object) -> PyResult<()> {
        let task = self.with_object(values::repr);
        let message = template
            .replace("{task}", &task)
            .replace("{value}", &values::repr(value));
        let message = values::string(&message)?;
        let error = calls::call(&Builtin::RuntimeError.class(), [&message])?;
        self.schedule_step(Some(error))
    }
}

const OTHER_LOOP: &str = "Task {task} got Future {value} attached to a different loop";
const NOT_AWAITED: &str = "yield was used instead of yield from in task {task} with {value}";
const GENERATOR: &str =
    "yield was used instead of yield from for generator in task {task} with {value}";

/// The loop of a foreign future, found as `asyncio.futures._get_loop` finds it.
fn loop_of(future: &Object) -> PyResult<LoopRef> {
    let method = calls::optional_attribute(future, Name::GetLoop.object())?;
    let event_loop = match method {
        Some(method) => calls::call(&method, [])?,
        None => calls::attribute(future, Name::LoopUnderscore.object())?,
    };
    Ok(LoopRef::new(&event_loop))
}
