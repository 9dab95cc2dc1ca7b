//! `Handle` and `TimerHandle`: a callback that somebody may cancel.

mod body;
mod call_arguments;
mod threadsafe;
mod timer;

pub(crate) use body::{HandleBody, make_type};
pub(crate) use call_arguments::CallArguments;
pub(crate) use threadsafe::{ThreadSafeHandleBody, make_type as make_threadsafe_type};
pub(crate) use timer::{TimerHandleBody, make_type as make_timer_type, note_cancelled};
