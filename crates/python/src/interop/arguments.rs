//! The arguments of a call, in CPython's vectorcall form.

use std::marker::PhantomData;

use pyo3::ffi;

use super::argument_errors::{self, misfit};
use super::errors::{Builtin, PyResult, Raised};
use super::interned::Name;
use super::object::{Borrowed, Object};
use super::values;

/// Positional arguments, then keyword values, and the tuple of the keywords' names.
#[derive(Clone, Copy)]
pub(crate) struct Arguments<'a> {
    values: *const *mut ffi::PyObject,
    positional: usize,
    names: *mut ffi::PyObject,
    owner: PhantomData<&'a Object>,
}

/// What a function takes: `names[..required]` must be given, `names[..positional]` may be
/// given by position, all by keyword. A function that takes any number of positional arguments says [`ANY_NUMBER`]; its
/// `names` are those that must be given and then those that come by keyword only.
pub(crate) struct Signature<const N: usize> {
    pub(crate) function: &'static str,
    pub(crate) names: [Name; N],
    pub(crate) required: usize,
    pub(crate) positional: usize,
}

/// `positional` of a function with `*args`.
pub(crate) const ANY_NUMBER: usize = usize::MAX;

impl<'a> Arguments<'a> {
    /// # Safety
    /// `values`, `positional` and `names` come from CPython's vectorcall; all live for `'a`.
    #[inline(always)]
    pub(super) unsafe fn new(
        values: *const *mut ffi::PyObject,
        positional: usize,
        names: *mut ffi::PyObject,
    ) -> Arguments<'a> {
        Arguments {
            values,
            positional,
            names,
            owner: PhantomData,
        }
    }

    /// The positional arguments.
    #[inline(always)]
    pub(crate) fn positional(&self) -> &'a [Object] {
        if self.positional == 0 {
            return &[];
        }
        // SAFETY: `Object` is a transparent non-null pointer, and the arguments of a call
        // are never NULL and outlive `'a`. The slice is only read.
        unsafe { std::slice::from_raw_parts(self.values.cast::<Object>(), self.positional) }
    }

    /// How many keyword arguments there are.
    #[inline(always)]
    pub(crate) fn keyword_count(&self) -> usize {
        if self.names.is_null() {
            return 0;
        }
        // SAFETY: not NULL, so it is the tuple of names.
        unsafe { ffi::PyTuple_GET_SIZE(self.names) as usize }
    }

    /// The name and the value of a keyword argument.
    #[inline(always)]
    pub(crate) fn keyword(&self, index: usize) -> (Borrowed<'a>, Borrowed<'a>) {
        assert!(index < self.keyword_count(), "keyword index out of range");
        // SAFETY: the index is in range; names and values outlive `'a`.
        unsafe {
            (
                Borrowed::new(ffi::PyTuple_GET_ITEM(self.names, index as ffi::Py_ssize_t)),
                Borrowed::new(*self.values.add(self.positional + index)),
            )
        }
    }

    /// The one argument that `function` takes, given by position or by its name.
    ///
    /// # Errors
    /// `TypeError` if there is none, more than one, or one of another name.
    #[inline(always)]
    pub(crate) fn sole(&self, function: &'static str, name: Name) -> PyResult<&'a Object> {
        match self.positional() {
            [only] if self.names.is_null() => Ok(only),
            _ => self.sole_named(function, name),
        }
    }

    #[cold]
    fn sole_named(&self, function: &'static str, name: Name) -> PyResult<&'a Object> {
        let signature = Signature {
            function,
            names: [name],
            required: 1,
            positional: 1,
        };
        self.bind(&signature)?;
        // SAFETY: the call has exactly one argument, which is the first of the array; as in `positional`.
        Ok(unsafe { &*self.values.cast::<Object>() })
    }

    /// `function(receiver, *these)`
    ///
    /// # Errors
    /// What the function raises.
    ///
    /// # Reentrancy
    /// Runs any Python code.
    pub(crate) fn pass_on(&self, function: &Object, receiver: &Object) -> PyResult<Object> {
        let mut given = vec![receiver.clone()];
        given.extend(self.positional().iter().cloned());
        if self.keyword_count() == 0 {
            return super::calls::call_tuple(function, &values::tuple(given)?);
        }
        let mut names = Vec::with_capacity(self.keyword_count());
        for index in 0..self.keyword_count() {
            let (name, value) = self.keyword(index);
            names.push(name.clone());
            given.push(value.clone());
        }
        super::calls::call_with_names(function, &given, &values::tuple(names)?)
    }

    /// `function(*these)`
    ///
    /// # Errors
    /// What the function raises.
    ///
    /// # Reentrancy
    /// Runs any Python code.
    pub(crate) fn forward(&self, function: &Object) -> PyResult<Object> {
        // SAFETY: the very arguments of the call that we are in, unchanged.
        unsafe { super::calls::call_with_array(function, self.values, self.positional, self.names) }
    }

    /// The one keyword argument that `function` allows, if given (and not `None`).
    ///
    /// # Errors
    /// `TypeError` for any other keyword.
    #[inline(always)]
    pub(crate) fn only_keyword(&self, function: &str, name: Name) -> PyResult<Option<Object>> {
        let mut found = None;
        for index in 0..self.keyword_count() {
            let (given, value) = self.keyword(index);
            if !(given.is(name.object()) || values::same_text(&given, name.object())) {
                return Err(unexpected_keyword(function, &given));
            }
            if !value.is_none() {
                found = Some(value.clone());
            }
        }
        Ok(found)
    }

    /// What is wrong with arguments that do not fit the signature, worded as CPython words it.
    pub(crate) fn misfit<const N: usize>(&self, signature: &Signature<N>) -> Raised {
        misfit(self, signature)
    }

    /// Sorts the arguments into the order of the signature; absent ones are `None`.
    ///
    /// # Errors
    /// `TypeError`, worded as CPython words it.
    pub(crate) fn bind<const N: usize>(
        &self,
        signature: &Signature<N>,
    ) -> PyResult<[Option<Object>; N]> {
        let mut bound: [Option<Object>; N] = [const { None }; N];
        let positional = self.positional();
        if positional.len() > signature.positional {
            return Err(misfit(self, signature));
        }
        for (slot, value) in bound.iter_mut().zip(positional) {
            *slot = Some(value.clone());
        }
        for index in 0..self.keyword_count() {
            let (given, value) = self.keyword(index);
            let place = signature.names.iter().position(|name| {
                given.is(name.object()) || values::same_text(&given, name.object())
            });
            let Some(place) = place.filter(|place| bound[*place].is_none()) else {
                return Err(misfit(self, signature));
            };
            bound[place] = Some(value.clone());
        }
        if bound[..signature.required].iter().any(Option::is_none) {
            return Err(misfit(self, signature));
        }
        Ok(bound)
    }
}

#[cold]
fn unexpected_keyword(function: &str, given: &Object) -> Raised {
    let given = values::text(given).unwrap_or_default();
    Builtin::TypeError.raise(&argument_errors::unexpected_keyword(function, &given))
}

/// Arguments that came as a tuple and a dict (`tp_init`, `tp_call`), made over.
pub(super) struct Unpacked {
    values: Vec<Object>,
    positional: usize,
    names: Option<Object>,
}

impl Unpacked {
    /// # Safety
    /// `arguments` is a tuple, `keywords` NULL or a dict with string keys.
    pub(super) unsafe fn new(
        arguments: *mut ffi::PyObject,
        keywords: *mut ffi::PyObject,
    ) -> PyResult<Unpacked> {
        // SAFETY: by contract; items of tuples and dicts are borrowed and live while
        // their containers do, which is during this call.
        unsafe {
            let count = ffi::PyTuple_GET_SIZE(arguments);
            let mut values: Vec<Object> = (0..count)
                .filter_map(|i| Object::from_borrowed(ffi::PyTuple_GET_ITEM(arguments, i)))
                .collect();
            let positional = values.len();
            let mut names = Vec::new();
            if !keywords.is_null() {
                let (mut position, mut key, mut value) =
                    (0, std::ptr::null_mut(), std::ptr::null_mut());
                while ffi::PyDict_Next(keywords, &mut position, &mut key, &mut value) != 0 {
                    names.extend(Object::from_borrowed(key));
                    values.extend(Object::from_borrowed(value));
                }
            }
            let names = if names.is_empty() {
                None
            } else {
                Some(values::tuple(names)?)
            };
            Ok(Unpacked {
                values,
                positional,
                names,
            })
        }
    }

    pub(super) fn view(&self) -> Arguments<'_> {
        Arguments {
            values: self.values.as_ptr().cast(),
            positional: self.positional,
            names: self
                .names
                .as_ref()
                .map_or(std::ptr::null_mut(), Object::as_ptr),
            owner: PhantomData,
        }
    }
}
