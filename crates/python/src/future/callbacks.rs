//! The done-callbacks of a Future: the first one inline, further ones in a list.

use crate::interop::calls;
use crate::interop::contextvars;
use crate::interop::errors::PyResult;
use crate::interop::gc::Visitor;
use crate::interop::instance::Instance;
use crate::interop::object::{Object, Slot};
use crate::interop::recognised::woken_c_task;
use crate::interop::values;
use crate::loop_core::entry::Entry;
use crate::loop_core::loop_ref::LoopRef;
use crate::loop_core::shared_context;
use crate::loop_core::wrappers;

use super::body::FutureBody;

/// What happens when the Future is done.
#[derive(Clone)]
pub(crate) enum Callback {
    /// A Task of ours, on the same loop, goes on.
    Wake(Object),
    /// `function(future)` runs in `context`.
    Function { function: Object, context: Object },
}

impl Callback {
    fn traverse(&self, visitor: &mut Visitor) {
        match self {
            Callback::Wake(task) => visitor.object(task),
            Callback::Function { function, context } => {
                visitor.object(function);
                visitor.object(context);
            }
        }
    }

    /// As Python code sees it: the callable and its context.
    fn to_pair(&self) -> PyResult<(Object, Object)> {
        Ok(match self {
            Callback::Wake(task) => {
                let context = wrappers::task_context(task)?;
                (
                    wrappers::task_wakeup(task.clone())?,
                    context.unwrap_or_else(Object::none),
                )
            }
            Callback::Function { function, context } => {
                (function.clone(), shared_context::visible(context)?)
            }
        })
    }

    /// Whether `remove_done_callback(function)` means this one.
    fn is_for(&self, function: &Object) -> PyResult<bool> {
        match self {
            Callback::Wake(task) => {
                Ok(wrappers::woken_task(function).is_some_and(|woken| woken.is(task)))
            }
            Callback::Function { function: mine, .. } => values::equal(mine, function),
        }
    }
}

/// Further callbacks; boxed so that a Future that has none spends one word on them.
type Rest = Box<Vec<Callback>>;

/// All callbacks of one Future, in order.
pub(super) struct Callbacks {
    first: Slot<Callback>,
    rest: Slot<Rest>,
}

impl Callbacks {
    pub(super) const fn none() -> Callbacks {
        Callbacks {
            first: Slot::empty(),
            rest: Slot::empty(),
        }
    }

    #[inline(always)]
    pub(super) fn push(&self, callback: Callback) {
        if self.first.is_empty() && self.rest.is_empty() {
            self.first.set(callback);
        } else {
            self.push_behind(callback);
        }
    }

    #[inline(never)]
    fn push_behind(&self, callback: Callback) {
        let mut rest = self.rest.take().unwrap_or_default();
        rest.push(callback);
        self.rest.set(rest);
    }

    #[inline(always)]
    pub(super) fn take(&self) -> (Option<Callback>, Option<Rest>) {
        (self.first.take(), self.rest.take())
    }

    pub(super) fn clear(&self) {
        drop(self.take());
    }

    /// A copy of all, in order.
    pub(super) fn all(&self) -> Vec<Callback> {
        let (first, rest) = self.take();
        let mut all: Vec<Callback> = first.iter().cloned().collect();
        all.extend(rest.iter().flat_map(|rest| rest.iter().cloned()));
        drop(self.first.replace(first));
        drop(self.rest.replace(rest));
        all
    }

    pub(super) fn traverse(&self, visitor: &mut Visitor) {
        visitor.slot_with(&self.first, |visitor, first| first.traverse(visitor));
        visitor.slot_with(&self.rest, |visitor, rest| {
            rest.iter().for_each(|callback| callback.traverse(visitor));
        });
    }

    fn store(&self, callbacks: Vec<Callback>) {
        let mut callbacks = callbacks.into_iter();
        drop(self.first.replace(callbacks.next()));
        let rest: Vec<Callback> = callbacks.collect();
        drop(self.rest.replace(if rest.is_empty() {
            None
        } else {
            Some(Box::new(rest))
        }));
    }
}

impl Instance<FutureBody> {
    /// Hands all callbacks to the loop; called right after the state left PENDING.
    ///
    /// # Errors
    /// What scheduling raises (a closed loop, the wrong thread in debug mode, a foreign
    /// `call_soon`); the callbacks that were not scheduled are lost, as in CPython.
    #[inline(always)]
    pub(super) fn schedule_callbacks(&self) -> PyResult<()> {
        let (first, rest) = self.callbacks.take();
        if let Some(first) = first {
            self.schedule_callback(first)?;
        }
        if let Some(rest) = rest {
            for callback in *rest {
                self.schedule_callback(callback)?;
            }
        }
        Ok(())
    }

    #[inline(always)]
    fn schedule_callback(&self, callback: Callback) -> PyResult<()> {
        match self.require_loop()? {
            LoopRef::Native(event_loop) => match callback {
                Callback::Wake(task) => event_loop.schedule_wake(task, self.object()),
                Callback::Function { function, context } => event_loop.schedule(|| Entry::Call {
                    callable: function,
                    argument: Some(self.object()),
                    context,
                }),
            },
            LoopRef::Foreign(event_loop) => {
                let (function, context) = callback.to_pair()?;
                let this = self.object();
                LoopRef::call_soon_foreign(&event_loop, &function, Some(&this), &context)
            }
        }
    }

    /// Adds a callback, or schedules it at once if the Future is done.
    ///
    /// # Errors
    /// What scheduling raises.
    #[inline(always)]
    pub(crate) fn add_callback(&self, callback: Callback) -> PyResult<()> {
        if self.is_pending() {
            self.callbacks.push(callback);
            return Ok(());
        }
        self.schedule_callback(callback)
    }

    /// `add_done_callback(function, context=context)`
    ///
    /// # Errors
    /// `RuntimeError` before `__init__`; what scheduling raises.
    pub(crate) fn add_function(&self, function: &Object, context: Option<Object>) -> PyResult<()> {
        let event_loop = self.require_loop()?;
        let context = match (context, &event_loop) {
            (Some(context), _) => context,
            (None, LoopRef::Native(native)) => native.last_context.copy_current()?,
            (None, LoopRef::Foreign(_)) => contextvars::copy_current()?,
        };
        self.add_callback(Callback::Function {
            function: function.clone(),
            context,
        })
    }

    /// `remove_done_callback(function)`: gives how many were removed.
    ///
    /// # Errors
    /// What a comparison raises; nothing is removed then.
    ///
    /// # Reentrancy
    /// A comparison may add or remove callbacks itself: each is compared outside of the
    /// list, and only those that are still there are removed.
    pub(super) fn remove_function(&self, function: &Object) -> PyResult<u64> {
        self.require_loop()?;
        let mut compared = Vec::new();
        for callback in self.callbacks.all() {
            compared.push((callback.is_for(function)?, callback));
        }
        // A comparison may have changed the list: what was compared is looked up in order, and
        // what is new stays.
        let (first, rest) = self.callbacks.take();
        let current = first
            .into_iter()
            .chain(rest.into_iter().flat_map(|rest| *rest));
        let mut compared = compared.into_iter().peekable();
        let (mut kept, mut dropped) = (Vec::new(), Vec::new());
        for callback in current {
            while compared
                .next_if(|(_, seen)| !same(seen, &callback))
                .is_some()
            {}
            match compared.next() {
                Some((true, _)) => dropped.push(callback),
                _ => kept.push(callback),
            }
        }
        self.callbacks.store(kept);
        Ok(dropped.len() as u64)
    }

    /// `_callbacks`: a list of pairs, or `None` if there is none.
    ///
    /// # Errors
    /// `MemoryError`.
    pub(super) fn callback_list(&self) -> PyResult<Object> {
        let mut pairs = Vec::new();
        for callback in self.callbacks.all() {
            let (function, context) = callback.to_pair()?;
            pairs.push(values::tuple(vec![function, context])?);
        }
        if pairs.is_empty() {
            Ok(Object::none())
        } else {
            values::list(pairs)
        }
    }

    /// The Tasks, ours and CPython's, that wait for this Future by `await`.
    pub(super) fn waiting_tasks(&self) -> Vec<Object> {
        let all = self.callbacks.all();
        all.into_iter()
            .filter_map(|callback| match callback {
                Callback::Wake(task) => Some(task),
                Callback::Function { function, .. } => {
                    wrappers::woken_task(&function).or_else(|| woken_c_task(&function))
                }
            })
            .collect()
    }

    /// `self.cancel(msg)`, also if a subclass overrides it.
    ///
    /// # Errors
    /// What the method raises.
    pub(crate) fn cancel_by_method(this: &Object, message: Option<&Object>) -> PyResult<bool> {
        use crate::interop::coroutines::is_true;
        use crate::interop::interned::Name;
        let answer = match message {
            None => calls::call_method(Name::Cancel, [this])?,
            Some(message) => calls::call_method_with_keyword(
                Name::Cancel,
                [this, message],
                &crate::interop::imports::imports().names_msg,
            )?,
        };
        is_true(&answer)
    }
}

fn same(left: &Callback, right: &Callback) -> bool {
    match (left, right) {
        (Callback::Wake(left), Callback::Wake(right)) => left.is(right),
        (
            Callback::Function {
                function: left,
                context: left_context,
            },
            Callback::Function {
                function: right,
                context: right_context,
            },
        ) => left.is(right) && left_context.is(right_context),
        _ => false,
    }
}
