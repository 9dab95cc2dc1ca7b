//! What Python calls to run the limit above TLS in its own process, where its `_ssl` has loaded OpenSSL.

use std::ffi::CStr;
use std::io;
use std::os::raw::{c_char, c_int};

use crate::sys;
use crate::tls_echo_server::TlsEchoServer;

/// Prints the ports as one line of JSON, then serves until the process ends; gives the number of an error.
///
/// # Safety
/// The texts are those of [`Context::new`](crate::openssl::Context::new): each ends with NUL and stays for the time of the call.
// SAFETY: nothing else that is loaded has this name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn serve_tls_limit(
    core: usize,
    module: *const c_char,
    certificate: *const c_char,
    key: *const c_char,
    frugal: bool,
) -> c_int {
    // SAFETY: by contract.
    let [module, certificate, key] =
        unsafe { [module, certificate, key].map(|text| CStr::from_ptr(text)) };
    match serve(core, module, certificate, key, frugal) {
        Ok(()) => 0,
        Err(error) => {
            eprintln!("{error}");
            1
        }
    }
}

fn serve(
    core: usize,
    module: &CStr,
    certificate: &CStr,
    key: &CStr,
    frugal: bool,
) -> io::Result<()> {
    sys::raise_descriptor_limit()?;
    sys::pin(core)?;
    let mut server = TlsEchoServer::bind(module, certificate, key, frugal)?;
    let [echo, churn] = server.ports()?;
    println!(r#"{{"ports": {{"echo": {echo}, "churn": {churn}}}}}"#);
    server.serve()
}
