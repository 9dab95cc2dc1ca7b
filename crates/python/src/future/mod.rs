//! `tepal.Future`.
//!
//! | state     | `set_result` | `set_exception` | `cancel`  |
//! |-----------|--------------|-----------------|-----------|
//! | PENDING   | FINISHED     | FINISHED        | CANCELLED |
//! | FINISHED  | error        | error           | no change |
//! | CANCELLED | error        | error           | no change |
//!
//! Every transition out of PENDING hands all callbacks to the loop, in the order in which
//! they were added; no callback runs inside the transition. A Task is a Future with the same
//! table, whose transitions only its own steps make.

mod awaited_by;
mod awaiting;
mod body;
mod callbacks;
mod chain;
mod gathering;
mod native_coroutine;
mod python;
mod reports;
mod state;

pub(crate) use awaited_by::{add_awaiter, discard_awaiter};
pub(crate) use awaiting::{
    iterate as await_iterator, make_type as make_iterator_type, step as await_step,
};
pub(crate) use body::{FutureBody, State};
pub(crate) use callbacks::Callback;
pub(crate) use chain::{Outcome, follow, make_chain_type, settle};
pub(crate) use gathering::{GatheringBody, make_gathering_type};
pub(crate) use native_coroutine::{
    NativeCoroutine, Resumable, already_awaited, coroutine_type, finalize as finalize_coroutine,
};
pub(crate) use python::make_type;
