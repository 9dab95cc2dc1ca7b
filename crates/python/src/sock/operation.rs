//! The coroutine of one operation.

use std::cell::Cell;
use std::ffi::CStr;
use std::mem::offset_of;
use std::os::fd::RawFd;

use crate::future::{
    FutureBody, NativeCoroutine, Resumable, already_awaited, await_step, coroutine_type,
    finalize_coroutine,
};
use crate::interop::buffers::Bytes;
use crate::interop::calls;
use crate::interop::coroutine_origin::origin_of_new;
use crate::interop::errors::{self, Builtin, PyResult, raise_instance};
use crate::interop::gc::Visitor;
use crate::interop::imports::imports;
use crate::interop::instance::{HeapType, Instance, Ref, TypeCell, WeakReferences, create};
use crate::interop::interned::Name;
use crate::interop::methods::{readable, without_arguments};
use crate::interop::object::{Object, Slot};
use crate::interop::slots::Step;
use crate::interop::sockets;
use crate::interop::values;
use crate::loop_core::body::LoopBody;
use crate::loop_core::entry::Entry;
use crate::loop_core::failures;

use super::attempt::{Attempt, Kind};

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    Waiting,
    Ended,
}

/// See the module's table.
#[repr(C)]
pub(crate) struct OperationBody {
    weak_references: WeakReferences,
    event_loop: Slot<Ref<LoopBody>>,
    socket: Slot,
    /// The size, the buffer or the data.
    pub(super) first: Slot,
    /// The number of bytes or the address.
    pub(super) second: Slot,
    /// What the awaiting Task waits for while it would block.
    future: Slot,
    origin: Slot,
    /// How many bytes of the data are sent.
    pub(super) sent: Cell<usize>,
    /// The descriptor that is watched; -1 for none.
    descriptor: Cell<RawFd>,
    pub(super) kind: Cell<Kind>,
    state: Cell<State>,
}

impl HeapType for OperationBody {
    const NAME: &'static CStr = c"tepal._native.SockOperation";
    const FREE_LIST: usize = 256;
    const WEAKREFS: Option<usize> = Some(offset_of!(OperationBody, weak_references));
    const FINALIZES: bool = true;

    fn cell() -> &'static TypeCell {
        static CELL: TypeCell = TypeCell::new();
        &CELL
    }

    fn blank() -> OperationBody {
        OperationBody {
            weak_references: WeakReferences::new(),
            event_loop: Slot::empty(),
            socket: Slot::empty(),
            first: Slot::empty(),
            second: Slot::empty(),
            future: Slot::empty(),
            origin: Slot::empty(),
            sent: Cell::new(0),
            descriptor: Cell::new(-1),
            kind: Cell::new(Kind::Receive),
            state: Cell::new(State::Ended),
        }
    }

    fn traverse(&self, visitor: &mut Visitor) {
        visitor.slot_with(&self.event_loop, |visitor, event_loop| {
            visitor.reference(event_loop);
        });
        visitor.slot(&self.socket);
        visitor.slot(&self.first);
        visitor.slot(&self.second);
        visitor.slot(&self.future);
        visitor.slot(&self.origin);
    }

    fn clear(&self) {
        self.event_loop.clear();
        self.socket.clear();
        self.first.clear();
        self.second.clear();
        self.future.clear();
    }

    fn needs_finalize(&self) -> bool {
        self.state.get() == State::New
    }

    fn finalize(this: &Instance<OperationBody>) {
        finalize_coroutine(this);
    }
}

impl Instance<OperationBody> {
    /// A new operation; nothing is tried before it is awaited.
    ///
    /// # Errors
    /// `MemoryError`.
    #[inline(always)]
    pub(crate) fn make(
        event_loop: &Instance<LoopBody>,
        kind: Kind,
        socket: Object,
        first: Option<Object>,
        second: Option<Object>,
    ) -> PyResult<Ref<OperationBody>> {
        let origin = origin_of_new()?;
        create(|| OperationBody {
            origin: Slot::new(origin),
            event_loop: Slot::holding(event_loop.reference()),
            socket: Slot::holding(socket),
            first: Slot::new(first),
            second: Slot::new(second),
            kind: Cell::new(kind),
            state: Cell::new(State::New),
            ..OperationBody::blank()
        })
    }

    fn begin(&self) -> PyResult<Step> {
        let (Some(event_loop), Some(socket)) = (self.event_loop.get(), self.socket.get()) else {
            return Err(already_awaited());
        };
        // Whatever is raised below ends it.
        self.state.set(State::Ended);
        if !socket.is_exactly(&imports().socket) {
            calls::call(&imports().check_ssl_socket, [&socket])?;
        }
        if event_loop.is_debug()? {
            require_non_blocking(&socket)?;
        }
        match self.attempt(&event_loop, &socket)? {
            Attempt::Done(result) => {
                self.let_go();
                Ok(Step::Return(result))
            }
            Attempt::NotNow => self.wait(&event_loop, &socket),
            Attempt::Again => {
                let step = self.wait(&event_loop, &socket)?;
                event_loop.schedule(|| Entry::Operation(self.object()))?;
                Ok(step)
            }
        }
    }

    /// Watches the descriptor, and yields a Future.
    fn wait(&self, event_loop: &Instance<LoopBody>, socket: &Object) -> PyResult<Step> {
        let descriptor = if sockets::is_socket(socket) {
            sockets::descriptor(socket)
        } else {
            let number = values::to_integer(&calls::call_method(Name::Fileno, [socket])?)?;
            RawFd::try_from(number).unwrap_or(-1)
        };
        if descriptor < 0 {
            let closed = std::io::Error::from_raw_os_error(libc::EBADF);
            return Err(errors::raise_os_error(&closed));
        }
        if !event_loop.knows_edges(descriptor, socket) {
            let this = event_loop.object();
            let number = values::signed_integer(i64::from(descriptor))?;
            calls::call_method(Name::EnsureFdNoTransport, [&this, &number])?;
        }
        let future = Instance::<FutureBody>::make(event_loop)?;
        let side = self.kind.get().side();
        let before = event_loop.watch_edges(descriptor, side, self.object(), socket)?;
        self.descriptor.set(descriptor);
        self.future.set(future.clone().into_object());
        self.state.set(State::Waiting);
        drop(before);
        await_step(&future)
    }

    /// Stops watching, and gives up what is not needed any more.
    fn let_go(&self) {
        if let Some(event_loop) = self.event_loop.get() {
            self.stop_watching(&event_loop);
        }
        self.state.set(State::Ended);
        HeapType::clear(&**self);
    }

    fn stop_watching(&self, event_loop: &Instance<LoopBody>) {
        let descriptor = self.descriptor.replace(-1);
        if descriptor < 0 {
            return;
        }
        let side = self.kind.get().side();
        if self.with_object(|this| event_loop.is_watched_by(descriptor, side, this)) {
            match event_loop.unwatch(descriptor, side) {
                Ok(before) => drop(before),
                // The program has closed the socket meanwhile.
                Err(raised) => raised.forget(),
            }
        }
    }
}

fn require_non_blocking(socket: &Object) -> PyResult<()> {
    let timeout = calls::call_method(Name::Gettimeout, [socket])?;
    if timeout.is_none() || values::to_float(&timeout)? != 0.0 {
        return Err(Builtin::ValueError.raise("the socket must be non-blocking"));
    }
    Ok(())
}

impl Resumable for OperationBody {
    fn step(this: &Instance<OperationBody>) -> PyResult<Step> {
        match this.state.get() {
            State::New => this.begin(),
            State::Ended => Err(already_awaited()),
            State::Waiting => {
                let Some(future) = this.future.get() else {
                    return Err(already_awaited());
                };
                let Some(future) = future.instance_of::<FutureBody>() else {
                    return Err(already_awaited());
                };
                let step = await_step(future);
                if !future.is_pending() {
                    this.let_go();
                }
                step
            }
        }
    }

    fn throw(this: &Instance<OperationBody>, exception: &Object) -> PyResult<Step> {
        this.let_go();
        Err(raise_instance(exception))
    }

    fn close(this: &Instance<OperationBody>) -> PyResult<()> {
        this.let_go();
        Ok(())
    }
}

impl NativeCoroutine for OperationBody {
    fn qualified_name(&self) -> &'static str {
        self.kind.get().qualified_name()
    }

    fn is_new(&self) -> bool {
        self.state.get() == State::New
    }

    fn is_done(&self) -> bool {
        self.state.get() == State::Ended
    }

    fn origin(&self) -> &Slot {
        &self.origin
    }
}

/// What an entry `Operation` of the ready queue does: tries again, if that is still wanted.
///
/// # Errors
/// `SystemExit` and `KeyboardInterrupt` out of a socket's own method.
///
/// # Reentrancy
/// As the operation's attempt.
pub(crate) fn run_ready(event_loop: &Instance<LoopBody>, operation: &Object) -> PyResult<()> {
    let Some(this) = operation.exactly::<OperationBody>() else {
        return Ok(());
    };
    let descriptor = this.descriptor.get();
    let (Some(future), Some(socket)) = (this.future.get(), this.socket.get()) else {
        return Ok(());
    };
    let Some(future) = future.instance_of::<FutureBody>() else {
        return Ok(());
    };
    let wanted = future.is_pending()
        && event_loop.is_watched_by(descriptor, this.kind.get().side(), operation);
    if !wanted {
        return Ok(());
    }
    match this.attempt(event_loop, &socket) {
        Ok(Attempt::NotNow) => Ok(()),
        Ok(Attempt::Again) => event_loop.schedule(|| Entry::Operation(operation.clone())),
        Ok(Attempt::Done(result)) => {
            let moved = match this.kind.get() {
                Kind::Receive => Bytes::peek(&result).map_or(0, <[u8]>::len),
                _ => this.sent.get(),
            };
            this.stop_watching(event_loop);
            if future.is_pending() {
                event_loop.hurry(moved);
                future.set_result(result)?;
            }
            Ok(())
        }
        Err(raised) => {
            let exception = failures::contain(raised);
            let pending = exception.is_err().then(errors::take_raised).flatten();
            this.stop_watching(event_loop);
            match (exception, pending) {
                (Ok(exception), _) if future.is_pending() => future.set_exception(&exception),
                (Err(_), Some(pending)) => Err(errors::restore(pending)),
                _ => Ok(()),
            }
        }
    }
}

/// Makes the type.
///
/// # Errors
/// What CPython raises.
pub(crate) fn make_type() -> PyResult<Object> {
    type Operation<'a> = &'a Instance<OperationBody>;
    coroutine_type::<OperationBody>(c"The coroutine of a sock_* method.")
        .methods(vec![without_arguments(
            c"_ready",
            c"_ready($self, /)\n--\n\nTry again.",
            |this: Operation<'_>| match this.event_loop.get() {
                Some(event_loop) => this.with_object(|operation| run_ready(&event_loop, operation)),
                None => Ok(()),
            },
        )])
        .attributes(vec![
            readable(c"_waits_for", |this: Operation<'_>| {
                this.future.get_or_none()
            }),
            readable(c"_socket", |this: Operation<'_>| this.socket.get_or_none()),
        ])
        .build()
}
