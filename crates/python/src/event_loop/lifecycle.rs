//! Opening, running, stopping and closing a loop; which of its methods were replaced.

use tepal_core::Reactor;

use crate::interop::arguments::{Arguments, Signature};
use crate::interop::calls;
use crate::interop::errors::{PyResult, raise_os_error};
use crate::interop::imports::imports;
use crate::interop::instance::type_object;
use crate::interop::interned::Name;
use crate::interop::methods::{Method, with_one, without_arguments};
use crate::interop::object::Object;
use crate::interop::roster::all_rosters;
use crate::interop::values;
use crate::loop_core::attention::{CLOSED, DEBUG_METHOD, OVERRIDDEN, TIMER_HOOK};
use crate::loop_core::body::LoopBody;
use crate::running::{run_once, run_until_stopped};

use super::L;

/// `LoopCore.__init__()`: opens the kernel's side.
///
/// # Errors
/// `OSError` if the process has no descriptor left.
pub(super) fn init(this: &L, arguments: Arguments<'_>) -> PyResult<()> {
    arguments.bind(&Signature {
        function: "LoopCore",
        names: [],
        required: 0,
        positional: 0,
    })?;
    open_reactor(this)?;
    notice_overrides(this)?;
    Ok(())
}

fn open_reactor(this: &L) -> PyResult<()> {
    let reactor = Reactor::new().map_err(|error| raise_os_error(&error))?;
    *this.waker.borrow_mut() = Some(reactor.waker());
    let before = this.reactor.borrow_mut().replace(reactor);
    drop(before);
    Ok(())
}

/// Called after an attribute of the instance was set or deleted.
///
/// # Errors
/// What the attribute look-up raises.
pub(super) fn attribute_changed(this: &L, name: &Object) -> PyResult<()> {
    let watched = [
        Name::CallAt,
        Name::CallSoon,
        Name::CallSoonUnderscore,
        Name::CreateTask,
        Name::Time,
        Name::GetDebug,
        Name::TimerHandleCancelled,
    ];
    if watched
        .iter()
        .any(|watched| values::same_text(name, watched.object()))
    {
        return notice_overrides(this);
    }
    Ok(())
}

/// Looks which of the methods that Rust calls by itself are still this type's own.
pub(super) fn notice_overrides(this: &L) -> PyResult<()> {
    let kind = type_object::<LoopBody>();
    let own = |name: Name| -> PyResult<bool> {
        let mine = calls::type_lookup(&kind, name);
        let theirs = calls::type_lookup(&this.with_object(Object::kind), name);
        let same = match (mine, theirs) {
            (Some(mine), Some(theirs)) => mine.is(&theirs),
            _ => false,
        };
        Ok(same && !in_instance_dict(this, name)?)
    };
    let hook = calls::type_lookup(&this.with_object(Object::kind), Name::CallSoonUnderscore);
    let hooked = hook.is_none_or(|hook| !hook.is(&imports().base_call_soon))
        || in_instance_dict(this, Name::CallSoonUnderscore)?;
    this.call_soon_hooked.set(hooked);
    this.attention
        .set(OVERRIDDEN, hooked || !own(Name::CallSoon)?);
    this.attention.set(DEBUG_METHOD, !own(Name::GetDebug)?);
    this.attention
        .set(TIMER_HOOK, !own(Name::TimerHandleCancelled)?);
    this.create_task_overridden.set(!own(Name::CreateTask)?);
    this.time_overridden.set(!own(Name::Time)?);
    this.call_at_overridden.set(!own(Name::CallAt)?);
    Ok(())
}

fn in_instance_dict(this: &L, name: Name) -> PyResult<bool> {
    let dict = this.with_object(|this| {
        calls::optional_attribute(this, &crate::interop::interned::intern("__dict__")?)
    })?;
    match dict {
        Some(dict) => Ok(values::dict_get(&dict, name.object())?.is_some()),
        None => Ok(false),
    }
}

fn run(this: &L) -> PyResult<()> {
    notice_overrides(this)?;
    run_until_stopped(this)
}

fn close_core(this: &L) {
    this.attention.set(CLOSED, true);
    let reactor = this.reactor.borrow_mut().take();
    if let Some(mut reactor) = reactor {
        reactor.close();
    }
    this.waker.borrow_mut().take();
    drop(this.events.take());
    this.group_callback.clear();
    let ready = std::mem::take(&mut *this.ready.borrow_mut());
    let timers = this.timers.borrow_mut().take_all();
    let watchers = std::mem::replace(
        &mut *this.watchers.borrow_mut(),
        crate::loop_core::watchers::Watchers::new(),
    );
    let kept = this.kept_tasks.take_all();
    if let Some(watch) = this.with_recorder(|recorder| recorder.watch.clone()) {
        watch.close();
    }
    drop((ready, timers, watchers, kept));
}

/// In a forked child: a new kernel side with the same registrations; the parent's is left
/// alone.
fn after_fork(this: &L) -> PyResult<()> {
    let parent = this.reactor.borrow_mut().take();
    let Some(mut parent) = parent else {
        return Ok(());
    };
    parent.forget_after_fork();
    drop(parent);
    open_reactor(this)?;
    let interests = this.watchers.borrow().interests();
    this.watchers.borrow_mut().forget_edges();
    for (descriptor, interest) in interests {
        let registered = match &mut *this.reactor.borrow_mut() {
            Some(reactor) => reactor.set_interest(descriptor, interest),
            None => return Ok(()),
        };
        match registered {
            // A descriptor that the child has closed already needs no watching.
            Err(error) if error.raw_os_error() == Some(libc::EBADF) => {}
            other => drop(other.map_err(|error| raise_os_error(&error))?),
        }
    }
    Ok(())
}

/// All unfinished Tasks of ours, of every loop of this process: `asyncio.all_tasks()` asks.
///
/// # Errors
/// `MemoryError`.
pub(crate) fn live_tasks() -> PyResult<Object> {
    values::list(
        all_rosters()
            .iter()
            .flat_map(|roster| roster.members())
            .collect(),
    )
}

pub(super) fn methods() -> Vec<Method<LoopBody>> {
    vec![
        without_arguments(c"_run_until_stopped", c"_run_until_stopped($self, /)\n--\n\nTurn until stop().", run),
        without_arguments(c"_run_once", c"_run_once($self, /)\n--\n\nOne turn of the loop.", run_once),
        without_arguments(
            c"stop",
            c"stop($self, /)\n--\n\nEnd run_forever() after the current turn.",
            |this: &L| this.stopping.set(true),
        ),
        without_arguments(
            c"is_running",
            c"is_running($self, /)\n--\n\nWhether the loop runs.",
            |this: &L| this.thread.get() != 0,
        ),
        without_arguments(
            c"is_closed",
            c"is_closed($self, /)\n--\n\nWhether the loop was closed.",
            |this: &L| this.attention.has(CLOSED),
        ),
        without_arguments(c"_check_closed", c"_check_closed($self, /)\n--\n\nRaise if closed.", |this: &L| this.check_open()),
        without_arguments(c"_close_core", c"_close_core($self, /)\n--\n\nGive up queues and descriptors.", close_core),
        without_arguments(c"_after_fork", c"_after_fork($self, /)\n--\n\nRenew the kernel's side.", after_fork),
        without_arguments(c"_write_to_self", c"_write_to_self($self, /)\n--\n\nWake the loop.", |this: &L| this.wake()),
        with_one(
            c"_set_own_descriptors",
            c"_set_own_descriptors($self, count, /)\n--\n\nHow many watched descriptors are the loop's own.",
            |this: &L, count| -> PyResult<()> {
                let count = values::to_integer(count)?;
                this.own_descriptors.set(usize::try_from(count).unwrap_or(0));
                Ok(())
            },
        ),
    ]
}
