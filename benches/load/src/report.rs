//! What a run found, as one line of JSON on standard output.

use crate::histogram::Histogram;

/// The figures of one window.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// Answers that were complete and right.
    pub requests: u64,
    /// Requests without an answer (datagrams only).
    pub lost: u64,
    /// Length of the window.
    pub seconds: f64,
    /// User and system time of the server in the window.
    pub server_cpu_seconds: f64,
    /// Half of the answers came within this time.
    pub p50_microseconds: f64,
    /// 99 of 100 answers came within this time.
    pub p99_microseconds: f64,
}

impl Figures {
    /// One JSON object.
    pub fn json(&self) -> String {
        format!(
            concat!(
                r#"{{"requests": {}, "lost": {}, "seconds": {:.6}, "server_cpu_seconds": {:.6}, "#,
                r#""p50_microseconds": {:.2}, "p99_microseconds": {:.2}}}"#
            ),
            self.requests,
            self.lost,
            self.seconds,
            self.server_cpu_seconds,
            self.p50_microseconds,
            self.p99_microseconds,
        )
    }
}

/// The latencies of an open loop.
#[derive(Clone, Debug)]
pub struct Latencies {
    requests: u64,
    seconds: f64,
    server_cpu_seconds: f64,
    /// 50, 99, 99.9 and 100 of a hundred answers came within these times (microseconds).
    within: [f64; 4],
}

impl Latencies {
    /// What the histogram has.
    pub fn of(histogram: &Histogram, server_cpu_seconds: f64, seconds: f64) -> Latencies {
        Latencies {
            requests: histogram.total(),
            seconds,
            server_cpu_seconds,
            within: [0.5, 0.99, 0.999, 1.0].map(|share| histogram.percentile(share) as f64 / 1e3),
        }
    }

    /// One JSON object.
    pub fn json(&self) -> String {
        let [p50, p99, p999, most] = self.within;
        format!(
            concat!(
                r#"{{"requests": {}, "seconds": {:.6}, "server_cpu_seconds": {:.6}, "p50_microseconds": {:.2}, "#,
                r#""p99_microseconds": {:.2}, "p999_microseconds": {:.2}, "max_microseconds": {:.2}}}"#
            ),
            self.requests, self.seconds, self.server_cpu_seconds, p50, p99, p999, most
        )
    }
}

/// `{"reason": ...}`: why there are no figures.
pub fn reason(text: &str) -> String {
    let mut quoted = String::new();
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            control if control.is_control() => quoted.push(' '),
            other => quoted.push(other),
        }
    }
    format!(r#"{{"reason": "{quoted}"}}"#)
}
