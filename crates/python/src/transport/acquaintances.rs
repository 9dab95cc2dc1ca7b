//! Who knows of a transport: the loop by its `_transports`, the server by its `_clients`.

use crate::interop::calls;
use crate::interop::errors::PyResult;
use crate::interop::imports::dotted;
use crate::interop::instance::Instance;
use crate::interop::interned::{Name, intern};
use crate::interop::object::Object;
use crate::interop::recognised::Unchanged;
use crate::interop::values;
use crate::interop::weak_collections::{
    weak_set_add, weak_set_discard, weak_values_forget, weak_values_set,
};
use crate::loop_core::body::LoopBody;

use super::body::StreamBody;

/// `asyncio.Server`
static SERVER: Unchanged = Unchanged::nothing();

/// Makes asyncio's class known.
///
/// # Errors
/// What the look-ups raise.
pub(crate) fn learn_server() -> PyResult<()> {
    SERVER.learn(
        &dotted("asyncio", &["base_events", "Server"])?,
        &["_attach", "_detach", "_wakeup"],
    )
}

/// The server's `_clients`, where asyncio has them (from 3.13 on) and the server is asyncio's own.
fn clients_of(server: &Object) -> PyResult<Option<Object>> {
    if cfg!(not(Py_3_13)) || !SERVER.is_type_of(server) {
        return Ok(None);
    }
    calls::attribute(server, Name::ClientsUnderscore.object()).map(Some)
}

fn has_sockets(server: &Object) -> PyResult<bool> {
    Ok(!calls::attribute(server, Name::SocketsUnderscore.object())?.is_none())
}

impl Instance<StreamBody> {
    /// `loop._transports[fd] = self`
    ///
    /// # Errors
    /// `MemoryError`; what a replaced mapping raises.
    pub(super) fn enter_transports(&self, event_loop: &Instance<LoopBody>) -> PyResult<()> {
        let transports = transports_of(event_loop)?;
        let key = values::signed_integer(i64::from(self.descriptor.get()))?;
        self.with_object(|this| weak_values_set(&transports, &key, this))
    }

    /// The same taken back, for a transport that is closed.
    ///
    /// # Errors
    /// As [`Instance::enter_transports`].
    pub(super) fn leave_transports(&self, event_loop: &Instance<LoopBody>) -> PyResult<()> {
        let transports = transports_of(event_loop)?;
        let key = values::signed_integer(i64::from(self.descriptor.get()))?;
        self.with_object(|this| weak_values_forget(&transports, &key, this))
    }

    /// `server._attach(self)`; up to 3.12 without the argument.
    ///
    /// # Errors
    /// What it raises: `AssertionError` if the server is closed.
    pub(super) fn attach_to_server(&self) -> PyResult<()> {
        let Some(server) = self.server.get() else {
            return Ok(());
        };
        match clients_of(&server)? {
            Some(clients) if has_sockets(&server)? => {
                self.with_object(|this| weak_set_add(&clients, this))
            }
            _ => self.call_server(&server, "_attach"),
        }
    }

    /// `server._detach(self)`
    ///
    /// # Errors
    /// What it raises.
    pub(super) fn detach_from(&self, server: &Object) -> PyResult<()> {
        match clients_of(server)? {
            // Only a closed server waits for its last client.
            Some(clients) if has_sockets(server)? => {
                self.with_object(|this| weak_set_discard(&clients, this))
            }
            _ => self.call_server(server, "_detach"),
        }
    }

    fn call_server(&self, server: &Object, method: &str) -> PyResult<()> {
        let method = calls::attribute(server, &intern(method)?)?;
        if cfg!(Py_3_13) {
            self.with_object(|this| calls::call(&method, [this]))
        } else {
            calls::call(&method, [])
        }
        .map(drop)
    }
}

fn transports_of(event_loop: &Instance<LoopBody>) -> PyResult<Object> {
    event_loop.with_object(|this| calls::attribute(this, Name::Transports.object()))
}
