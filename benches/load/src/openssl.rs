//! The few functions of OpenSSL that the limit above TLS needs. They are found among what the interpreter's `_ssl` has
//! loaded, so that it runs the very code that the measured servers run.

use std::ffi::CStr;
use std::os::raw::{c_char, c_int, c_long, c_void};
use std::ptr::{NonNull, null, null_mut};
use std::sync::OnceLock;

type Pointer = *mut c_void;
type BioRead = unsafe extern "C" fn(Pointer, *mut u8, c_int) -> c_int;
type BioWrite = unsafe extern "C" fn(Pointer, *const u8, c_int) -> c_int;
type BioControl = unsafe extern "C" fn(Pointer, c_int, c_long, Pointer) -> c_long;

/// `SSL_FILETYPE_PEM`, `SSL_OP_CIPHER_SERVER_PREFERENCE` (which `ssl.SSLContext` sets), `SSL_ERROR_WANT_READ`
const PEM: c_int = 1;
const SERVER_PREFERENCE: u64 = 1 << 22;
const WANT_READ: c_int = 2;
/// `SSL_CTRL_MODE`, `SSL_MODE_RELEASE_BUFFERS`
const CTRL_MODE: c_int = 33;
const MODE_RELEASE_BUFFERS: c_long = 0x10;
/// `BIO_TYPE_SOURCE_SINK`, `BIO_FLAGS_READ | BIO_FLAGS_SHOULD_RETRY`, all of that kind, `BIO_CTRL_FLUSH`
const SOURCE_SINK: c_int = 0x0400;
const RETRY_READ: c_int = 0x09;
const RETRY_FLAGS: c_int = 0x0f;
const CTRL_FLUSH: c_int = 11;
/// The most that one record holds (bytes).
pub const RECORD: usize = 16 * 1024;

macro_rules! functions {
    ($($name:ident: $kind:ty,)+) => {
        #[allow(non_snake_case)]
        struct Functions { $($name: $kind,)+ }

        impl Functions {
            /// # Safety
            /// `library` is a handle of `dlopen`. Each symbol of such a name is the function of that type.
            unsafe fn find(library: Pointer) -> Option<Functions> {
                // SAFETY: a function pointer is made of the address of the function of that name.
                unsafe {
                    Some(Functions {
                        $($name: {
                            let name = concat!(stringify!($name), "\0");
                            let found = NonNull::new(libc::dlsym(library, name.as_ptr().cast()))?;
                            std::mem::transmute::<Pointer, $kind>(found.as_ptr())
                        },)+
                    })
                }
            }
        }
    };
}

functions! {
    TLS_server_method: unsafe extern "C" fn() -> Pointer,
    SSL_CTX_new: unsafe extern "C" fn(Pointer) -> Pointer,
    SSL_CTX_ctrl: unsafe extern "C" fn(Pointer, c_int, c_long, Pointer) -> c_long,
    SSL_CTX_set_options: unsafe extern "C" fn(Pointer, u64) -> u64,
    SSL_CTX_use_certificate_chain_file: unsafe extern "C" fn(Pointer, *const c_char) -> c_int,
    SSL_CTX_use_PrivateKey_file: unsafe extern "C" fn(Pointer, *const c_char, c_int) -> c_int,
    SSL_new: unsafe extern "C" fn(Pointer) -> Pointer,
    SSL_free: unsafe extern "C" fn(Pointer),
    SSL_set_bio: unsafe extern "C" fn(Pointer, Pointer, Pointer),
    SSL_set_accept_state: unsafe extern "C" fn(Pointer),
    SSL_set_read_ahead: unsafe extern "C" fn(Pointer, c_int),
    SSL_has_pending: unsafe extern "C" fn(Pointer) -> c_int,
    SSL_get_error: unsafe extern "C" fn(Pointer, c_int) -> c_int,
    SSL_read_ex: unsafe extern "C" fn(Pointer, *mut u8, usize, *mut usize) -> c_int,
    SSL_write_ex: unsafe extern "C" fn(Pointer, *const u8, usize, *mut usize) -> c_int,
    SSL_shutdown: unsafe extern "C" fn(Pointer) -> c_int,
    ERR_clear_error: unsafe extern "C" fn(),
    BIO_new: unsafe extern "C" fn(Pointer) -> Pointer,
    BIO_get_data: unsafe extern "C" fn(Pointer) -> Pointer,
    BIO_set_data: unsafe extern "C" fn(Pointer, Pointer),
    BIO_set_init: unsafe extern "C" fn(Pointer, c_int),
    BIO_set_flags: unsafe extern "C" fn(Pointer, c_int),
    BIO_clear_flags: unsafe extern "C" fn(Pointer, c_int),
    BIO_meth_new: unsafe extern "C" fn(c_int, *const c_char) -> Pointer,
    BIO_meth_set_read: unsafe extern "C" fn(Pointer, Option<BioRead>) -> c_int,
    BIO_meth_set_write: unsafe extern "C" fn(Pointer, Option<BioWrite>) -> c_int,
    BIO_meth_set_ctrl: unsafe extern "C" fn(Pointer, Option<BioControl>) -> c_int,
}

/// Found once: OpenSSL hands no more to a BIO than the BIO.
static FUNCTIONS: OnceLock<Functions> = OnceLock::new();

/// What the BIO of a connection reads from and writes to, for the time of one call.
struct Wires {
    incoming: *const u8,
    incoming_size: usize,
    outgoing: *mut Vec<u8>,
}

/// A server's context, and the kind of BIO that its connections get. Both are made once and never freed.
pub struct Context {
    functions: &'static Functions,
    context: Pointer,
    method: Pointer,
}

impl Context {
    /// `module` is the file of `_ssl`, which is loaded; certificate and key are PEM files. `None` if there is no such
    /// OpenSSL, or if it does not take them. A `frugal` one gives back the buffers of records that a connection does not
    /// use, as those of `ssl.SSLContext` do.
    pub fn new(module: &CStr, certificate: &CStr, key: &CStr, frugal: bool) -> Option<Context> {
        // SAFETY: RTLD_NOLOAD loads nothing, and the handle is kept for good. The functions get what they ask for: texts
        // that end with NUL, pointers that they gave, callbacks of the types that they call.
        unsafe {
            let library = libc::dlopen(module.as_ptr(), libc::RTLD_NOLOAD | libc::RTLD_LAZY);
            let found = Functions::find(NonNull::new(library)?.as_ptr())?;
            let functions = FUNCTIONS.get_or_init(|| found);
            let context = NonNull::new((functions.SSL_CTX_new)((functions.TLS_server_method)()))?;
            let context = context.as_ptr();
            (functions.SSL_CTX_set_options)(context, SERVER_PREFERENCE);
            if frugal {
                (functions.SSL_CTX_ctrl)(context, CTRL_MODE, MODE_RELEASE_BUFFERS, null_mut());
            }
            let taken =
                (functions.SSL_CTX_use_certificate_chain_file)(context, certificate.as_ptr()) == 1
                    && (functions.SSL_CTX_use_PrivateKey_file)(context, key.as_ptr(), PEM) == 1;
            let method = (functions.BIO_meth_new)(SOURCE_SINK | 0x7f, c"limit".as_ptr());
            let method = NonNull::new(method)?.as_ptr();
            (functions.BIO_meth_set_read)(method, Some(read));
            (functions.BIO_meth_set_write)(method, Some(write));
            (functions.BIO_meth_set_ctrl)(method, Some(control));
            taken.then_some(Context {
                functions,
                context,
                method,
            })
        }
    }

    /// The server's end of a new connection. `None` if memory is short.
    pub fn accept(&self) -> Option<Session> {
        let functions = self.functions;
        // SAFETY: as above; the `SSL` owns the BIO, and the session the `SSL` and what the BIO refers to.
        unsafe {
            let ssl = NonNull::new((functions.SSL_new)(self.context))?.as_ptr();
            let bio = NonNull::new((functions.BIO_new)(self.method))?.as_ptr();
            let wires = Box::into_raw(Box::new(Wires {
                incoming: null(),
                incoming_size: 0,
                outgoing: null_mut(),
            }));
            (functions.BIO_set_data)(bio, wires.cast());
            (functions.BIO_set_init)(bio, 1);
            (functions.SSL_set_bio)(ssl, bio, bio);
            (functions.SSL_set_accept_state)(ssl);
            (functions.SSL_set_read_ahead)(ssl, 1);
            Some(Session {
                functions,
                ssl,
                wires,
            })
        }
    }
}

/// The server's end of one connection.
pub struct Session {
    functions: &'static Functions,
    ssl: Pointer,
    wires: *mut Wires,
}

/// What [`Session::echo`] found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Echoed {
    /// So many bytes of content were answered, 0 during the handshake.
    Bytes(usize),
    /// The peer has ended the connection, or broken its rules.
    Over,
}

impl Session {
    /// Answers every record in `arrived` with one of the same content, which goes to the end of `sealed`.
    pub fn echo(
        &mut self,
        arrived: &[u8],
        plain: &mut [u8; RECORD],
        sealed: &mut Vec<u8>,
    ) -> Echoed {
        // SAFETY: the session owns the wires, which nobody uses between two calls. What they point to lives through this
        // one, and is unplugged at its end.
        unsafe {
            (*self.wires).incoming = arrived.as_ptr();
            (*self.wires).incoming_size = arrived.len();
            (*self.wires).outgoing = sealed;
            let echoed = self.echo_records(plain);
            (*self.wires).incoming_size = 0;
            (*self.wires).outgoing = null_mut();
            echoed
        }
    }

    /// # Safety
    /// The wires are plugged in.
    unsafe fn echo_records(&mut self, plain: &mut [u8; RECORD]) -> Echoed {
        let mut total = 0;
        // SAFETY: the `SSL` is the session's own; each place is as long as is said.
        unsafe {
            let functions = self.functions;
            loop {
                let (mut count, mut written) = (0, 0);
                let answer =
                    (functions.SSL_read_ex)(self.ssl, plain.as_mut_ptr(), RECORD, &raw mut count);
                if answer <= 0 {
                    let waits = (functions.SSL_get_error)(self.ssl, answer) == WANT_READ;
                    (functions.ERR_clear_error)();
                    return if waits {
                        Echoed::Bytes(total)
                    } else {
                        Echoed::Over
                    };
                }
                total += count;
                if (functions.SSL_write_ex)(self.ssl, plain.as_ptr(), count, &raw mut written) <= 0
                {
                    return Echoed::Over;
                }
                if (*self.wires).incoming_size == 0 && (functions.SSL_has_pending)(self.ssl) == 0 {
                    return Echoed::Bytes(total);
                }
            }
        }
    }

    /// Appends a close_notify to `sealed`.
    pub fn end(&mut self, sealed: &mut Vec<u8>) {
        // SAFETY: as in `echo`.
        unsafe {
            (*self.wires).outgoing = sealed;
            (self.functions.SSL_shutdown)(self.ssl);
            (*self.wires).outgoing = null_mut();
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // SAFETY: both are the session's own; the `SSL` and its BIO go first.
        unsafe {
            (self.functions.SSL_free)(self.ssl);
            drop(Box::from_raw(self.wires));
        }
    }
}

/// What a BIO of ours is about, while it is plugged in.
///
/// # Safety
/// `bio` belongs to a session, in one of whose calls we are.
unsafe fn wires<'a>(bio: Pointer) -> Option<(&'static Functions, &'a mut Wires)> {
    let functions = FUNCTIONS.get()?;
    // SAFETY: the data of such a BIO are the session's wires, which nobody else uses during its calls.
    unsafe {
        let wires = (functions.BIO_get_data)(bio).cast::<Wires>();
        Some((functions, wires.as_mut()?))
    }
}

unsafe extern "C" fn read(bio: Pointer, place: *mut u8, size: c_int) -> c_int {
    // SAFETY: OpenSSL calls this with room for `size` bytes; what is plugged in has as many as it says.
    unsafe {
        let Some((functions, wires)) = wires(bio) else {
            return -1;
        };
        (functions.BIO_clear_flags)(bio, RETRY_FLAGS);
        let count = wires.incoming_size.min(usize::try_from(size).unwrap_or(0));
        if count == 0 {
            (functions.BIO_set_flags)(bio, RETRY_READ);
            return -1;
        }
        std::ptr::copy_nonoverlapping(wires.incoming, place, count);
        wires.incoming = wires.incoming.add(count);
        wires.incoming_size -= count;
        count as c_int
    }
}

unsafe extern "C" fn write(bio: Pointer, bytes: *const u8, size: c_int) -> c_int {
    // SAFETY: OpenSSL calls this with `size` bytes; the vector that is plugged in is used by nobody else.
    unsafe {
        let plugged = wires(bio).and_then(|(_, wires)| wires.outgoing.as_mut());
        match (plugged, usize::try_from(size)) {
            (Some(outgoing), Ok(count)) => {
                outgoing.extend_from_slice(std::slice::from_raw_parts(bytes, count));
                size
            }
            _ => -1,
        }
    }
}

unsafe extern "C" fn control(_: Pointer, command: c_int, _: c_long, _: Pointer) -> c_long {
    c_long::from(command == CTRL_FLUSH)
}
