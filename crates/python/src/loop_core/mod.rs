//! The loop's own state: what is ready, what is due later, which descriptors are watched.
//!
//! This layer schedules; it runs nothing (see [`crate::running`]) and knows neither Task
//! nor Handle by type. All of it belongs to one loop and is touched with the GIL held.

pub(crate) mod attention;
pub(crate) mod body;
pub(crate) mod current_task;
pub(crate) mod entry;
pub(crate) mod failures;
pub(crate) mod kept_tasks;
pub(crate) mod loop_ref;
pub(crate) mod ready_queue;
pub(crate) mod recorder;
pub(crate) mod schedule;
pub(crate) mod shared_context;
pub(crate) mod watchers;
pub(crate) mod wrappers;
