//! The functions, found in the libraries that `_ssl` depends on.

use std::ffi::{CStr, CString};
use std::os::raw::{c_char, c_int, c_long, c_void};
use std::sync::OnceLock;

use super::made;

/// OpenSSL's `SSL`.
#[repr(C)]
pub(super) struct Ssl {
    opaque: [u8; 0],
}

/// OpenSSL's `BIO`.
#[repr(C)]
pub(super) struct Bio {
    opaque: [u8; 0],
}

/// OpenSSL's `BUF_MEM`.
#[repr(C)]
pub(super) struct BufMem {
    opaque: [u8; 0],
}

/// OpenSSL's `BIO_METHOD`.
#[repr(C)]
pub(super) struct BioMethod {
    opaque: [u8; 0],
}

macro_rules! functions {
    ($($name:ident: $kind:ty,)+) => {
        /// The functions of libssl and libcrypto that are used, with the types of OpenSSL 1.1.1 to 3.
        #[allow(non_snake_case)]
        pub(super) struct Functions { $(pub(super) $name: $kind,)+ }

        impl Functions {
            /// # Safety
            /// `library` is a handle of `dlopen`. Each symbol of such a name is the function of that type.
            unsafe fn find(library: *mut c_void) -> Option<Functions> {
                // SAFETY: a function pointer is made of the address of the function of that name.
                unsafe {
                    Some(Functions {
                        $($name: std::mem::transmute::<*mut c_void, $kind>(
                            symbol(library, concat!(stringify!($name), "\0"))?,
                        ),)+
                    })
                }
            }
        }
    };
}

/// `CRYPTO_EX_new`
type NewExData =
    unsafe extern "C" fn(*mut c_void, *mut c_void, *mut c_void, c_int, c_long, *mut c_void);

type BioRead = unsafe extern "C" fn(*mut Bio, *mut c_char, c_int) -> c_int;
type BioWrite = unsafe extern "C" fn(*mut Bio, *const c_char, c_int) -> c_int;
type BioControl = unsafe extern "C" fn(*mut Bio, c_int, c_long, *mut c_void) -> c_long;
type BioDestroy = unsafe extern "C" fn(*mut Bio) -> c_int;

functions! {
    OpenSSL_version: unsafe extern "C" fn(c_int) -> *const c_char,
    OpenSSL_version_num: unsafe extern "C" fn() -> std::os::raw::c_ulong,
    CRYPTO_get_ex_new_index: unsafe extern "C" fn(
        c_int, c_long, *mut c_void, Option<NewExData>, Option<NewExData>, Option<NewExData>,
    ) -> c_int,
    SSL_get_ex_data: unsafe extern "C" fn(*const Ssl, c_int) -> *mut c_void,
    SSL_get_rbio: unsafe extern "C" fn(*const Ssl) -> *mut Bio,
    SSL_get_wbio: unsafe extern "C" fn(*const Ssl) -> *mut Bio,
    SSL_get_error: unsafe extern "C" fn(*const Ssl, c_int) -> c_int,
    SSL_get_shutdown: unsafe extern "C" fn(*const Ssl) -> c_int,
    SSL_pending: unsafe extern "C" fn(*const Ssl) -> c_int,
    SSL_ctrl: unsafe extern "C" fn(*mut Ssl, c_int, c_long, *mut c_void) -> c_long,
    SSL_shutdown: unsafe extern "C" fn(*mut Ssl) -> c_int,
    SSL_do_handshake: unsafe extern "C" fn(*mut Ssl) -> c_int,
    SSL_is_server: unsafe extern "C" fn(*const Ssl) -> c_int,
    SSL_read_ex: unsafe extern "C" fn(*mut Ssl, *mut c_void, usize, *mut usize) -> c_int,
    SSL_write_ex: unsafe extern "C" fn(*mut Ssl, *const c_void, usize, *mut usize) -> c_int,
    BIO_method_type: unsafe extern "C" fn(*const Bio) -> c_int,
    BIO_ctrl: unsafe extern "C" fn(*mut Bio, c_int, c_long, *mut c_void) -> c_long,
    BIO_ctrl_pending: unsafe extern "C" fn(*mut Bio) -> usize,
    BIO_read: unsafe extern "C" fn(*mut Bio, *mut c_void, c_int) -> c_int,
    BIO_new: unsafe extern "C" fn(*const BioMethod) -> *mut Bio,
    BIO_free: unsafe extern "C" fn(*mut Bio) -> c_int,
    BIO_up_ref: unsafe extern "C" fn(*mut Bio) -> c_int,
    BIO_get_data: unsafe extern "C" fn(*mut Bio) -> *mut c_void,
    BIO_set_data: unsafe extern "C" fn(*mut Bio, *mut c_void),
    BIO_set_init: unsafe extern "C" fn(*mut Bio, c_int),
    BIO_set_flags: unsafe extern "C" fn(*mut Bio, c_int),
    BIO_clear_flags: unsafe extern "C" fn(*mut Bio, c_int),
    BIO_test_flags: unsafe extern "C" fn(*const Bio, c_int) -> c_int,
    BIO_get_new_index: unsafe extern "C" fn() -> c_int,
    BIO_meth_new: unsafe extern "C" fn(c_int, *const c_char) -> *mut BioMethod,
    BIO_meth_set_read: unsafe extern "C" fn(*mut BioMethod, Option<BioRead>) -> c_int,
    BIO_meth_set_write: unsafe extern "C" fn(*mut BioMethod, Option<BioWrite>) -> c_int,
    BIO_meth_set_ctrl: unsafe extern "C" fn(*mut BioMethod, Option<BioControl>) -> c_int,
    BIO_meth_set_destroy: unsafe extern "C" fn(*mut BioMethod, Option<BioDestroy>) -> c_int,
    SSL_set0_rbio: unsafe extern "C" fn(*mut Ssl, *mut Bio),
    SSL_set0_wbio: unsafe extern "C" fn(*mut Ssl, *mut Bio),
    BIO_write: unsafe extern "C" fn(*mut Bio, *const c_void, c_int) -> c_int,
    BUF_MEM_new: unsafe extern "C" fn() -> *mut BufMem,
    BUF_MEM_free: unsafe extern "C" fn(*mut BufMem),
}

/// # Safety
/// `library` is a handle of `dlopen`; `name` ends with NUL.
unsafe fn symbol(library: *mut c_void, name: &str) -> Option<*mut c_void> {
    // SAFETY: by contract.
    let address = unsafe { libc::dlsym(library, name.as_ptr().cast()) };
    (!address.is_null()).then_some(address)
}

static FUNCTIONS: OnceLock<Option<Functions>> = OnceLock::new();

/// The functions, once [`load`] has found them.
#[inline(always)]
pub(super) fn functions() -> Option<&'static Functions> {
    FUNCTIONS.get()?.as_ref()
}

/// Looks the functions up among what the extension module in `file` depends on, if that OpenSSL is the one that `_ssl`
/// names: `number` is `_ssl._OPENSSL_API_VERSION`'s run-time counterpart `OPENSSL_VERSION_NUMBER`, `text` is
/// `OPENSSL_VERSION`. Says whether the functions are there; the first call decides.
pub(crate) fn load(file: &str, number: u64, text: &str) -> bool {
    FUNCTIONS.get_or_init(|| find(file, number, text)).is_some()
}

fn find(file: &str, number: u64, text: &str) -> Option<Functions> {
    let file = CString::new(file).ok()?;
    // SAFETY: the file is an extension module that is loaded already, and RTLD_NOLOAD loads nothing. The handle is kept
    // for good, so that the functions stay. `dlsym` with it looks at that module and at what it depends on, nowhere else.
    let functions = unsafe {
        let library = libc::dlopen(file.as_ptr(), libc::RTLD_NOLOAD | libc::RTLD_LAZY);
        if library.is_null() {
            return None;
        }
        Functions::find(library)?
    };
    // SAFETY: both take no state; version 0 is a static text.
    let (found_number, found_text) = unsafe {
        let text = CStr::from_ptr((functions.OpenSSL_version)(0));
        ((functions.OpenSSL_version_num)(), text)
    };
    let same = found_number == number && found_text.to_bytes() == text.as_bytes();
    (same && made::register(&functions)).then_some(functions)
}
