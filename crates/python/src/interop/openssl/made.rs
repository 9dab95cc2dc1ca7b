//! Which `SSL` was made by a call into Python.
//!
//! OpenSSL calls whoever has registered an index of extra data (`CRYPTO_get_ex_new_index(3)`) for each new `SSL`, in the
//! thread that makes it. While a [`Watch`] lives, the pointers that come by in its thread are remembered.

use std::cell::Cell;
use std::os::raw::{c_int, c_long, c_void};
use std::ptr::{NonNull, null_mut};

use super::library::{Functions, Ssl};

/// `CRYPTO_EX_INDEX_SSL` (openssl/crypto.h)
const EX_INDEX_SSL: c_int = 0;

#[derive(Clone, Copy)]
struct Seen {
    watching: bool,
    count: u32,
    last: *mut Ssl,
}

const NOTHING: Seen = Seen {
    watching: false,
    count: 0,
    last: null_mut(),
};

thread_local! {
    static SEEN: Cell<Seen> = const { Cell::new(NOTHING) };
}

/// The `CRYPTO_EX_new` callback: `parent` is the new object.
unsafe extern "C" fn made(
    parent: *mut c_void,
    _pointer: *mut c_void,
    _data: *mut c_void,
    _index: c_int,
    _number: c_long,
    _argument: *mut c_void,
) {
    SEEN.with(|cell| {
        let seen = cell.get();
        if seen.watching {
            cell.set(Seen {
                count: seen.count.saturating_add(1),
                last: parent.cast(),
                ..seen
            });
        }
    });
}

/// Registers the callback, once per process.
pub(super) fn register(functions: &Functions) -> bool {
    // SAFETY: the callback has the type that the function asks for, touches none of OpenSSL's state, and is never
    // unloaded: extension modules stay.
    let index = unsafe {
        (functions.CRYPTO_get_ex_new_index)(EX_INDEX_SSL, 0, null_mut(), Some(made), None, None)
    };
    index >= 0
}

/// Remembers which `SSL` is made in this thread while it lives.
pub(crate) struct Watch {
    before: Seen,
}

impl Watch {
    /// Begins.
    pub(crate) fn begin() -> Watch {
        let fresh = Seen {
            watching: true,
            ..NOTHING
        };
        Watch {
            before: SEEN.with(|cell| cell.replace(fresh)),
        }
    }

    /// The `SSL` that was made, if it was exactly one.
    pub(super) fn only_one(&self) -> Option<NonNull<Ssl>> {
        let seen = SEEN.with(Cell::get);
        if seen.count == 1 {
            NonNull::new(seen.last)
        } else {
            None
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        SEEN.with(|cell| cell.set(self.before));
    }
}
