use std::os::fd::RawFd;

/// Names one registration of one file descriptor.
///
/// An fd alone does not: fd 7 may be closed and opened again between the moment when the kernel reported it and the
/// moment when the report is looked at. The generation differs for each fresh registration, so that
/// [`Reactor::is_current`](crate::Reactor::is_current) can tell a report on the old fd 7 from one on the new.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Token {
    /// The file descriptor as it was registered.
    pub fd: RawFd,
    /// Which registration of this fd it is; 0 is none, and therefore never current.
    pub generation: u32,
}

impl Token {
    /// Packs the token into the 64 bits that a kernel keeps for us beside a registration.
    #[inline]
    pub const fn to_u64(self) -> u64 {
        ((self.generation as u64) << 32) | (self.fd as u32 as u64)
    }

    /// Unpacks what [`to_u64`](Token::to_u64) made.
    #[inline]
    pub const fn from_u64(bits: u64) -> Token {
        Token {
            fd: bits as u32 as RawFd,
            generation: (bits >> 32) as u32,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Token;

    #[test]
    fn survives_packing_at_the_edges() {
        for fd in [0, 1, 7, i32::MAX, -1, i32::MIN] {
            for generation in [0, 1, u32::MAX] {
                let token = Token { fd, generation };
                assert_eq!(Token::from_u64(token.to_u64()), token);
            }
        }
    }

    #[test]
    fn different_generations_pack_differently() {
        let first = Token {
            fd: 7,
            generation: 1,
        };
        let second = Token {
            fd: 7,
            generation: 2,
        };
        assert_ne!(first.to_u64(), second.to_u64());
    }
}
