//! Short connections: connect, send, read the answer, read the end. The server closes first, so that the worn-out ports
//! are not ours.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::time::Instant;

use crate::answers::{Conversation, Progress};
use crate::exchange::tls_of;
use crate::options::Options;
use crate::report::Figures;
use crate::sys::{Epoll, READABLE, event_buffer};
use crate::window::Window;
use crate::wire::{Tls, Wire};

/// How long nothing may happen on any connection before the server counts as stuck (milliseconds).
const STUCK: i32 = 10_000;

struct Visit {
    stream: Wire,
    progress: Progress,
    complete: bool,
    started: Instant,
}

impl Visit {
    /// Connects and sends. On the loopback interface both are done at once.
    fn begin(address: SocketAddr, tls: Option<&Tls>, request: &[u8]) -> io::Result<Visit> {
        let started = Instant::now();
        let mut stream = Wire::connect(address, tls)?;
        stream.write_all(request)?;
        Ok(Visit {
            stream,
            progress: Progress::default(),
            complete: false,
            started,
        })
    }

    /// Reads what is there; tells whether the server has answered and closed.
    fn drive(&mut self, conversation: &Conversation, buffer: &mut [u8]) -> io::Result<bool> {
        loop {
            match self.stream.read(buffer) {
                Ok(0) if self.complete => return Ok(true),
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => {
                    self.complete |= conversation.received(&mut self.progress, &buffer[..count])?;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
    }
}

/// Visits the server, so many connections at a time, until the window is over.
///
/// # Errors
/// What the kernel says, a wrong answer, or ten seconds without any.
pub fn run(options: &Options) -> io::Result<Figures> {
    let conversation = Conversation::echo(options.size);
    let epoll = Epoll::new()?;
    let tls = tls_of(options)?;
    let begin = |token: usize| {
        let visit = Visit::begin(options.address, tls.as_ref(), conversation.request())?;
        epoll.add(&visit.stream, READABLE, token as u64)?;
        Ok::<_, io::Error>(visit)
    };
    let mut visits = Vec::with_capacity(options.connections);
    for token in 0..options.connections {
        visits.push(begin(token)?);
    }
    let mut window = Window::begin(options)?;
    let mut buffer = vec![0; 65536];
    let mut events = event_buffer(options.connections.min(1024));
    loop {
        let count = epoll.wait(&mut events, STUCK)?;
        if count == 0 {
            let words = format!("no answer within {} s", STUCK / 1000);
            return Err(io::Error::new(io::ErrorKind::TimedOut, words));
        }
        for event in &events[..count] {
            let token = event.u64 as usize;
            if visits[token].drive(&conversation, &mut buffer)? {
                window.answered(visits[token].started, Instant::now());
                visits[token] = begin(token)?;
            }
        }
        if let Some(figures) = window.at(Instant::now())? {
            return Ok(figures);
        }
    }
}
