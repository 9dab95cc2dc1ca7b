//! Connections that stay open: request, answer, request, answer, on all of them at once.

use std::io::{self, Read, Write};
use std::time::Instant;

use crate::answers::{Conversation, Progress};
use crate::options::Options;
use crate::report::Figures;
use crate::sys::{EDGES, Epoll, event_buffer};
use crate::window::Window;
use crate::wire::{Tls, Wire};

/// Bytes taken from a connection at a time.
const RECEIVE: usize = 256 * 1024;
/// How long nothing may happen on any connection before the server counts as stuck (milliseconds).
const STUCK: i32 = 10_000;

struct Connection {
    stream: Wire,
    /// Bytes of the request that have gone out.
    sent: usize,
    progress: Progress,
    started: Instant,
}

/// What TLS connections share, if that is what is asked for.
///
/// # Errors
/// As [`Tls::new`].
pub fn tls_of(options: &Options) -> io::Result<Option<Tls>> {
    options.tls.then(Tls::new).transpose()
}

impl Connection {
    fn send(&mut self, request: &[u8]) -> io::Result<()> {
        self.stream.flush()?;
        while self.sent < request.len() {
            match self.stream.write(&request[self.sent..]) {
                Ok(count) => self.sent += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn next_request(&mut self, request: &[u8], now: Instant) -> io::Result<()> {
        self.sent = 0;
        self.started = now;
        self.send(request)
    }

    /// Reads what is there, and goes on with the next request when an answer is complete.
    fn drive(
        &mut self,
        conversation: &Conversation,
        buffer: &mut [u8],
        window: &mut Window,
    ) -> io::Result<()> {
        self.send(conversation.request())?;
        loop {
            let count = match self.stream.read(buffer) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            };
            if conversation.received(&mut self.progress, &buffer[..count])? {
                let now = Instant::now();
                window.answered(self.started, now);
                self.next_request(conversation.request(), now)?;
            }
            // Fewer bytes than there was room for: nothing is left, and what comes now is a new edge.
            if self.stream.is_drained(count, buffer.len()) {
                return Ok(());
            }
        }
    }
}

/// Drives all connections until the window is over.
///
/// # Errors
/// What the kernel says, a connection that ends, a wrong answer, or ten seconds without any.
pub fn run(options: &Options, conversation: &Conversation) -> io::Result<Figures> {
    let epoll = Epoll::new()?;
    let tls = tls_of(options)?;
    let mut connections = Vec::with_capacity(options.connections);
    for token in 0..options.connections {
        let stream = Wire::connect(options.address, tls.as_ref())?;
        epoll.add(&stream, EDGES, token as u64)?;
        connections.push(Connection {
            stream,
            sent: 0,
            progress: Progress::default(),
            started: Instant::now(),
        });
    }
    let mut window = Window::begin(options)?;
    let mut buffer = vec![0; RECEIVE];
    let mut events = event_buffer(options.connections.min(1024));
    // The first event of each connection, that it is writable, sends its first request.
    loop {
        let count = epoll.wait(&mut events, STUCK)?;
        if count == 0 {
            let words = format!("no answer within {} s", STUCK / 1000);
            return Err(io::Error::new(io::ErrorKind::TimedOut, words));
        }
        for event in &events[..count] {
            let token = event.u64 as usize;
            connections[token].drive(conversation, &mut buffer, &mut window)?;
        }
        if let Some(figures) = window.at(Instant::now())? {
            return Ok(figures);
        }
    }
}
