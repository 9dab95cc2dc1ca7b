//! Connections that do nothing: what each costs in memory, and whether the server wakes up for nothing.

use std::io::{self, Read, Write};
use std::time::Duration;

use crate::exchange::tls_of;
use crate::options::Options;
use crate::sys::CpuClock;
use crate::wire::{Tls, Wire};

/// What idle connections cost the server.
#[derive(Clone, Debug)]
pub struct IdleFigures {
    /// Connections that were open.
    pub connections: usize,
    /// Growth of the server's resident set.
    pub bytes_per_connection: f64,
    /// How often any thread of the server gave up its core by itself while nothing happened.
    pub wake_ups: u64,
    /// CPU time of the server while nothing happened.
    pub server_cpu_seconds: f64,
    /// How long nothing happened.
    pub seconds: f64,
}

impl IdleFigures {
    /// One JSON object.
    pub fn json(&self) -> String {
        format!(
            concat!(
                r#"{{"connections": {}, "bytes_per_connection": {:.1}, "wake_ups": {}, "#,
                r#""server_cpu_seconds": {:.6}, "seconds": {:.3}}}"#
            ),
            self.connections,
            self.bytes_per_connection,
            self.wake_ups,
            self.server_cpu_seconds,
            self.seconds,
        )
    }
}

fn field(text: &str, name: &str) -> io::Result<u64> {
    text.lines()
        .find_map(|line| line.strip_prefix(name))
        .and_then(|rest| rest.split_whitespace().next())
        .and_then(|number| number.parse().ok())
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, format!("no {name} in status")))
}

/// Resident bytes of a process, see proc_pid_status(5).
fn resident(process: i32) -> io::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    Ok(field(&status, "VmRSS:")? * 1024)
}

/// Voluntary context switches of all threads: each is a wait, so one more than the wait under way is a wake-up.
fn waits(process: i32) -> io::Result<u64> {
    let mut sum = 0;
    for thread in std::fs::read_dir(format!("/proc/{process}/task"))? {
        let status = std::fs::read_to_string(thread?.path().join("status"))?;
        sum += field(&status, "voluntary_ctxt_switches:")?;
    }
    Ok(sum)
}

/// Opens the connections, exchanges one message on each so that the server surely serves it, and looks on.
///
/// # Errors
/// What the kernel says, or a wrong answer.
pub fn run(options: &Options) -> io::Result<IdleFigures> {
    let tls = tls_of(options)?;
    let tls = tls.as_ref();
    // One connection first, so that what a server makes once does not count.
    let mut connections = vec![open(options, tls)?];
    std::thread::sleep(options.warm_up);
    let before = resident(options.process)?;
    for _ in 0..options.connections {
        connections.push(open(options, tls)?);
    }
    std::thread::sleep(options.warm_up.max(Duration::from_millis(200)));
    let after = resident(options.process)?;
    let clock = CpuClock::of(options.process)?;
    let (waited, cpu) = (waits(options.process)?, clock.nanoseconds()?);
    std::thread::sleep(options.seconds);
    let (waited_then, cpu_then) = (waits(options.process)?, clock.nanoseconds()?);
    for stream in &mut connections {
        exchange(stream, options.size)?;
    }
    Ok(IdleFigures {
        connections: options.connections,
        bytes_per_connection: (after as f64 - before as f64) / options.connections as f64,
        wake_ups: waited_then - waited,
        server_cpu_seconds: (cpu_then - cpu) as f64 / 1e9,
        seconds: options.seconds.as_secs_f64(),
    })
}

fn open(options: &Options, tls: Option<&Tls>) -> io::Result<Wire> {
    let mut stream = Wire::connect(options.address, tls)?;
    stream.stream().set_nonblocking(false)?;
    let limit = Some(Duration::from_secs(5));
    stream.stream().set_read_timeout(limit)?;
    exchange(&mut stream, options.size)?;
    Ok(stream)
}

fn exchange(stream: &mut Wire, size: usize) -> io::Result<()> {
    let sent = vec![b'i'; size];
    let mut received = vec![0; size];
    stream.write_all(&sent)?;
    stream.read_exact(&mut received)?;
    if received == sent {
        return Ok(());
    }
    let words = "the server gave back other bytes than were sent";
    Err(io::Error::new(io::ErrorKind::InvalidData, words))
}
