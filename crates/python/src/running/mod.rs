//! Running a loop: its turns, and what each entry of the ready queue means.

mod alike;
mod dispatch;
mod recorded;
mod replaced_run;
mod reported;
mod selecting;
mod slow;
mod turn;

pub(crate) use dispatch::handle_for;
pub(crate) use recorded::make_row;
pub(crate) use selecting::select;
pub(crate) use turn::{run_once, run_until_stopped};
