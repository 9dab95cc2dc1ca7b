//! The OpenSSL that CPython's `_ssl` has loaded.
//!
//! Nothing is linked and nothing about CPython's structures is assumed. The functions are looked up among what the
//! `_ssl` extension itself depends on ([`library`]), and the `SSL` behind an `ssl.SSLObject` is learnt from OpenSSL:
//! it tells us of every `SSL` that is made while `wrap_bio()` runs ([`made`]). What the two say of each other is compared
//! before the pointer is used ([`connection`]).

mod bio;
mod connection;
mod library;
mod made;

pub(crate) use connection::{Connection, Received};
pub(crate) use library::load;
pub(crate) use made::Watch;
