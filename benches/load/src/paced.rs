//! An open loop: requests come at their own times, whether or not the server keeps up.
//!
//! They come as those of independent clients do (exponentially distributed pauses, always the same sequence), each on a
//! connection that has no other under way. A latency counts from the time at which the request was due, so that a server
//! that stalls is charged for everyone who had to wait.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::answers::{Conversation, Progress};
use crate::histogram::Histogram;
use crate::options::Options;
use crate::report::Latencies;
use crate::sys::{CpuClock, EDGES, Epoll, event_buffer};

const RECEIVE: usize = 256 * 1024;
/// So many seconds' worth of requests that wait for a connection: the server does not keep up.
const TOO_LATE: f64 = 0.5;
/// How long nothing may be answered before the server counts as stuck.
const STUCK: Duration = Duration::from_secs(10);

/// Pauses between requests, exponentially distributed around a mean.
struct Arrivals {
    mean: f64,
    state: u64,
}

impl Arrivals {
    fn next(&mut self) -> Duration {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        let uniform = ((self.state >> 11) as f64 + 1.0) / (1_u64 << 53) as f64;
        Duration::from_secs_f64(-uniform.ln() * self.mean)
    }
}

struct Connection {
    stream: TcpStream,
    /// Bytes of the request that have gone out.
    sent: usize,
    progress: Progress,
    /// When the request under way was due; `None` while there is none.
    due: Option<Instant>,
}

impl Connection {
    fn send(&mut self, request: &[u8]) -> io::Result<()> {
        while self.due.is_some() && self.sent < request.len() {
            match self.stream.write(&request[self.sent..]) {
                Ok(count) => self.sent += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Reads what is there; gives when the request was due whose answer is complete now.
    fn receive(
        &mut self,
        conversation: &Conversation,
        buffer: &mut [u8],
    ) -> io::Result<Option<Instant>> {
        loop {
            let count = match self.stream.read(buffer) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                Err(error) => return Err(error),
            };
            if conversation.received(&mut self.progress, &buffer[..count])? {
                return Ok(self.due.take());
            }
        }
    }
}

struct Load<'a> {
    conversation: &'a Conversation,
    connections: Vec<Connection>,
    free: VecDeque<usize>,
    waiting: VecDeque<Instant>,
    latencies: Histogram,
    /// Only requests that were due after this count.
    counts_from: Instant,
    last_answer: Instant,
}

impl Load<'_> {
    /// Sends what is due, as far as there are connections for it.
    fn dispatch(&mut self) -> io::Result<()> {
        while let (Some(due), Some(&token)) = (self.waiting.front().copied(), self.free.front()) {
            self.waiting.pop_front();
            self.free.pop_front();
            let connection = &mut self.connections[token];
            connection.due = Some(due);
            connection.sent = 0;
            connection.send(self.conversation.request())?;
        }
        Ok(())
    }

    fn drive(&mut self, token: usize, buffer: &mut [u8]) -> io::Result<()> {
        let connection = &mut self.connections[token];
        connection.send(self.conversation.request())?;
        if let Some(due) = connection.receive(self.conversation, buffer)? {
            let now = Instant::now();
            self.last_answer = now;
            if due >= self.counts_from {
                self.latencies.add((now - due).as_nanos() as u64);
            }
            self.free.push_back(token);
        }
        Ok(())
    }

    fn keeps_up(&self, rate: f64, now: Instant) -> io::Result<()> {
        if self.waiting.len() as f64 > rate * TOO_LATE || now > self.last_answer + STUCK {
            let words = "the server does not keep up";
            return Err(io::Error::new(io::ErrorKind::TimedOut, words));
        }
        Ok(())
    }
}

/// Sends `rate` requests per second for the options' time.
///
/// # Errors
/// What the kernel says, a connection that ends, a wrong answer, or a server that does not keep up.
pub fn run(options: &Options, conversation: &Conversation, rate: f64) -> io::Result<Latencies> {
    let epoll = Epoll::new()?;
    let mut connections = Vec::with_capacity(options.connections);
    for token in 0..options.connections {
        let stream = TcpStream::connect(options.address)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        epoll.add(&stream, EDGES, token as u64)?;
        let progress = Progress::default();
        connections.push(Connection {
            stream,
            sent: 0,
            progress,
            due: None,
        });
    }
    let clock = CpuClock::of(options.process)?;
    let begun = Instant::now();
    let counts_from = begun + options.warm_up;
    let ends = counts_from + options.seconds;
    let mut load = Load {
        conversation,
        free: (0..connections.len()).collect(),
        connections,
        waiting: VecDeque::new(),
        latencies: Histogram::default(),
        counts_from,
        last_answer: begun,
    };
    let mut arrivals = Arrivals {
        mean: 1.0 / rate,
        state: 0x9E37_79B9_7F4A_7C15,
    };
    let (mut next, mut cpu_before) = (begun, None);
    let mut buffer = vec![0; RECEIVE];
    let mut events = event_buffer(options.connections.min(1024));
    loop {
        let now = Instant::now();
        if now >= counts_from && cpu_before.is_none() {
            cpu_before = Some(clock.nanoseconds()?);
        }
        while next <= now && next < ends {
            load.waiting.push_back(next);
            next += arrivals.next();
        }
        load.dispatch()?;
        if now >= ends && load.free.len() == options.connections {
            let cpu = clock.nanoseconds()? - cpu_before.unwrap_or_default();
            return Ok(Latencies::of(
                &load.latencies,
                cpu as f64 / 1e9,
                (now - counts_from).as_secs_f64(),
            ));
        }
        load.keeps_up(rate, now)?;
        // Not blocking: this process has a core of its own, and a wake-up would be late.
        let count = epoll.wait(&mut events, 0)?;
        for event in &events[..count] {
            load.drive(event.u64 as usize, &mut buffer)?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Arrivals;

    #[test]
    fn pauses_have_their_mean() {
        let mut arrivals = Arrivals {
            mean: 1e-3,
            state: 7,
        };
        let sum: f64 = (0..100_000).map(|_| arrivals.next().as_secs_f64()).sum();
        assert!((sum / 100.0 - 1.0).abs() < 0.02, "{sum}");
    }
}
