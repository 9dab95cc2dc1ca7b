//! TLS above a stream transport, by the interpreter's own OpenSSL.
//!
//! `tepal.tls.SSLProtocol` is asyncio's `sslproto.SSLProtocol` with [`ProtocolBody`] before it in the method resolution
//! order, `tepal.tls.SSLProtocolTransport` asyncio's `_SSLProtocolTransport` with [`TransportBody`]. What runs per record is done
//! here, in the one state where nothing else can happen; everything else is asyncio's method of this interpreter, on the
//! same `SSL` and the same memory BIOs.
//!
//! # States
//!
//! The names are asyncio's (`SSLProtocolState`); `_state` belongs to [`ProtocolBody`] and asyncio's methods set it.
//!
//! | state | ciphertext arrives | the program writes | left by |
//! |---|---|---|---|
//! | UNWRAPPED | ignored | ignored, logged from the fifth on | `connection_made`: → DO_HANDSHAKE |
//! | DO_HANDSHAKE | fed, **a step of the handshake** | kept in `_write_backlog` | done: → WRAPPED; error, timeout: → UNWRAPPED |
//! | WRAPPED, open | **fed, decrypted, delivered here** | **encrypted, sent here** | `close()`, close_notify, end of stream: → FLUSHING; an error, `abort()`: → UNWRAPPED |
//! | WRAPPED, `_app_reading_paused` | fed; from `_incoming_high_water` on the socket pauses | as open | `resume_reading()`: → open |
//! | WRAPPED, `_ssl_writing_paused` | as open | encrypted here, kept in `_outgoing` | the socket's queue drains: → open |
//! | WRAPPED, backlog | as open, then `_do_write()` | asyncio: behind the backlog | the peer's answer to a renegotiation: → open |
//! | FLUSHING | fed, asyncio reads what is left | ignored | → SHUTDOWN |
//! | SHUTDOWN | fed, **a step of the shutdown** | ignored | the peer's close_notify, the timeout: → UNWRAPPED |
//!
//! A record that is not simply data (an alert, an error, the peer's close_notify) makes the call fail; the same call is
//! then made again through the `SSLObject`, so that the exception is the one that `_ssl` makes.

mod protocol;
mod python;
mod reading;
mod stages;
mod steps;
mod transport;
mod writing;

pub(crate) use python::make_type;
pub(crate) use reading::UPPER;
pub(crate) use transport::make_type as make_transport_type;
