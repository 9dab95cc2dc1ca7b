//! The threads of a loop's default executor, and the way of a call to one of them and back.
//!
//! The executor is a `concurrent.futures.ThreadPoolExecutor` (`tepal.executor`) whose queue is a
//! [`queue::QueueBody`]. What `submit()` puts there runs as CPython's own threads would run it; a
//! call of `run_in_executor` is a [`job::JobBody`], which needs no `concurrent.futures.Future`.
//!
//! A job:
//!
//! | state    | a thread takes it                              | `cancel()` (`shutdown(cancel_futures=True)`) | the loop comes to it |
//! |----------|------------------------------------------------|-----------------------------------|----------------------|
//! | WAITING  | the Future was cancelled: ENDED; else RUNNING, then ANSWERED | CANCELLED, sent to the loop | –           |
//! | RUNNING  | –                                              | nothing                           | –                    |
//! | ANSWERED | –                                              | nothing                           | the Future gets the outcome: ENDED |
//! | CANCELLED | nothing                                       | nothing                           | the Future is cancelled: ENDED |
//! | ENDED    | –                                              | nothing                           | nothing              |

mod job;
mod queue;

pub(crate) use job::{JobBody, deliver, make_type as make_job_type};
pub(crate) use queue::make_type as make_queue_type;
