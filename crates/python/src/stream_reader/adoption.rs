//! Which classes are asyncio's own, unchanged; and making one object an instance of ours.

use crate::future::FutureBody;
use crate::interop::arguments::{Arguments, Signature};
use crate::interop::buffers;
use crate::interop::calls;
use crate::interop::errors::PyResult;
use crate::interop::foreign_methods::{ForeignMethod, add_methods, foreign_method};
use crate::interop::imports::dotted;
use crate::interop::instance::{Instance, type_object};
use crate::interop::interned::{Name, intern};
use crate::interop::object::Object;
use crate::interop::recognised::Unchanged;
use crate::interop::values;
use crate::loop_core::body::LoopBody;

use super::connected::watch_for_writer;
use super::fields::Fields;
use super::read_operation::{ReadBody, Want};
use super::target::has_own;

/// asyncio's classes and ours, with the methods that are passed by.
static READER: Unchanged = Unchanged::nothing();
static OUR_READER: Unchanged = Unchanged::nothing();
static PROTOCOL: Unchanged = Unchanged::nothing();
static WRITER: Unchanged = Unchanged::nothing();
static OUR_WRITER: Unchanged = Unchanged::nothing();

/// What feeding passes by.
const FEEDING: [&str; 2] = ["feed_data", "_wakeup_waiter"];
const RECEIVING: [&str; 3] = ["data_received", "_stream_reader", "_drain_helper"];
/// What an adopted writer passes by.
const WRITING: [&str; 2] = ["write", "drain"];
/// What an adopted reader passes by as well.
const READING: [&str; 7] = [
    "read",
    "readexactly",
    "readline",
    "readuntil",
    "exception",
    "_wait_for_data",
    "_maybe_resume_transport",
];

/// Remembers asyncio's classes as they are now, and gives our subclass its methods.
///
/// # Errors
/// What the look-ups raise.
pub(crate) fn install(
    reader: &Object,
    writer: &Object,
    writer_methods: Vec<ForeignMethod>,
) -> PyResult<()> {
    let asyncio_reader = dotted("asyncio", &["StreamReader"])?;
    WRITER.learn(&dotted("asyncio", &["StreamWriter"])?, &WRITING)?;
    add_methods(writer, writer_methods)?;
    OUR_WRITER.learn(writer, &[])?;
    let asyncio_protocol = dotted("asyncio", &["StreamReaderProtocol"])?;
    let fed_and_read: Vec<&str> = FEEDING.iter().chain(&READING).copied().collect();
    READER.learn(&asyncio_reader, &fed_and_read)?;
    PROTOCOL.learn(&asyncio_protocol, &RECEIVING)?;
    add_methods(reader, reader_methods())?;
    OUR_READER.learn(reader, &FEEDING)
}

/// Whether this reader can be fed without its methods.
#[inline(always)]
pub(super) fn is_known_reader(reader: &Object) -> bool {
    OUR_READER.is_type_of(reader) || READER.is_type_of(reader)
}

/// Whether this protocol's `data_received` is asyncio's.
#[inline(always)]
pub(super) fn is_known_protocol(protocol: &Object) -> bool {
    PROTOCOL.is_type_of(protocol)
}

/// Makes the reader of a recognised protocol an instance of our subclass, if it is as asyncio makes it. What cannot be
/// adopted is left as it is.
///
/// # Errors
/// `MemoryError`; what looking at attributes raises.
pub(crate) fn adopt(protocol: &Object) -> PyResult<()> {
    if !PROTOCOL.is_type_of(protocol) {
        return Ok(());
    }
    let fields = Fields::of(protocol)?;
    let reference = fields.get(Name::StreamReaderWeakly)?;
    if let Some(reader) = calls::weakly_referenced(&reference)
        && READER.is_type_of(&reader)
        && is_usual(&reader)?
    {
        OUR_READER.become_type_of(&reader);
        watch_for_writer(&fields)?;
    }
    Ok(())
}

/// Makes the writer of a server's connection an instance of our subclass, if it is as asyncio makes it.
pub(super) fn adopt_writer(writer: &Object) {
    if WRITER.is_type_of(writer) {
        OUR_WRITER.become_type_of(writer);
    }
}

/// `writer._transport`
///
/// # Errors
/// `AttributeError` if somebody has deleted it.
#[inline(always)]
pub(crate) fn transport_of(writer: &Object) -> PyResult<Object> {
    Fields::of(writer)?.get(Name::TransportUnderscore)
}

/// Whether `drain()` finds neither an exception of the reader nor a protocol that is paused or has lost its connection;
/// false also where asyncio's own methods have to be asked.
///
/// # Errors
/// `AttributeError` if somebody has deleted an attribute.
#[inline(always)]
pub(crate) fn writer_may_go_on(writer: &Object) -> PyResult<bool> {
    let writer = Fields::of(writer)?;
    let reader = writer.get(Name::ReaderUnderscore)?;
    let protocol = writer.get(Name::ProtocolUnderscore)?;
    if !is_known_protocol(&protocol) || !OUR_READER.is_type_of(&reader) {
        return Ok(false);
    }
    let protocol = Fields::of(&protocol)?;
    Ok(Fields::of(&reader)?
        .get(Name::ExceptionUnderscore)?
        .is_none()
        && !protocol.is_set(Name::ConnectionLostUnderscore)?
        && !protocol.is_set(Name::PausedUnderscore)?)
}

/// `asyncio.StreamWriter.drain`
///
/// # Errors
/// `AttributeError` if it was not learnt.
pub(crate) fn original_drain() -> PyResult<Object> {
    WRITER.original("drain")
}

/// `asyncio.StreamWriter.write`
///
/// # Errors
/// `AttributeError` if it was not learnt.
pub(crate) fn original_write() -> PyResult<Object> {
    WRITER.original("write")
}

/// Whether the reader's buffer is a `bytearray` and its loop is one of ours that makes our Futures; and whether no
/// method was replaced on the reader itself.
fn is_usual(reader: &Object) -> PyResult<bool> {
    let fields = Fields::of(reader)?;
    if !buffers::is_exact_bytearray(&fields.get(Name::BufferUnderscore)?) {
        return Ok(false);
    }
    let event_loop = fields.get(Name::LoopUnderscore)?;
    if event_loop.instance_of::<LoopBody>().is_none() {
        return Ok(false);
    }
    let mine = calls::type_lookup(&type_object::<LoopBody>(), Name::CreateFuture);
    let theirs = calls::type_lookup(&event_loop.kind(), Name::CreateFuture);
    let makes_ours = match (mine, theirs) {
        (Some(mine), Some(theirs)) => mine.is(&theirs),
        _ => false,
    };
    Ok(makes_ours
        && !has_own(&event_loop, Name::CreateFuture)?
        && !has_own(reader, Name::FeedData)?)
}

/// The Future that a read waits for.
///
/// # Errors
/// `MemoryError`; `RuntimeError` if the reader's loop was replaced by a foreign one.
pub(super) fn waiter_for(fields: &Fields) -> PyResult<Object> {
    let event_loop = fields.get(Name::LoopUnderscore)?;
    match event_loop.instance_of::<LoopBody>() {
        Some(event_loop) => Ok(Instance::<FutureBody>::make(event_loop)?.into_object()),
        None => calls::call_method(Name::CreateFuture, [&event_loop]),
    }
}

/// A count above zero; `None` for anything that asyncio's own method should look at.
fn positive(count: &Object) -> Option<usize> {
    match values::to_integer(count) {
        Ok(count) => usize::try_from(count).ok().filter(|count| *count > 0),
        Err(raised) => {
            raised.forget();
            None
        }
    }
}

#[inline(always)]
fn no_arguments(arguments: &Arguments<'_>, function: &'static str) -> PyResult<()> {
    if arguments.positional().is_empty() && arguments.keyword_count() == 0 {
        return Ok(());
    }
    let [] = arguments.bind(&Signature {
        function,
        names: [],
        required: 0,
        positional: 0,
    })?;
    Ok(())
}

fn read(reader: &Object, arguments: Arguments<'_>) -> PyResult<Object> {
    let count = match arguments.positional() {
        [count] if arguments.keyword_count() == 0 => {
            if let Some(count) = positive(count) {
                return ReadBody::make(reader, Want::Some(count));
            }
            Some(count.clone())
        }
        _ => {
            let [count] = arguments.bind(&Signature {
                function: "StreamReader.read",
                names: [Name::N],
                required: 0,
                positional: 1,
            })?;
            count
        }
    };
    match count.as_ref().and_then(positive) {
        Some(count) => ReadBody::make(reader, Want::Some(count)),
        None => {
            let count = count.map_or_else(|| values::signed_integer(-1), Ok)?;
            calls::call(&READER.original("read")?, [reader, &count])
        }
    }
}

fn read_exactly(reader: &Object, arguments: Arguments<'_>) -> PyResult<Object> {
    let [count] = arguments.bind(&Signature {
        function: "StreamReader.readexactly",
        names: [Name::N],
        required: 1,
        positional: 1,
    })?;
    let count = count.unwrap_or_else(Object::none);
    match positive(&count) {
        Some(count) => ReadBody::make(reader, Want::Exactly(count)),
        None => calls::call(&READER.original("readexactly")?, [reader, &count]),
    }
}

fn read_line(reader: &Object, arguments: Arguments<'_>) -> PyResult<Object> {
    no_arguments(&arguments, "StreamReader.readline")?;
    ReadBody::make(reader, Want::Line)
}

fn read_until(reader: &Object, arguments: Arguments<'_>) -> PyResult<Object> {
    let [separator] = arguments.bind(&Signature {
        function: "StreamReader.readuntil",
        names: [Name::Separator],
        required: 0,
        positional: 1,
    })?;
    let separator = match separator {
        Some(separator) => separator,
        None => buffers::bytes(b"\n")?,
    };
    match buffers::Bytes::of(&separator) {
        Some(bytes) if !bytes.as_ref().is_empty() => ReadBody::make(reader, Want::Until(bytes)),
        _ => calls::call(&READER.original("readuntil")?, [reader, &separator]),
    }
}

fn exception(reader: &Object, arguments: Arguments<'_>) -> PyResult<Object> {
    no_arguments(&arguments, "StreamReader.exception")?;
    Fields::of(reader)?.get(Name::ExceptionUnderscore)
}

fn reader_methods() -> Vec<ForeignMethod> {
    vec![
        foreign_method(
            c"read",
            c"read($self, /, n=-1)\n--\n\nRead at most n bytes, or until the end of the stream.",
            read,
        ),
        foreign_method(
            c"readexactly",
            c"readexactly($self, /, n)\n--\n\nRead n bytes.",
            read_exactly,
        ),
        foreign_method(
            c"readline",
            c"readline($self, /)\n--\n\nRead until a newline or the end of the stream.",
            read_line,
        ),
        foreign_method(
            c"readuntil",
            c"readuntil($self, /, separator=b'\\n')\n--\n\nRead until the separator.",
            read_until,
        ),
        foreign_method(
            c"exception",
            c"exception($self, /)\n--\n\nThe exception that ended the stream.",
            exception,
        ),
    ]
}

/// The function of asyncio's module `exceptions` and the like that reads raise.
///
/// # Errors
/// What the import raises.
pub(super) fn asyncio_exception(name: &str) -> PyResult<Object> {
    calls::attribute(&dotted("asyncio", &["exceptions"])?, &intern(name)?)
}
