//! Where coroutines of ours are made (`cr_origin`), and the warning about those that were never awaited, as CPython has
//! both for its own (Objects/genobject.c).

use std::sync::atomic::{AtomicU32, Ordering};

use super::calls;
use super::errors::{PyResult, warn_runtime};
use super::frames::Frame;
use super::imports::{import, imports};
use super::interned::{Name, intern};
use super::object::Object;
use super::values;

/// How many want to know: loops that run in debug mode, and recordings.
static ASKED: AtomicU32 = AtomicU32::new(0);

/// Remember from now on where coroutines are made, until [`forget_origins`] was called as often. It says nothing of how
/// many frames: that is `sys.set_coroutine_origin_tracking_depth()`.
pub(crate) fn keep_origins() {
    ASKED.fetch_add(1, Ordering::Relaxed);
}

/// See [`keep_origins`].
pub(crate) fn forget_origins() {
    ASKED.fetch_sub(1, Ordering::Relaxed);
}

/// What `cr_origin` of a coroutine that is made here will be: a tuple of (file, line, function), the innermost frame
/// first, as many as `sys.get_coroutine_origin_tracking_depth()` says; `None` if nobody asked.
///
/// # Errors
/// `MemoryError`.
#[inline(always)]
pub(crate) fn origin_of_new() -> PyResult<Option<Object>> {
    if ASKED.load(Ordering::Relaxed) == 0 {
        return Ok(None);
    }
    capture()
}

#[cold]
fn capture() -> PyResult<Option<Object>> {
    let depth = values::to_integer(&calls::call(&imports().coroutine_origin_depth, [])?)?;
    if depth < 1 {
        return Ok(None);
    }
    let mut places = Vec::new();
    let mut frame = Frame::current();
    while let Some(this) = frame {
        let code = this.code();
        places.push(values::tuple(vec![
            calls::attribute(&code, Name::CoFilename.object())?,
            values::signed_integer(i64::from(this.line()))?,
            calls::attribute(&code, Name::CoFunction.object())?,
        ])?);
        let enough = i64::try_from(places.len()).is_ok_and(|count| count >= depth);
        frame = if enough { None } else { this.back() };
    }
    values::tuple(places).map(Some)
}

/// Says that `coroutine` was never awaited, through the function of `warnings` that CPython calls for its own coroutines.
/// Whatever that raises goes to `sys.unraisablehook`.
///
/// # Reentrancy
/// Python code runs, and may keep `coroutine`.
#[cold]
pub(crate) fn warn_never_awaited(coroutine: &Object, name: &str) {
    let warned = import("warnings")
        .and_then(|warnings| {
            calls::optional_attribute(&warnings, &intern("_warn_unawaited_coroutine")?)
        })
        .and_then(|warn| match warn {
            Some(warn) => calls::call(&warn, [coroutine]).map(drop),
            None => warn_runtime(&format!("coroutine '{name}' was never awaited")),
        });
    if let Err(raised) = warned {
        raised.write_unraisable(coroutine);
    }
}
