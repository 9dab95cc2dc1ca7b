//! The report of an exception that nobody retrieved.

use crate::interop::errors::PyResult;
use crate::interop::instance::Instance;
use crate::interop::interned::Name;
use crate::interop::object::Object;
use crate::interop::values;
use crate::loop_core::failures::call_exception_handler;

use super::body::FutureBody;

impl Instance<FutureBody> {
    /// Tells the loop's exception handler, if the exception was never retrieved.
    ///
    /// # Reentrancy
    /// Runs any Python code, which may keep the Future alive.
    pub(crate) fn report_unretrieved(&self) {
        if !self.log_traceback.replace(false) {
            return;
        }
        let (Some(event_loop), Some(exception)) = (self.event_loop.get(), self.outcome.get())
        else {
            return;
        };
        let this = self.object();
        let message = match never_retrieved(&this) {
            Ok(message) => message,
            Err(raised) => return raised.write_unraisable(&this),
        };
        let mut context = vec![
            (Name::Message, &message),
            (Name::Exception, &exception),
            (Name::Future, &this),
        ];
        let traceback = self.source_traceback();
        if let Some(traceback) = &traceback {
            context.push((Name::SourceTraceback, traceback));
        }
        call_exception_handler(&event_loop.object(), &context);
    }
}

fn never_retrieved(future: &Object) -> PyResult<Object> {
    let name = crate::interop::instance::type_name(future);
    values::string(&format!("{name} exception was never retrieved"))
}
