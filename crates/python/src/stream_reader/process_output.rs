//! The classes through which asyncio takes what a child process prints to an `asyncio.StreamReader`.

use crate::interop::calls;
use crate::interop::errors::PyResult;
use crate::interop::imports::dotted;
use crate::interop::instance::{Instance, Ref};
use crate::interop::interned::{Name, intern};
use crate::interop::object::Object;
use crate::interop::recognised::Unchanged;
use crate::interop::values;

use super::adoption::{adopt_reader, has_own, may_be_fed_by_anybody};
use super::reader_state::ReaderState;

/// `asyncio.base_subprocess.ReadSubprocessPipeProto`
static OUTPUT: Unchanged = Unchanged::nothing();
/// `asyncio.unix_events._UnixSubprocessTransport`
static PROCESS: Unchanged = Unchanged::nothing();
/// `asyncio.subprocess.SubprocessStreamProtocol`
static STREAMS: Unchanged = Unchanged::nothing();

/// Makes asyncio's classes known.
///
/// # Errors
/// What the look-ups raise.
pub(super) fn learn() -> PyResult<()> {
    let output = dotted("asyncio", &["base_subprocess", "ReadSubprocessPipeProto"])?;
    OUTPUT.learn(&output, &["data_received"])?;
    let process = dotted("asyncio", &["unix_events", "_UnixSubprocessTransport"])?;
    PROCESS.learn(&process, &["_pipe_data_received", "_call"])?;
    let streams = dotted("asyncio", &["subprocess", "SubprocessStreamProtocol"])?;
    STREAMS.learn(&streams, &["pipe_data_received"])
}

/// Where the output of a process goes.
pub(crate) enum OutputReader {
    Known(Ref<ReaderState>),
    /// asyncio has not made the reader yet.
    NotYet,
    /// Something on the way is not asyncio's.
    Foreign,
}

/// Whether this protocol is asyncio's for a pipe of a process that is read.
///
/// # Errors
/// What looking at `__dict__` raises.
pub(crate) fn is_output_protocol(protocol: &Object) -> PyResult<bool> {
    Ok(OUTPUT.is_type_of(protocol) && !has_own(protocol, Name::DataReceived)?)
}

fn attribute(object: &Object, name: &str) -> PyResult<Object> {
    calls::attribute(object, &intern(name)?)
}

/// Whether the transport of the process keeps packets until all pipes are connected.
///
/// # Errors
/// What looking at attributes raises.
pub(crate) fn keeps_output(protocol: &Object) -> PyResult<bool> {
    let process = attribute(protocol, "proc")?;
    Ok(PROCESS.is_type_of(&process) && !attribute(&process, "_pending_calls")?.is_none())
}

/// The reader for a pipe of a process, which becomes one of ours.
///
/// # Errors
/// `MemoryError`; what looking at attributes raises.
pub(crate) fn reader_of_output(protocol: &Object) -> PyResult<OutputReader> {
    let process = attribute(protocol, "proc")?;
    if !PROCESS.is_type_of(&process) {
        return Ok(OutputReader::Foreign);
    }
    if !attribute(&process, "_pending_calls")?.is_none() {
        return Ok(OutputReader::NotYet);
    }
    let streams = attribute(&process, "_protocol")?;
    let replaced = has_own(&process, Name::PipeDataReceivedUnderscore)?
        || has_own(&process, Name::CallUnderscore)?;
    if replaced || !STREAMS.is_type_of(&streams) || has_own(&streams, Name::PipeDataReceived)? {
        return Ok(OutputReader::Foreign);
    }
    let name = match values::to_integer(&attribute(protocol, "fd")?)? {
        1 => "stdout",
        2 => "stderr",
        _ => return Ok(OutputReader::Foreign),
    };
    let reader = attribute(&streams, name)?;
    if reader.is_none() {
        return Ok(OutputReader::NotYet);
    }
    Ok(match adopt_reader(&reader)? {
        Some(state) => OutputReader::Known(state),
        None => OutputReader::Foreign,
    })
}

/// Whether packets for this protocol may still go to the state of the reader.
#[inline]
pub(crate) fn output_may_be_fed(protocol: &Object, state: &Instance<ReaderState>) -> bool {
    OUTPUT.is_type_of(protocol)
        && PROCESS.is_as_learnt()
        && STREAMS.is_as_learnt()
        && may_be_fed_by_anybody(state)
}
