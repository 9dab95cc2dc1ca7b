//! What the load generator and the limit server are made of. Neither has Python in it.
//!
//! A closed loop drives every connection: the next request goes out when the answer has come. What is measured is the
//! **server's** CPU time per answer, read from the kernel's clock of that process at both ends of a window; the rate and
//! the latencies stand beside it.

pub mod answers;
pub mod churn;
pub mod datagrams;
pub mod echo_server;
pub mod exchange;
pub mod histogram;
pub mod idle;
pub mod openssl;
pub mod options;
pub mod paced;
pub mod report;
pub mod sys;
pub mod tls_echo_server;
pub mod tls_limit;
pub mod window;
pub mod wire;
