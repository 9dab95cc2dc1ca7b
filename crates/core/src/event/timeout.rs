/// How long a wait may last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timeout {
    /// Look, do not wait.
    Now,
    /// At least this many nanoseconds if nothing happens; never less.
    After(u64),
    /// Until something happens.
    Forever,
}
