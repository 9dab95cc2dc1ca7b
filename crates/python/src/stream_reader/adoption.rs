//! Which classes are asyncio's own, unchanged; and putting objects of ours in the place of theirs.

use crate::future::FutureBody;
use crate::interop::buffers;
use crate::interop::calls;
use crate::interop::errors::PyResult;
use crate::interop::foreign_methods::{ForeignMethod, add_attributes, add_methods};
use crate::interop::imports::dotted;
use crate::interop::instance::{Instance, Ref, type_object};
use crate::interop::interned::{Name, intern};
use crate::interop::member_slot::MemberSlot;
use crate::interop::object::Object;
use crate::interop::recognised::Unchanged;
use crate::interop::values;
use crate::loop_core::body::LoopBody;

use super::connected::watch_for_writer;
use super::fields::Fields;
use super::process_output;
use super::read_methods;
use super::reader_attributes;
use super::reader_state::ReaderState;
use super::writer_state;

/// asyncio's classes and ours, with the methods that are passed by.
static READER: Unchanged = Unchanged::nothing();
static OUR_READER: Unchanged = Unchanged::nothing();
static PROTOCOL: Unchanged = Unchanged::nothing();
/// The class of the readers that a server's connections have from the beginning.
static SERVED_READER: MemberSlot = MemberSlot::unknown();

/// What feeding passes by.
const FEEDING: [&str; 2] = ["feed_data", "_wakeup_waiter"];
const RECEIVING: [&str; 3] = ["data_received", "_stream_reader", "_drain_helper"];
/// What an adopted reader passes by as well.
const READING: [&str; 4] = ["read", "readexactly", "readline", "readuntil"];
/// What feeding and reading pass by, other than the reads themselves.
pub(super) const PASSED_BY_READING: [&str; 5] = [
    "feed_data",
    "_wakeup_waiter",
    "exception",
    "_wait_for_data",
    "_maybe_resume_transport",
];

/// The classes of `python/tepal/streams.py`.
pub(crate) struct Classes {
    pub(crate) reader: Object,
    pub(crate) served_reader: Object,
    pub(crate) writer: Object,
    pub(crate) replaced_writer: Object,
}

/// Remembers asyncio's classes as they are now, and gives our subclasses their methods.
///
/// # Errors
/// What the look-ups raise.
pub(crate) fn install(classes: &Classes, writer_methods: Vec<ForeignMethod>) -> PyResult<()> {
    let asyncio_reader = dotted("asyncio", &["StreamReader"])?;
    let asyncio_protocol = dotted("asyncio", &["StreamReaderProtocol"])?;
    let learnt: Vec<&str> = PASSED_BY_READING.iter().chain(&READING).copied().collect();
    READER.learn(&asyncio_reader, &learnt)?;
    PROTOCOL.learn(&asyncio_protocol, &RECEIVING)?;
    process_output::learn()?;
    add_attributes(&classes.reader, reader_attributes::attributes())?;
    add_methods(&classes.reader, reader_attributes::methods())?;
    add_methods(&classes.reader, read_methods::methods())?;
    OUR_READER.learn(&classes.reader, &FEEDING)?;
    SERVED_READER.learn(&classes.served_reader, Name::NativeState.text())?;
    add_methods(&classes.writer, writer_methods)?;
    writer_state::install(&classes.writer, &classes.replaced_writer)
}

/// Whether this protocol's `data_received` is asyncio's.
#[inline(always)]
pub(super) fn is_known_protocol(protocol: &Object) -> bool {
    PROTOCOL.is_type_of(protocol)
}

/// Whether this is an `asyncio.StreamReaderProtocol`, itself and no subclass, without a `data_received` of its own.
///
/// # Errors
/// What looking at `__dict__` raises.
pub(crate) fn is_recognised(protocol: &Object) -> PyResult<bool> {
    Ok(is_known_protocol(protocol) && !has_own(protocol, Name::DataReceived)?)
}

/// After `connection_lost(exc)` of an `asyncio.StreamReaderProtocol`: what `wait_closed()` waits for has heard of the
/// error, whether anybody asks or not. asyncio's protocol says so in its `__del__` (`Lib/asyncio/streams.py`), which comes
/// too late if the collector ends the Future first: where a collection of the youngest has come between the making of the
/// two, a full one looks at the younger Future before the older protocol (`gc_list_merge` in Modules/gcmodule.c).
///
/// # Errors
/// What looking at the protocol raises.
#[cold]
pub(crate) fn note_error_is_known(protocol: &Object) -> PyResult<()> {
    if !is_known_protocol(protocol) {
        return Ok(());
    }
    let closed = calls::attribute(protocol, &intern("_closed")?)?;
    if let Some(future) = closed.instance_of::<FutureBody>() {
        future.log_traceback.set(false);
    }
    Ok(())
}

/// Whether packets for this protocol may go to the state of its reader and pass both objects' methods by. Not if the
/// reader is gone: the state is referred to by the caller twice, and by the reader.
#[inline(always)]
pub(crate) fn may_be_fed(protocol: &Object, state: &Instance<ReaderState>) -> bool {
    is_known_protocol(protocol) && may_be_fed_by_anybody(state)
}

/// As [`may_be_fed`], where the caller knows who feeds the reader.
#[inline(always)]
pub(super) fn may_be_fed_by_anybody(state: &Instance<ReaderState>) -> bool {
    OUR_READER.is_as_learnt()
        && state.can_be_fed()
        && state.with_object(Object::reference_count) > 2
}

/// The state of a reader of ours. One that somebody has made by calling our class gets its state with its first
/// attribute.
///
/// # Errors
/// `MemoryError`.
#[inline(always)]
pub(crate) fn state_of(reader: &Object) -> PyResult<Ref<ReaderState>> {
    match SERVED_READER.value(reader) {
        Some(state) => Ok(state),
        None => state_in_dict(reader),
    }
}

#[inline(never)]
fn state_in_dict(reader: &Object) -> PyResult<Ref<ReaderState>> {
    let fields = Fields::of(reader)?;
    let known = fields.find(Name::NativeState)?;
    if let Some(state) = known.as_ref().and_then(Object::exactly::<ReaderState>) {
        return Ok(state.reference());
    }
    let state = Instance::<ReaderState>::make()?;
    fields.set(Name::NativeState, &state.object())?;
    Ok(state)
}

/// The state of a reader, if it is one of ours.
///
/// # Errors
/// `MemoryError`.
pub(super) fn state_if_ours(reader: &Object) -> PyResult<Option<Ref<ReaderState>>> {
    match SERVED_READER.value(reader) {
        Some(state) => Ok(Some(state)),
        None if OUR_READER.is_type_of(reader) => state_in_dict(reader).map(Some),
        None => Ok(None),
    }
}

/// Takes over the reader of a recognised protocol, if it is as asyncio makes it, and answers its state. What cannot be
/// taken over is left as it is.
///
/// A reader that nobody but the protocol has seen yet, as those of `start_server()`, is replaced; any other one becomes an
/// instance of our subclass.
///
/// # Errors
/// `MemoryError`; what looking at attributes raises.
pub(crate) fn adopt(protocol: &Object) -> PyResult<Option<Ref<ReaderState>>> {
    if !PROTOCOL.is_type_of(protocol) {
        return Ok(None);
    }
    let fields = Fields::of(protocol)?;
    let reference = fields.get(Name::StreamReaderWeakly)?;
    let Some(reader) = calls::weakly_referenced(&reference) else {
        return Ok(None);
    };
    if !READER.is_type_of(&reader) {
        return state_if_ours(&reader);
    }
    let own = Fields::of(&reader)?;
    if !is_usual(&own)? {
        return Ok(None);
    }
    let state = take_over(&own)?;
    let kept_by_protocol = fields
        .find(Name::StrongReader)?
        .is_some_and(|kept| kept.is(&reader));
    // Counted here and in the protocol's `__dict__`.
    if kept_by_protocol && reader.reference_count() == 2 {
        replace(&fields, &own, &state)?;
    } else if !change_class(&reader, &own, &state)? {
        return Ok(None);
    }
    watch_for_writer(&fields)?;
    Ok(Some(state))
}

/// Takes over a reader that somebody holds, if it is as asyncio makes it, and answers its state.
///
/// # Errors
/// `MemoryError`; what looking at attributes raises.
pub(super) fn adopt_reader(reader: &Object) -> PyResult<Option<Ref<ReaderState>>> {
    if !READER.is_type_of(reader) {
        return state_if_ours(reader);
    }
    let own = Fields::of(reader)?;
    if !is_usual(&own)? {
        return Ok(None);
    }
    let state = take_over(&own)?;
    Ok(change_class(reader, &own, &state)?.then_some(state))
}

/// Makes a reader one of ours, with this state; whether that could be done.
fn change_class(reader: &Object, own: &Fields, state: &Ref<ReaderState>) -> PyResult<bool> {
    OUR_READER.become_type_of(reader);
    if !OUR_READER.is_type_of(reader) {
        return Ok(false);
    }
    for name in STATE_NAMES {
        own.remove(name)?;
    }
    own.set(Name::NativeState, &state.object())?;
    Ok(true)
}

/// What the state has in place of the `__dict__`.
const STATE_NAMES: [Name; 8] = [
    Name::BufferUnderscore,
    Name::LimitUnderscore,
    Name::EofUnderscore,
    Name::PausedUnderscore,
    Name::Waiter,
    Name::ExceptionUnderscore,
    Name::TransportUnderscore,
    Name::LoopUnderscore,
];

/// A state with what a reader as asyncio has made it says.
fn take_over(own: &Fields) -> PyResult<Ref<ReaderState>> {
    let state = Instance::<ReaderState>::make()?;
    let buffer = own.get(Name::BufferUnderscore)?;
    // Counted here and in the reader's `__dict__`: nobody else has it.
    if buffers::bytearray_length(&buffer) > 0 || buffer.reference_count() > 2 {
        state.received.replace(&buffer);
    }
    let limit = values::to_saturated_integer(&own.get(Name::LimitUnderscore)?)?;
    state.limit.set(usize::try_from(limit).unwrap_or(0));
    state.eof.set(own.is_set(Name::EofUnderscore)?);
    state.paused.set(own.is_set(Name::PausedUnderscore)?);
    for (name, slot) in [
        (Name::Waiter, &state.waiter),
        (Name::ExceptionUnderscore, &state.exception),
        (Name::TransportUnderscore, &state.transport),
        (Name::LoopUnderscore, &state.event_loop),
    ] {
        reader_attributes::store(slot, &own.get(name)?);
    }
    Ok(state)
}

/// Gives the protocol another reader, with this state.
fn replace(protocol: &Fields, own: &Fields, state: &Ref<ReaderState>) -> PyResult<()> {
    let reader = SERVED_READER.make(state.object())?;
    if let Some(traceback) = own.find(Name::SourceTracebackUnderscore)? {
        calls::set_attribute(
            &reader,
            Name::SourceTracebackUnderscore.object(),
            &traceback,
        )?;
    }
    let reference = calls::call(&dotted("weakref", &["ref"])?, [&reader])?;
    protocol.set(Name::StreamReaderWeakly, &reference)?;
    protocol.set(Name::StrongReader, &reader)
}

/// asyncio's method, as it was when it was learnt.
///
/// # Errors
/// `AttributeError` if it was not learnt.
pub(super) fn original_of_reader(method: &str) -> PyResult<Object> {
    READER.original(method)
}

/// Whether the instance has an attribute of that name beside the class's.
pub(super) fn has_own(object: &Object, name: Name) -> PyResult<bool> {
    Ok(Fields::of(object)?.find(name)?.is_some())
}

/// Whether the reader's buffer is a `bytearray`, its limit an integer, and its loop one of ours that makes our Futures;
/// and whether no method was replaced on the reader itself.
fn is_usual(own: &Fields) -> PyResult<bool> {
    let (Some(buffer), Some(limit), Some(event_loop)) = (
        own.find(Name::BufferUnderscore)?,
        own.find(Name::LimitUnderscore)?,
        own.find(Name::LoopUnderscore)?,
    ) else {
        return Ok(false);
    };
    if !buffers::is_exact_bytearray(&buffer) || !values::is_integer(&limit) {
        return Ok(false);
    }
    if event_loop.instance_of::<LoopBody>().is_none() {
        return Ok(false);
    }
    let mine = calls::type_lookup(&type_object::<LoopBody>(), Name::CreateFuture);
    let theirs = calls::type_lookup(&event_loop.kind(), Name::CreateFuture);
    let makes_ours = match (mine, theirs) {
        (Some(mine), Some(theirs)) => mine.is(&theirs),
        _ => false,
    };
    if !makes_ours || has_own(&event_loop, Name::CreateFuture)? {
        return Ok(false);
    }
    for name in PASSED_BY_READING {
        if own.find_object(&intern(name)?)?.is_some() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The function of asyncio's module `exceptions` and the like that reads raise.
///
/// # Errors
/// What the import raises.
pub(super) fn asyncio_exception(name: &str) -> PyResult<Object> {
    calls::attribute(&dotted("asyncio", &["exceptions"])?, &intern(name)?)
}
