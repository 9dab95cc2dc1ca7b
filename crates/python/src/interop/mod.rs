//! The border to CPython: the only folder of this crate that may use `unsafe`.
//!
//! Everything above it is written in safe Rust over the types made here. The whole
//! crate relies on one rule: **the GIL is held whenever one of these types is touched**.
//! The types are neither `Send` nor `Sync`, they are born only inside calls that CPython
//! makes into us (which hold the GIL), and the one place that gives the GIL up
//! ([`threads::detached`]) takes a closure that cannot capture them.

#![allow(unsafe_code)]

mod argument_errors;
pub(crate) mod arguments;
mod border;
pub(crate) mod buffers;
pub(crate) mod calls;
pub(crate) mod contextvars;
pub(crate) mod coroutine_code;
pub(crate) mod coroutine_origin;
pub(crate) mod coroutines;
mod counting;
pub(crate) mod errors;
pub(crate) mod foreign_methods;
pub(crate) mod frames;
pub(crate) mod functions;
pub(crate) mod gc;
pub(crate) mod imports;
pub(crate) mod instance;
pub(crate) mod interned;
mod lifetime;
pub(crate) mod member_slot;
pub(crate) mod methods;
pub(crate) mod object;
pub(crate) mod openssl;
pub(crate) mod recognised;
pub(crate) mod roster;
pub(crate) mod running_task;
pub(crate) mod slots;
pub(crate) mod sockets;
pub(crate) mod spare;
pub(crate) mod stop_iteration;
pub(crate) mod threads;
pub(crate) mod type_builder;
pub(crate) mod values;
pub(crate) mod weak;
pub(crate) mod weak_collections;
