//! `read()`, `readexactly()`, `readline()` and `readuntil()` of an adopted reader.

use crate::interop::arguments::{Arguments, Signature};
use crate::interop::buffers;
use crate::interop::calls;
use crate::interop::errors::PyResult;
use crate::interop::foreign_methods::{
    ForeignMethod, foreign_method, foreign_method_without_arguments,
};
use crate::interop::interned::Name;
use crate::interop::object::Object;
use crate::interop::values;

use super::adoption::{original_of_reader, state_of};
use super::read_operation::{ReadBody, Want};

/// A count above zero; `None` for anything that asyncio's own method should look at.
#[inline(always)]
fn positive(count: &Object) -> Option<usize> {
    match values::to_integer(count) {
        Ok(count) => usize::try_from(count).ok().filter(|count| *count > 0),
        Err(raised) => {
            raised.forget();
            None
        }
    }
}

/// A read of ours, or what asyncio's method of that name gives.
#[inline(always)]
fn begin(
    reader: &Object,
    want: Option<Want>,
    method: &'static str,
    given: &[&Object],
) -> PyResult<Object> {
    if let Some(want) = want {
        let state = state_of(reader)?;
        if state.is_native() {
            return ReadBody::make(reader, state, want);
        }
    }
    original(reader, method, given)
}

#[cold]
fn original(reader: &Object, method: &'static str, given: &[&Object]) -> PyResult<Object> {
    let method = original_of_reader(method)?;
    match given {
        [] => calls::call(&method, [reader]),
        [first, ..] => calls::call(&method, [reader, first]),
    }
}

fn read(reader: &Object, arguments: Arguments<'_>) -> PyResult<Object> {
    if let [count] = arguments.positional()
        && arguments.keyword_count() == 0
    {
        return begin(reader, positive(count).map(Want::Some), "read", &[count]);
    }
    let [count] = arguments.bind(&Signature {
        function: "StreamReader.read",
        names: [Name::N],
        required: 0,
        positional: 1,
    })?;
    let count = count.map_or_else(|| values::signed_integer(-1), Ok)?;
    begin(reader, positive(&count).map(Want::Some), "read", &[&count])
}

fn read_exactly(reader: &Object, arguments: Arguments<'_>) -> PyResult<Object> {
    let [count] = arguments.bind(&Signature {
        function: "StreamReader.readexactly",
        names: [Name::N],
        required: 1,
        positional: 1,
    })?;
    let count = count.unwrap_or_else(Object::none);
    let want = positive(&count).map(Want::Exactly);
    begin(reader, want, "readexactly", &[&count])
}

fn read_line(reader: &Object) -> PyResult<Object> {
    begin(reader, Some(Want::Line), "readline", &[])
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
    let want = buffers::Bytes::of(&separator)
        .filter(|bytes| !bytes.as_ref().is_empty())
        .map(Want::Until);
    begin(reader, want, "readuntil", &[&separator])
}

/// The reads.
pub(super) fn methods() -> Vec<ForeignMethod> {
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
        foreign_method_without_arguments(
            c"readline",
            c"readline($self, /)\n--\n\nRead until a newline or the end of the stream.",
            read_line,
        ),
        foreign_method(
            c"readuntil",
            c"readuntil($self, /, separator=b'\\n')\n--\n\nRead until the separator.",
            read_until,
        ),
    ]
}
