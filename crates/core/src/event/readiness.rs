use super::Token;

/// What the kernel reports about one registration.
///
/// As in `selectors.EpollSelector` an error or a hang-up counts as both, so that whoever waits, reader or writer, runs
/// and meets the error in its own system call. It may therefore name a direction that was not asked for: asyncio masks
/// with the registered interest, and so should the receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// Which registration; ask [`Reactor::is_current`](crate::Reactor::is_current) before acting on it.
    pub token: Token,
    /// Reading would not block.
    pub readable: bool,
    /// Writing would not block.
    pub writable: bool,
    /// Something other than data is there: the end of what the other side sends, urgent data (both reported only where the
    /// interest is edge-triggered), an error or a hang-up. Reading may then have to be tried although it was told `WouldBlock`.
    pub exceptional: bool,
}
