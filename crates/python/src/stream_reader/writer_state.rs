//! The state of a `StreamWriter` of a server's connection, in the place of its `__dict__`.

use std::ffi::CStr;

use crate::interop::errors::PyResult;
use crate::interop::foreign_methods::{ForeignAttribute, add_attributes, foreign_attribute};
use crate::interop::gc::Visitor;
use crate::interop::imports::dotted;
use crate::interop::instance::{HeapType, Ref, TypeCell, create};
use crate::interop::interned::Name;
use crate::interop::member_slot::MemberSlot;
use crate::interop::object::{Object, Slot};
use crate::interop::recognised::Unchanged;
use crate::interop::type_builder::TypeBuilder;
use crate::loop_core::body::LoopBody;

use super::adoption::{is_known_protocol, state_if_ours};
use super::fields::Fields;
use super::reader_attributes::store;
use super::reader_state::ReaderState;

/// asyncio's class.
static WRITER: Unchanged = Unchanged::nothing();
/// Ours.
static SERVED_WRITER: MemberSlot = MemberSlot::unknown();
/// The class of asyncio's writers in whose place we have put ours.
static REPLACED: Unchanged = Unchanged::nothing();

/// What our writers pass by.
const WRITING: [&str; 3] = ["write", "drain", "__del__"];

/// What belongs to one writer.
pub(crate) struct WriterState {
    pub(crate) transport: Slot,
    pub(crate) protocol: Slot,
    reader: Slot,
    /// The state of `reader`, if that is one of ours.
    reader_state: Slot<Ref<ReaderState>>,
    event_loop: Slot,
    complete: Slot,
}

impl HeapType for WriterState {
    const NAME: &'static CStr = c"tepal._native.StreamWriterState";
    const FREE_LIST: usize = 64;

    fn cell() -> &'static TypeCell {
        static CELL: TypeCell = TypeCell::new();
        &CELL
    }

    fn blank() -> WriterState {
        WriterState {
            transport: Slot::empty(),
            protocol: Slot::empty(),
            reader: Slot::empty(),
            reader_state: Slot::empty(),
            event_loop: Slot::empty(),
            complete: Slot::empty(),
        }
    }

    fn traverse(&self, visitor: &mut Visitor) {
        for slot in self.slots() {
            visitor.slot(slot);
        }
        visitor.slot_with(&self.reader_state, |visitor, state| {
            visitor.reference(state);
        });
    }

    fn clear(&self) {
        self.slots().into_iter().for_each(Slot::clear);
        self.reader_state.clear();
    }
}

impl WriterState {
    fn slots(&self) -> [&Slot; 5] {
        [
            &self.transport,
            &self.protocol,
            &self.reader,
            &self.event_loop,
            &self.complete,
        ]
    }

    /// Whether `drain()` finds no exception of the reader and a protocol of asyncio's; false also where asyncio's own
    /// methods have to be asked.
    #[inline(always)]
    pub(crate) fn may_go_on(&self, protocol: &Object) -> bool {
        let reader_is_fine = match self.reader_state.get() {
            Some(reader) => reader.is_native() && !reader.has_failed(),
            None => self.reader.is_empty(),
        };
        reader_is_fine && self.protocol.is(protocol) && is_known_protocol(protocol)
    }

    /// As [`WriterState::may_go_on`], and the protocol says of itself that it is neither paused nor has lost its
    /// connection.
    ///
    /// # Errors
    /// `AttributeError` if somebody has deleted an attribute.
    pub(crate) fn protocol_may_go_on(&self) -> PyResult<bool> {
        let protocol = self.protocol.get_or_none();
        if !self.may_go_on(&protocol) {
            return Ok(false);
        }
        let protocol = Fields::of(&protocol)?;
        Ok(!protocol.is_set(Name::ConnectionLostUnderscore)?
            && !protocol.is_set(Name::PausedUnderscore)?)
    }
}

/// The state of a writer of ours, of which `None` is of another class.
#[inline(always)]
pub(crate) fn writer_state(writer: &Object) -> Option<Ref<WriterState>> {
    SERVED_WRITER.value(writer)
}

/// As [`served_writer`], for a writer that nobody has seen yet, of any loop.
///
/// # Errors
/// `MemoryError`; `AttributeError` if somebody has deleted an attribute.
pub(crate) fn native_writer(writer: &Object) -> PyResult<Object> {
    if !WRITER.is_type_of(writer) {
        return Ok(writer.clone());
    }
    let event_loop = Fields::of(writer)?.get(Name::LoopUnderscore)?;
    match event_loop.instance_of::<LoopBody>() {
        Some(_) => served_writer(writer),
        None => Ok(writer.clone()),
    }
}

/// A writer of ours that does what this one of asyncio's does; the same one if that is not as asyncio makes it.
///
/// # Errors
/// `MemoryError`.
pub(super) fn served_writer(writer: &Object) -> PyResult<Object> {
    if !WRITER.is_type_of(writer) {
        return Ok(writer.clone());
    }
    let own = Fields::of(writer)?;
    let reader = own.get(Name::ReaderUnderscore)?;
    let body = WriterState {
        transport: Slot::holding(own.get(Name::TransportUnderscore)?),
        protocol: Slot::holding(own.get(Name::ProtocolUnderscore)?),
        reader_state: Slot::new(state_if_ours(&reader)?),
        reader: Slot::new(Some(reader).filter(|reader| !reader.is_none())),
        event_loop: Slot::holding(own.get(Name::LoopUnderscore)?),
        complete: Slot::new(own.find(Name::CompleteFut)?),
    };
    let state = create(|| body)?;
    // asyncio's closes an open transport when it is dropped; ours does that now.
    REPLACED.become_type_of(writer);
    if !REPLACED.is_type_of(writer) {
        return Ok(writer.clone());
    }
    let ours = SERVED_WRITER.make(state.object())?;
    // Up to 3.12 the protocol keeps the writer.
    let protocol = Fields::of(&state.protocol.get_or_none())?;
    let kept = protocol.find(Name::StreamWriterUnderscore)?;
    if kept.is_some_and(|kept| kept.is(writer)) {
        protocol.set(Name::StreamWriterUnderscore, &ours)?;
    }
    Ok(ours)
}

/// Makes the classes known and gives ours its attributes.
///
/// # Errors
/// What the look-ups raise.
pub(super) fn install(writer: &Object, replaced: &Object) -> PyResult<()> {
    WRITER.learn(&dotted("asyncio", &["StreamWriter"])?, &WRITING)?;
    REPLACED.learn(replaced, &[])?;
    add_attributes(writer, attributes())?;
    SERVED_WRITER.learn(writer, Name::NativeState.text())
}

/// `asyncio.StreamWriter.drain`
///
/// # Errors
/// `AttributeError` if it was not learnt.
pub(crate) fn original_drain() -> PyResult<Object> {
    WRITER.original("drain")
}

/// `asyncio.StreamWriter.__del__`
///
/// # Errors
/// `AttributeError` if it was not learnt.
pub(crate) fn original_delete() -> PyResult<Object> {
    WRITER.original("__del__")
}

/// `asyncio.StreamWriter.write`
///
/// # Errors
/// `AttributeError` if it was not learnt.
pub(crate) fn original_write() -> PyResult<Object> {
    WRITER.original("write")
}

/// The state of a writer; one that somebody has made by calling our class gets it with its first attribute.
fn state_of(writer: &Object) -> PyResult<Ref<WriterState>> {
    if let Some(state) = SERVED_WRITER.value(writer) {
        return Ok(state);
    }
    let state = create(WriterState::blank)?;
    crate::interop::calls::set_attribute(writer, Name::NativeState.object(), &state.object())?;
    Ok(state)
}

fn get(writer: &Object, slot: fn(&WriterState) -> &Slot) -> PyResult<Object> {
    let state = state_of(writer)?;
    Ok(slot(&state).get_or_none())
}

fn set(writer: &Object, slot: fn(&WriterState) -> &Slot, value: &Object) -> PyResult<()> {
    let state = state_of(writer)?;
    store(slot(&state), value);
    Ok(())
}

fn set_reader(writer: &Object, reader: &Object) -> PyResult<()> {
    let state = state_of(writer)?;
    let of_reader = state_if_ours(reader)?;
    drop(state.reader_state.replace(of_reader));
    store(&state.reader, reader);
    Ok(())
}

fn attributes() -> Vec<ForeignAttribute> {
    vec![
        foreign_attribute(
            c"_transport",
            |writer| get(writer, |state| &state.transport),
            |writer, value| set(writer, |state| &state.transport, value),
        ),
        foreign_attribute(
            c"_protocol",
            |writer| get(writer, |state| &state.protocol),
            |writer, value| set(writer, |state| &state.protocol, value),
        ),
        foreign_attribute(
            c"_reader",
            |writer| get(writer, |state| &state.reader),
            set_reader,
        ),
        foreign_attribute(
            c"_loop",
            |writer| get(writer, |state| &state.event_loop),
            |writer, value| set(writer, |state| &state.event_loop, value),
        ),
        foreign_attribute(
            c"_complete_fut",
            |writer| get(writer, |state| &state.complete),
            |writer, value| set(writer, |state| &state.complete, value),
        ),
    ]
}

/// Makes the type.
///
/// # Errors
/// What CPython raises.
pub(crate) fn make_type() -> PyResult<Object> {
    TypeBuilder::<WriterState>::new(c"The state of a stream writer.")
        .not_constructible()
        .build()
}
