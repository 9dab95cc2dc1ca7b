//! The arguments of a callback, kept without a tuple.

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
    /// A tuple, as it was given or made.
    Tuple(Object),
}

impl CallArguments {
    /// Stores them.
    ///
    /// # Errors
    /// `MemoryError`.
    #[inline(always)]
    pub(crate) fn new(arguments: &[Object]) -> PyResult<CallArguments> {
        Ok(match arguments {
            [] => CallArguments::None,
            [first] => CallArguments::One(first.clone()),
            [first, second] => CallArguments::Two(first.clone(), second.clone()),
            many => CallArguments::Tuple(values::tuple(many.to_vec())?),
        })
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
            CallArguments::Tuple(tuple) => calls::call_tuple(callable, tuple),
        }
    }

    /// Whether giving them up runs no Python code.
    #[inline(always)]
    pub(crate) fn go_silently(&self) -> bool {
        match self {
            CallArguments::None => true,
            CallArguments::One(first) => first.goes_silently(),
            CallArguments::Two(first, second) => first.goes_silently() && second.goes_silently(),
            CallArguments::Tuple(tuple) => tuple.goes_silently(),
        }
    }

    /// The arguments as a tuple.
    ///
    /// # Errors
    /// `MemoryError`.
    pub(crate) fn to_tuple(&self) -> PyResult<Object> {
        values::tuple(match self {
            CallArguments::Tuple(tuple) => return Ok(tuple.clone()),
            CallArguments::None => Vec::new(),
            CallArguments::One(first) => vec![first.clone()],
            CallArguments::Two(first, second) => vec![first.clone(), second.clone()],
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
            CallArguments::Tuple(tuple) => visitor.object(tuple),
        }
    }
}
