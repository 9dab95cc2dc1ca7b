//! The arguments of a callback, kept without a tuple.

use std::rc::Rc;

use crate::interop::calls;
use crate::interop::errors::PyResult;
use crate::interop::gc::Visitor;
use crate::interop::object::Object;
use crate::interop::values;

/// Up to two arguments stand inline (most callbacks have no more).
#[derive(Clone)]
pub(crate) enum CallArguments {
    None,
    One(Object),
    Two(Object, Object),
    Many(Rc<[Object]>),
}

impl CallArguments {
    #[inline(always)]
    pub(crate) fn new(arguments: &[Object]) -> CallArguments {
        match arguments {
            [] => CallArguments::None,
            [first] => CallArguments::One(first.clone()),
            [first, second] => CallArguments::Two(first.clone(), second.clone()),
            many => CallArguments::Many(many.into()),
        }
    }

    /// `callable(*arguments)`.
    ///
    /// # Errors
    /// What the callable raises.
    ///
    /// # Reentrancy
    /// Runs any Python code; `self` must be a copy that nobody else can drop.
    #[inline(always)]
    pub(crate) fn call(&self, callable: &Object) -> PyResult<Object> {
        match self {
            CallArguments::None => calls::call(callable, []),
            CallArguments::One(first) => calls::call(callable, [first]),
            CallArguments::Two(first, second) => calls::call(callable, [first, second]),
            CallArguments::Many(many) => calls::call_slice(callable, many),
        }
    }

    /// The arguments as a tuple.
    ///
    /// # Errors
    /// `MemoryError`.
    pub(crate) fn to_tuple(&self) -> PyResult<Object> {
        values::tuple(match self {
            CallArguments::None => Vec::new(),
            CallArguments::One(first) => vec![first.clone()],
            CallArguments::Two(first, second) => vec![first.clone(), second.clone()],
            CallArguments::Many(many) => many.to_vec(),
        })
    }

    pub(crate) fn traverse(&self, visitor: &mut Visitor) {
        match self {
            CallArguments::None => {}
            CallArguments::One(first) => visitor.object(first),
            CallArguments::Two(first, second) => {
                visitor.object(first);
                visitor.object(second);
            }
            // Shown only by the sole owner: a copy that is being called holds them too.
            CallArguments::Many(many) if Rc::strong_count(many) == 1 => {
                many.iter().for_each(|argument| visitor.object(argument));
            }
            CallArguments::Many(_) => {}
        }
    }
}
