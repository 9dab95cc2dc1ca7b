//! The hot half of a datagram transport: what happens per datagram.
//!
//! The transport that a program sees is asyncio's own class with [`EndpointBody`] under its `sendto()` and its reads
//! (`python/tepal/datagram_transports.py`). What is rare stays asyncio's: a full send buffer, other kinds of data, host
//! names, the end.
//!
//! | state | sends | reads | left by |
//! |---|---|---|---|
//! | open | at once, unless something is queued | several per readiness | `disable()` by `close()` and `abort()`: → disabled |
//! | disabled | asyncio's code | no | `release()` by `connection_lost`: → released |
//! | released | nothing | no | - |

mod endpoint;

pub(crate) use endpoint::{EndpointBody, make_type, run_readable};
