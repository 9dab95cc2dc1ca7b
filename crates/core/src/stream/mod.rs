//! What a stream transport decides without a kernel and without Python: what is still to be sent, when the writer has
//! to pause, how much to read at once. Bytes and sizes come in, decisions go out.

mod burst;
mod endings;
mod flow_control;
mod gathering;
mod read_size;
mod write_queue;

pub use burst::Burst;
pub use endings::Endings;
pub use flow_control::{FlowControl, InvalidLimits};
pub use gathering::Gathering;
pub use read_size::ReadSize;
pub use write_queue::WriteQueue;
