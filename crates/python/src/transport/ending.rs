//! Last bytes, which leave in one segment with the end of the stream.
//!
//! `transport.write(answer); transport.close()` sends two segments on asyncio: the answer at once, and the end when the socket is
//! closed, one turn later. Each costs its way through the kernel, and wakes the peer. Here the answer is held where the end followed
//! at once with the connections before ([`Endings`](tepal_core::stream::Endings)), or where answers are gathered anyway
//! ([`holding`](super::holding)); at `close()` the kernel is given the bytes with the word that more follows, which is the end.
//!
//! | state | | → |
//! |---|---|---|
//! | open | `close()`, and bytes are held, and nobody else can have the socket | before the end |
//! | before the end | the program asks for the socket | open: the bytes are pushed |
//! | before the end | `connection_lost` was called | ended: bytes and end leave, and the socket is closed |
//!
//! The end is sent for itself (`shutdown`) before the socket is closed: `close` would throw the bytes away if something is
//! left unread. It would also end a connection that another process still uses, hence the condition: a connection that
//! the loop accepted, whose socket the program never asked for, in a process that has not forked since. Where the loop stops
//! before `connection_lost`, the kernel sends the bytes after 200 milliseconds.

use tepal_core::socket;
use tepal_core::stream::Endings;
use tepal_core::{forks, monotonic_ns};

use crate::interop::errors::PyResult;
use crate::interop::instance::Instance;
use crate::interop::sockets;
use crate::loop_core::body::LoopBody;

use super::body::StreamBody;
use super::holding::Held;

impl Instance<StreamBody> {
    /// Whether nobody else can have the socket.
    fn is_alone(&self) -> bool {
        self.alone_since.get().is_some_and(|then| then == forks())
    }

    /// Whether the first answer may wait for the end of the connection.
    #[inline(never)]
    pub(super) fn may_wait_for_end(&self, event_loop: &Instance<LoopBody>) -> bool {
        event_loop.endings.get().are_expected() && self.is_alone()
    }

    /// What was held for this reason is sent without the end.
    #[inline(always)]
    pub(super) fn note_no_end(&self, held: Held) {
        if held == Held::ForEnd {
            self.learn(|endings, held_for| {
                endings.missed();
                endings.waited(held_for);
            });
        }
    }

    /// What `close()` begins with: sends what is held.
    ///
    /// # Errors
    /// As `write`.
    pub(super) fn send_before_end(&self) -> PyResult<()> {
        if self.closing.get() || !self.is_alone() {
            return self.settle();
        }
        if let Some(event_loop) = self.event_loop.get() {
            let at_once = self.burst.get().is_only(event_loop.turn.get());
            self.learn(|endings, _| {
                if at_once {
                    endings.met()
                } else {
                    endings.missed()
                }
            });
        }
        if self.held.get() == Held::Gathered {
            self.note_holding();
        }
        let waits = self.settle_before_end()?;
        self.before_end.set(waits);
        Ok(())
    }

    /// Whoever asks for the socket finds everything sent, and may keep it.
    ///
    /// # Errors
    /// As `write`.
    pub(super) fn show_socket(&self) -> PyResult<()> {
        self.alone_since.set(None);
        self.settle()?;
        self.end_with_last_bytes();
        Ok(())
    }

    /// Lets bytes that wait for the end of the stream leave with it; without it if others may have the socket now.
    pub(super) fn end_with_last_bytes(&self) {
        if !self.before_end.replace(false) {
            return;
        }
        let Some(socket) = self.socket.get() else {
            return;
        };
        let descriptor = sockets::descriptor(&socket);
        let sent = if self.is_alone() {
            socket::shutdown_sending(descriptor)
        } else {
            // It is set already; setting it sends what waits.
            socket::set_no_delay(descriptor)
        };
        // As on asyncio, which has sent the bytes before: nobody is told that a peer has reset the connection since.
        sent.unwrap_or(());
        self.learn(Endings::waited);
    }

    /// Changes what the loop knows, given for how long this connection has held its bytes (nanoseconds).
    fn learn(&self, change: impl FnOnce(&mut Endings, u64)) {
        if let Some(event_loop) = self.event_loop.get() {
            let mut endings = event_loop.endings.get();
            change(&mut endings, self.burst.get().held_for(monotonic_ns()));
            event_loop.endings.set(endings);
        }
    }
}
