//! The measured window: a warm-up, then a span at both ends of which the server's CPU clock is read.

use std::io;
use std::time::{Duration, Instant};

use crate::histogram::Histogram;
use crate::options::Options;
use crate::report::Figures;
use crate::sys::CpuClock;

enum Phase {
    WarmUp,
    Measured { since: Instant, cpu: u64 },
}

/// How much longer than asked for a window may last for want of answers.
const PATIENCE: Duration = Duration::from_secs(10);

/// Counts what happens within the window and says when it is over.
pub struct Window {
    clock: CpuClock,
    phase: Phase,
    ends: Instant,
    seconds: Duration,
    /// A window with fewer answers goes on: with a thousand large messages under way an answer takes longer than it.
    least: u64,
    latencies: Histogram,
    lost: u64,
}

impl Window {
    /// Begins the warm-up now. A window lasts until there are as many answers as connections, at least as long as
    /// asked for.
    ///
    /// # Errors
    /// `ESRCH` if there is no such process as the server's.
    pub fn begin(options: &Options) -> io::Result<Window> {
        Ok(Window {
            clock: CpuClock::of(options.process)?,
            phase: Phase::WarmUp,
            ends: Instant::now() + options.warm_up,
            seconds: options.seconds,
            least: options.connections as u64,
            latencies: Histogram::default(),
            lost: 0,
        })
    }

    /// Counts an answer to a request that went out at `started`.
    #[inline]
    pub fn answered(&mut self, started: Instant, now: Instant) {
        if let Phase::Measured { .. } = self.phase {
            self.latencies.add((now - started).as_nanos() as u64);
        }
    }

    /// Counts a request that was never answered.
    pub fn lost(&mut self) {
        if let Phase::Measured { .. } = self.phase {
            self.lost += 1;
        }
    }

    /// Moves on by the clock; gives the figures when the window is over.
    ///
    /// # Errors
    /// `EINVAL` if the server has ended.
    #[inline]
    pub fn at(&mut self, now: Instant) -> io::Result<Option<Figures>> {
        if now < self.ends {
            return Ok(None);
        }
        let measuring = matches!(self.phase, Phase::Measured { .. });
        if measuring && self.latencies.total() < self.least && now < self.ends + PATIENCE {
            return Ok(None);
        }
        let cpu_now = self.clock.nanoseconds()?;
        match self.phase {
            Phase::WarmUp => {
                self.phase = Phase::Measured {
                    since: now,
                    cpu: cpu_now,
                };
                self.ends = now + self.seconds;
                Ok(None)
            }
            Phase::Measured { since, cpu } => Ok(Some(Figures {
                requests: self.latencies.total(),
                lost: self.lost,
                seconds: (now - since).as_secs_f64(),
                server_cpu_seconds: (cpu_now - cpu) as f64 / 1e9,
                p50_microseconds: self.latencies.percentile(0.50) as f64 / 1e3,
                p99_microseconds: self.latencies.percentile(0.99) as f64 / 1e3,
            })),
        }
    }
}
