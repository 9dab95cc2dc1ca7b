//! `Handle` and `TimerHandle`: a callback that somebody may cancel.

mod body;
mod call_arguments;
mod timer;

pub(crate) use body::{HandleBody, make_type};
pub(crate) use call_arguments::CallArguments;
pub(crate) use timer::{TimerHandleBody, make_type as make_timer_type, note_cancelled};
