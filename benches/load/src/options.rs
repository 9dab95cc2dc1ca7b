//! The command line of `load`.

use std::net::SocketAddr;
use std::time::Duration;

/// What kind of load.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Bytes out, the same bytes back, over stream connections that stay open.
    Echo,
    /// `GET /` over connections that are kept alive.
    Http,
    /// As `Echo`, a datagram at a time.
    Datagrams,
    /// As `Echo`, over a new connection each time, which the server closes.
    Churn,
    /// Connections that do nothing.
    Idle,
}

/// What the command line asks for.
#[derive(Clone, Debug)]
pub struct Options {
    /// What kind of load.
    pub kind: Kind,
    /// Where the server is.
    pub address: SocketAddr,
    /// The server's process, whose CPU time counts.
    pub process: i32,
    /// Connections at a time.
    pub connections: usize,
    /// Bytes of a message.
    pub size: usize,
    /// How long to run before anything counts.
    pub warm_up: Duration,
    /// How long to measure.
    pub seconds: Duration,
    /// Requests per second, of an open loop; without it the loop is closed.
    pub rate: Option<f64>,
    /// Whether the connections are TLS.
    pub tls: bool,
    /// The core to pin this process to.
    pub core: Option<usize>,
}

/// How to call `load`.
pub const USAGE: &str = "usage: load echo|http|datagrams|churn|idle --address IP:PORT --pid PID \
[--connections N] [--size BYTES] [--warm-up SECONDS] [--seconds SECONDS] \
[--rate PER-SECOND] [--core N] [--tls]";

fn number<T: std::str::FromStr>(name: &str, text: &str) -> Result<T, String> {
    text.parse()
        .map_err(|_| format!("{name} {text}: not understood; {USAGE}"))
}

fn duration(name: &str, text: &str) -> Result<Duration, String> {
    Duration::try_from_secs_f64(number(name, text)?).map_err(|error| format!("{name}: {error}"))
}

/// Understands the words after the program's name.
///
/// # Errors
/// What is wrong, in words.
pub fn parse(words: impl IntoIterator<Item = String>) -> Result<Options, String> {
    let mut words = words.into_iter();
    let kind = match words.next().as_deref() {
        Some("echo") => Kind::Echo,
        Some("http") => Kind::Http,
        Some("datagrams") => Kind::Datagrams,
        Some("churn") => Kind::Churn,
        Some("idle") => Kind::Idle,
        _ => return Err(USAGE.to_owned()),
    };
    let (mut address, mut process) = (None, None);
    let (mut connections, mut size, mut core) = (1, 1024, None);
    let mut rate = None;
    let (mut warm_up, mut seconds) = (Duration::from_millis(100), Duration::from_secs(1));
    let mut tls = false;
    while let Some(name) = words.next() {
        if name == "--tls" {
            tls = true;
            continue;
        }
        let value = words
            .next()
            .ok_or_else(|| format!("{name} needs a value; {USAGE}"))?;
        match name.as_str() {
            "--address" => address = Some(number(&name, &value)?),
            "--pid" => process = Some(number(&name, &value)?),
            "--connections" => connections = number(&name, &value)?,
            "--size" => size = number(&name, &value)?,
            "--core" => core = Some(number(&name, &value)?),
            "--warm-up" => warm_up = duration(&name, &value)?,
            "--seconds" => seconds = duration(&name, &value)?,
            "--rate" => rate = Some(number(&name, &value)?),
            _ => return Err(format!("{name}: unknown; {USAGE}")),
        }
    }
    if rate.is_some_and(|rate: f64| !(rate > 0.0 && rate.is_finite())) {
        return Err("--rate: requests per second, more than 0".to_owned());
    }
    if connections == 0 || size == 0 {
        return Err("at least one connection and one byte".to_owned());
    }
    match (address, process) {
        (Some(address), Some(process)) => Ok(Options {
            kind,
            address,
            process,
            connections,
            size,
            warm_up,
            seconds,
            rate,
            tls,
            core,
        }),
        _ => Err(USAGE.to_owned()),
    }
}
