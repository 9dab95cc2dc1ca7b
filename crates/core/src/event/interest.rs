use std::fmt;

/// What is to be reported about a file descriptor: that it can be read, that it can be written, both or nothing; and
/// whether as long as it is so (level-triggered, the default) or once when it becomes so (edge-triggered).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Interest(u8);

impl Interest {
    /// Nothing: not registered.
    pub const NONE: Interest = Interest(0);
    /// Report when reading would not block.
    pub const READABLE: Interest = Interest(1);
    /// Report when writing would not block.
    pub const WRITABLE: Interest = Interest(2);
    /// Both, edge-triggered (`EPOLLET`, `man 7 epoll`): reported once each time that something arrives or that a full
    /// send buffer drains. Who waits so must have been told `WouldBlock` first, and need not deregister in between. The end
    /// of what the other side sends and urgent data are reported as well.
    pub const EDGES: Interest = Interest(7);

    /// Whether every interest of `other` is part of this one.
    #[inline]
    pub const fn contains(self, other: Interest) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether it is edge-triggered.
    #[inline]
    pub const fn is_edge_triggered(self) -> bool {
        self.0 & 4 != 0
    }

    /// This interest and `other`.
    #[inline]
    #[must_use]
    pub const fn with(self, other: Interest) -> Interest {
        Interest(self.0 | other.0)
    }

    /// This interest less `other`.
    #[inline]
    #[must_use]
    pub const fn without(self, other: Interest) -> Interest {
        Interest(self.0 & !other.0)
    }

    /// Whether nothing is asked for.
    #[inline]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl fmt::Debug for Interest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(
            match (
                self.contains(Interest::READABLE),
                self.contains(Interest::WRITABLE),
                self.is_edge_triggered(),
            ) {
                (false, false, _) => "NONE",
                (true, false, _) => "READABLE",
                (false, true, _) => "WRITABLE",
                (true, true, false) => "READABLE | WRITABLE",
                (true, true, true) => "EDGES",
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::Interest;

    const BOTH: Interest = Interest::READABLE.with(Interest::WRITABLE);

    #[test]
    fn adds_and_takes_away() {
        assert!(BOTH.contains(Interest::READABLE) && BOTH.contains(Interest::WRITABLE));
        assert!(!Interest::READABLE.contains(BOTH));
        assert_eq!(BOTH.without(Interest::READABLE), Interest::WRITABLE);
        assert_eq!(
            Interest::WRITABLE.without(Interest::READABLE),
            Interest::WRITABLE
        );
        assert!(BOTH.without(BOTH).is_empty());
        assert!(Interest::NONE.is_empty() && !Interest::READABLE.is_empty());
    }

    #[test]
    fn shows_itself_in_words() {
        assert_eq!(format!("{:?}", Interest::NONE), "NONE");
        assert_eq!(format!("{BOTH:?}"), "READABLE | WRITABLE");
        assert_eq!(format!("{:?}", Interest::EDGES), "EDGES");
    }
}
