//! From the program to the kernel.

use tepal_core::constants::GATHERED_COPY;
use tepal_core::socket::Next;

use crate::interop::buffers::{self, Bytes, View};
use crate::interop::calls;
use crate::interop::coroutines::is_true;
use crate::interop::errors::{Builtin, PyResult, Raised};
use crate::interop::imports::{dotted, imports};
use crate::interop::instance::{Instance, type_name};
use crate::interop::interned::{Name, intern};
use crate::interop::object::Object;
use crate::interop::values;
use crate::loop_core::body::LoopBody;
use crate::loop_core::failures;
use crate::loop_core::shared_context::run_in;
use crate::loop_core::watchers::{Side, Watch};

use super::body::{Chunk, StreamBody};
use super::holding::Held;
use super::pipe;
use super::wire::Attempt;

/// What became of pushed bytes.
#[must_use]
pub(crate) struct Pushed(Outcome);

enum Outcome {
    Sent,
    /// It waits for others; or behind what does, and should itself wait for this.
    Held,
    BehindHeld(Held),
    Queued {
        waited: bool,
    },
    Failed(Object),
}

pub(super) const WRITE_ERROR: &str = "Fatal write error on socket transport";

/// How many writes to a lost connection are ignored in silence (`asyncio.constants.LOG_THRESHOLD_FOR_CONNLOST_WRITES`).
const SILENT_WRITES: u32 = 5;

/// What an entry `Writable` of the ready queue does.
///
/// # Errors
/// `SystemExit` and `KeyboardInterrupt`; what the exception handler raises.
///
/// # Reentrancy
/// Runs any Python code.
pub(crate) fn run_writable(event_loop: &Instance<LoopBody>, transport: &Object) -> PyResult<()> {
    let Some(stream) = transport.exactly::<StreamBody>() else {
        return pipe::run_writable(event_loop, transport);
    };
    if !event_loop.is_watched_by(stream.descriptor.get(), Side::Writer, transport) {
        return Ok(());
    }
    run_in(&stream.write_context, || stream.write_ready(event_loop))?
}

impl Instance<StreamBody> {
    /// `write(data)`: at once if nothing waits, else behind what waits.
    ///
    /// # Errors
    /// `TypeError` if `data` is not bytes-like; `RuntimeError` after `write_eof()` or during `sendfile()`. Errors of the
    /// socket close the transport and are not raised.
    #[inline(always)]
    pub(super) fn write(&self, data: &Object) -> PyResult<()> {
        if let Some(bytes) = Bytes::peek(data)
            && !self.eof.get()
            && self.empty_waiter.is_empty()
            && self.connection_lost.get() == 0
            && !bytes.is_empty()
        {
            return self.write_bytes(data, bytes);
        }
        self.write_with_care(data)
    }

    #[cold]
    #[inline(never)]
    fn write_with_care(&self, data: &Object) -> PyResult<()> {
        if !buffers::is_bytes_like(data) {
            return Err(not_bytes_like(data));
        }
        if self.eof.get() {
            return Err(Builtin::RuntimeError.raise("Cannot call write() after write_eof()"));
        }
        if !self.empty_waiter.is_empty() {
            return Err(Builtin::RuntimeError.raise("unable to write; sendfile is in progress"));
        }
        if !is_true(data)? || self.ignores_write()? {
            return Ok(());
        }
        if let Some(bytes) = Bytes::peek(data) {
            return self.write_bytes(data, bytes);
        }
        match View::readable(data) {
            Ok(view) => self.write_bytes(data, view.as_slice()),
            Err(raised) => {
                let exception = failures::contain(raised)?;
                self.fatal_error(&exception, WRITE_ERROR)
            }
        }
    }

    /// Whether the connection is lost, so that a write is ignored; asyncio logs that from the fifth on.
    fn ignores_write(&self) -> PyResult<bool> {
        let lost = self.connection_lost.get();
        if lost == 0 {
            return Ok(false);
        }
        if lost >= SILENT_WRITES {
            let warning = calls::attribute(&imports().logger, &intern("warning")?)?;
            calls::call(
                &warning,
                [&values::string("socket.send() raised exception.")?],
            )?;
        }
        self.connection_lost.set(lost.saturating_add(1));
        Ok(true)
    }

    /// Writes `bytes`, the content of `data`.
    #[inline(always)]
    fn write_bytes(&self, data: &Object, bytes: &[u8]) -> PyResult<()> {
        let wait = self.should_wait(bytes.len());
        if self.held.get() != Held::No {
            return self.write_behind_held(data, bytes, wait);
        }
        let mut sent = 0;
        if self.queue.borrow().is_empty() {
            if wait != Held::No {
                return self.hold(data, bytes, wait);
            }
            match self.send(data, bytes)? {
                Attempt::Done(count) if count >= bytes.len() => return Ok(()),
                Attempt::Done(count) => sent = count,
                Attempt::NotNow => {}
                Attempt::Failed(exception) => return self.fatal_error(&exception, WRITE_ERROR),
            }
            self.watch_writes()?;
        }
        self.keep(data, bytes, sent);
        self.maybe_pause_protocol()
    }

    /// Whether [`Self::push`] may be used: `write()` would neither refuse nor ignore, nor ask a method of the socket's.
    #[inline(always)]
    pub(crate) fn takes_bytes(&self) -> bool {
        !self.eof.get()
            && self.empty_waiter.is_empty()
            && self.connection_lost.get() == 0
            && !self.foreign_socket.get()
            && !self.has_own_attributes()
    }

    /// Sends bytes, or queues a copy of what the kernel does not take; runs no Python code. [`Self::pushed`] has to follow.
    #[inline(always)]
    pub(crate) fn push(&self, bytes: &[u8]) -> Pushed {
        let wait = match self.should_wait(bytes.len()) {
            Held::Gathered if bytes.len() > GATHERED_COPY => Held::No,
            wait => wait,
        };
        if self.held.get() != Held::No {
            self.keep_copy(bytes);
            return Pushed(Outcome::BehindHeld(wait));
        }
        let mut sent = 0;
        let waited = !self.queue.borrow().is_empty();
        if !waited {
            if wait != Held::No
                && let Some(event_loop) = self.event_loop.get()
            {
                self.keep_copy(bytes);
                self.begin_to_hold(&event_loop, wait);
                return Pushed(Outcome::Held);
            }
            match self.send_native(bytes) {
                Attempt::Done(count) if count >= bytes.len() => return Pushed(Outcome::Sent),
                Attempt::Done(count) => sent = count,
                Attempt::NotNow => {}
                Attempt::Failed(exception) => return Pushed(Outcome::Failed(exception)),
            }
        }
        self.keep_copy(&bytes[sent..]);
        Pushed(Outcome::Queued { waited })
    }

    fn keep_copy(&self, bytes: &[u8]) {
        let left = self.queue.borrow_mut().push(Chunk::Copied(bytes.into()), 0);
        drop(left);
    }

    /// What follows [`Self::push`].
    ///
    /// # Errors
    /// As [`Self::write`].
    #[inline(always)]
    pub(crate) fn pushed(&self, pushed: Pushed) -> PyResult<()> {
        match pushed.0 {
            Outcome::Sent | Outcome::Held => Ok(()),
            Outcome::BehindHeld(next) => self.wait_behind_held(next),
            Outcome::Queued { waited } => {
                if !waited {
                    self.watch_writes()?;
                }
                self.maybe_pause_protocol()
            }
            Outcome::Failed(exception) => self.fatal_error(&exception, WRITE_ERROR),
        }
    }

    /// Queues what was not sent: an immutable object as it is, what may change as a copy.
    pub(super) fn keep(&self, data: &Object, bytes: &[u8], sent: usize) {
        let (chunk, sent) = match Bytes::of(data) {
            Some(bytes) => (Chunk::Kept(bytes), sent),
            None => (Chunk::Copied(bytes[sent..].into()), 0),
        };
        let left = self.queue.borrow_mut().push(chunk, sent);
        drop(left);
    }

    /// `writelines(list_of_data)`
    ///
    /// # Errors
    /// As [`Self::write`].
    pub(super) fn write_lines(&self, lines: &Object) -> PyResult<()> {
        if cfg!(not(Py_3_12)) {
            // asyncio joins them, with the errors of `bytes.join` and of `write`.
            let join = calls::attribute(&buffers::bytes(&[])?, &intern("join")?)?;
            return self.write(&calls::call(&join, [lines])?);
        }
        if self.eof.get() {
            return Err(Builtin::RuntimeError.raise("Cannot call writelines() after write_eof()"));
        }
        if !self.empty_waiter.is_empty() {
            return Err(
                Builtin::RuntimeError.raise("unable to writelines; sendfile is in progress")
            );
        }
        if !is_true(lines)? {
            return Ok(());
        }
        // Sending what is held may find the connection lost, and so may what the iteration runs.
        self.settle()?;
        if self.ignores_write()? {
            return Ok(());
        }
        let lines = values::items(lines)?;
        self.settle()?;
        if self.connection_lost.get() != 0 {
            return Ok(());
        }
        // All of them or none: one that cannot be sent must not leave the others in the queue, where nobody would send them.
        let mut chunks = Vec::with_capacity(lines.len());
        for line in &lines {
            chunks.extend(chunk_of(line)?);
        }
        self.settle()?;
        if chunks.is_empty() || self.connection_lost.get() != 0 {
            return Ok(());
        }
        let waited = !self.queue.borrow().is_empty();
        for chunk in chunks {
            drop(self.queue.borrow_mut().push(chunk, 0));
        }
        let event_loop = self.event_loop()?;
        self.write_ready(&event_loop)?;
        if !self.queue.borrow().is_empty() {
            if !waited {
                self.watch_writes()?;
            }
            self.maybe_pause_protocol()?;
        }
        Ok(())
    }

    /// Waits until the kernel takes more.
    ///
    /// # Errors
    /// `OSError` from the kernel; `RuntimeError` if the loop is closed.
    pub(super) fn watch_writes(&self) -> PyResult<()> {
        let event_loop = self.event_loop()?;
        self.write_context.set(self.callback_context(&event_loop)?);
        let watch = Watch::Transport(self.object());
        let before = event_loop.watch(self.descriptor.get(), Side::Writer, watch)?;
        drop(before);
        Ok(())
    }

    /// Sends what the kernel takes of the queue, and does what an empty queue was waited for.
    ///
    /// # Errors
    /// As [`run_writable`].
    pub(super) fn write_ready(&self, event_loop: &Instance<LoopBody>) -> PyResult<()> {
        if self.connection_lost.get() != 0 || self.queue.borrow().is_empty() {
            return Ok(());
        }
        match self.send_queue(Next::Unknown)? {
            Attempt::NotNow => return Ok(()),
            Attempt::Failed(exception) => return self.queue_failed(event_loop, &exception),
            // A chunk is memory of ours or an exact `bytes`: dropping it runs no Python code.
            Attempt::Done(count) => self.queue.borrow_mut().advance(count, drop),
        }
        self.maybe_resume_protocol()?;
        // What `resume_writing` has written may be held, while the kernel is still asked about the socket.
        self.settle()?;
        if self.queue.borrow().is_empty() {
            self.queue_emptied(event_loop)?;
        }
        Ok(())
    }

    fn queue_emptied(&self, event_loop: &Instance<LoopBody>) -> PyResult<()> {
        self.stop_watching(event_loop, Side::Writer)?;
        if let Some(waiter) = self.awaited_empty_waiter()? {
            calls::call_method(Name::SetResult, [&waiter, &Object::none()])?;
        }
        if self.closing.get() && self.connection_lost.get() == 0 {
            self.connection_lost.set(1);
            self.lose_connection(&Object::none())
        } else if self.eof.get() {
            self.shut_down_sending()
        } else {
            Ok(())
        }
    }

    fn queue_failed(&self, event_loop: &Instance<LoopBody>, exception: &Object) -> PyResult<()> {
        self.stop_watching(event_loop, Side::Writer)?;
        drop(self.queue.borrow_mut().take_all());
        self.fatal_error(exception, WRITE_ERROR)?;
        match self.awaited_empty_waiter()? {
            Some(waiter) => calls::call_method(Name::SetException, [&waiter, exception]).map(drop),
            None => Ok(()),
        }
    }

    /// The Future of `_make_empty_waiter()`, unless it is done: it stays while the file is sent, and who is cancelled
    /// while waiting has cancelled it. asyncio's transport fails on it then, with `InvalidStateError`.
    pub(super) fn awaited_empty_waiter(&self) -> PyResult<Option<Object>> {
        let Some(waiter) = self.empty_waiter.get() else {
            return Ok(None);
        };
        let done = is_true(&calls::call_method(Name::Done, [&waiter])?)?;
        Ok((!done).then_some(waiter))
    }

    /// `write_eof()`: half closes once everything is sent.
    ///
    /// # Errors
    /// `OSError` if the socket is not connected any more.
    pub(super) fn write_eof(&self) -> PyResult<()> {
        self.settle()?;
        if self.closing.get() || self.eof.get() {
            return Ok(());
        }
        self.eof.set(true);
        if self.queue.borrow().is_empty() {
            self.shut_down_sending()?;
        }
        Ok(())
    }

    /// `_make_empty_waiter()`: a Future that is done when everything is sent.
    ///
    /// # Errors
    /// `RuntimeError` if there is one already.
    pub(super) fn make_empty_waiter(&self) -> PyResult<Object> {
        if !self.empty_waiter.is_empty() {
            return Err(Builtin::RuntimeError.raise("Empty waiter is already set"));
        }
        self.settle()?;
        let event_loop = self.event_loop()?.object();
        let create = calls::attribute(&event_loop, &intern("create_future")?)?;
        let waiter = calls::call(&create, [])?;
        self.empty_waiter.set(waiter.clone());
        if self.queue.borrow().is_empty() {
            calls::call_method(Name::SetResult, [&waiter, &Object::none()])?;
        }
        Ok(waiter)
    }
}

/// What `writelines()` queues for one line; nothing for what is empty, which from 3.14 on may be of any kind.
fn chunk_of(line: &Object) -> PyResult<Option<Chunk>> {
    if Bytes::peek(line).is_none() && cfg!(Py_3_14) && !is_true(line)? {
        return Ok(None);
    }
    if let Some(bytes) = Bytes::of(line) {
        return Ok(Some(Chunk::Kept(bytes)));
    }
    match View::readable(line) {
        Ok(view) => Ok(Some(Chunk::Copied(view.as_slice().into()))),
        // In the words of `memoryview(line)`, which asyncio makes.
        Err(raised) => {
            raised.forget();
            let view = calls::call(&dotted("builtins", &["memoryview"])?, [line])?;
            let copy = calls::call(&calls::attribute(&view, &intern("tobytes")?)?, [])?;
            Ok(Bytes::of(&copy).map(Chunk::Kept))
        }
    }
}

#[cold]
fn not_bytes_like(data: &Object) -> Raised {
    let kind = type_name(data);
    let expected = if cfg!(Py_3_14) {
        "bytes, bytearray, or memoryview object"
    } else {
        "bytes-like object"
    };
    Builtin::TypeError.raise(&format!("data argument must be a {expected}, not '{kind}'"))
}
