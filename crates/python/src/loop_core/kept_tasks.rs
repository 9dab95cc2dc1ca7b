//! Tasks that the loop keeps alive, where the program asked for that.

use std::cell::RefCell;
use std::collections::HashMap;

use crate::interop::gc::Visitor;
use crate::interop::object::Object;

/// Unfinished Tasks by address.
pub(crate) struct KeptTasks(RefCell<Option<HashMap<usize, Object>>>);

impl KeptTasks {
    pub(crate) const fn none() -> KeptTasks {
        KeptTasks(RefCell::new(None))
    }

    /// Keeps a Task until it is let go.
    pub(crate) fn keep(&self, task: &Object) {
        let mut kept = self.0.borrow_mut();
        let kept = kept.get_or_insert_default();
        kept.insert(task.address(), task.clone());
    }

    /// Gives the Task back, for the caller to drop.
    pub(crate) fn let_go(&self, task: &Object) -> Option<Object> {
        self.0.borrow_mut().as_mut()?.remove(&task.address())
    }

    /// Gives all of them back.
    pub(crate) fn take_all(&self) -> Option<HashMap<usize, Object>> {
        self.0.borrow_mut().take()
    }

    pub(crate) fn traverse(&self, visitor: &mut Visitor) {
        if let Ok(kept) = self.0.try_borrow() {
            for task in kept.iter().flat_map(HashMap::values) {
                visitor.object(task);
            }
        }
    }
}
