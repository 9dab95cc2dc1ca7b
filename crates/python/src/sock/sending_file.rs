//! `sock_sendfile()`: the kernel sends a file to a socket.

use std::io;

use tepal_core::file;

use crate::interop::calls;
use crate::interop::errors::{Builtin, PyResult, Raised, raise, raise_instance, raise_os_error};
use crate::interop::imports::dotted;
use crate::interop::instance::Instance;
use crate::interop::interned::intern;
use crate::interop::object::Object;
use crate::interop::sockets;
use crate::interop::values;

use super::attempt::Attempt;
use super::operation::OperationBody;

/// What is to be sent: `(descriptor of the file, offset, count or 0 for all, size of a block, whether the position is set
/// also where nothing was sent)`, in bytes.
struct Part {
    file: i32,
    offset: i64,
    count: usize,
    block: usize,
    always_seeks: bool,
}

impl Part {
    fn of(given: &Object) -> PyResult<Part> {
        let given = values::items(given)?;
        let [file, offset, count, block, always_seeks] = given.as_slice() else {
            return Err(Builtin::TypeError.raise("five numbers are required"));
        };
        let size = |object: &Object| {
            values::to_integer(object).map(|size| usize::try_from(size).unwrap_or(0))
        };
        Ok(Part {
            file: i32::try_from(values::to_integer(file)?).unwrap_or(-1),
            offset: values::to_integer(offset)?,
            count: size(count)?,
            block: size(block)?,
            always_seeks: size(always_seeks)? != 0,
        })
    }

    /// Leaves the file's position behind what was sent, as asyncio does.
    fn leave(&self, sent: usize) -> PyResult<()> {
        if sent == 0 && !self.always_seeks {
            return Ok(());
        }
        file::seek_to(self.file, self.offset.saturating_add_unsigned(sent as u64))
            .map_err(|error| raise_os_error(&error))
    }
}

impl Instance<OperationBody> {
    /// Lets the kernel send once.
    ///
    /// # Errors
    /// `SendfileNotAvailableError` if the file cannot be sent in this way, so that nothing was sent; `OSError`.
    pub(super) fn send_file(&self, socket: &Object, part: &Object) -> PyResult<Attempt> {
        let part = Part::of(part)?;
        let sent = self.sent.get();
        let left = match part.count {
            0 => part.block,
            count => count.saturating_sub(sent),
        };
        if left == 0 {
            part.leave(sent)?;
            return values::integer(sent as u64).map(Attempt::Done);
        }
        let offset = part.offset.saturating_add_unsigned(sent as u64);
        match file::send_to_socket(sockets::descriptor(socket), part.file, offset, left) {
            Ok(0) => {
                part.leave(sent)?;
                values::integer(sent as u64).map(Attempt::Done)
            }
            Ok(count) => {
                self.sent.set(sent + count);
                Ok(Attempt::Again)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Attempt::NotNow),
            Err(error) => {
                part.leave(sent)?;
                Err(failure(&error, sent)?)
            }
        }
    }
}

/// asyncio's error: before anything was sent, that the file has to be sent by other means; a connection that was closed
/// meanwhile is a `ConnectionError`.
fn failure(error: &io::Error, sent: usize) -> PyResult<Raised> {
    if sent == 0 {
        let class = dotted("asyncio", &["exceptions", "SendfileNotAvailableError"])?;
        return Ok(raise(&class, "os.sendfile call failed"));
    }
    if error.raw_os_error() != Some(libc::ENOTCONN) {
        return Ok(raise_os_error(error));
    }
    let cause = raise_os_error(error).take();
    let class = dotted("builtins", &["ConnectionError"])?;
    let text = values::string("socket is not connected")?;
    let number = values::signed_integer(i64::from(libc::ENOTCONN))?;
    let exception = calls::call(&class, [&text, &number])?;
    calls::set_attribute(&exception, &intern("__cause__")?, &cause)?;
    Ok(raise_instance(&exception))
}
