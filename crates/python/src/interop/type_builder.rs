//! Makes a Python type out of a body.

use std::ffi::CStr;
use std::marker::PhantomData;
use std::os::raw::{c_int, c_void};
use std::ptr::null_mut;

use pyo3::ffi;

use super::errors::{PyResult, Raised};
use super::instance::{HeapType, Instance, body_offset};
use super::lifetime::{tp_clear, tp_dealloc, tp_finalize, tp_new, tp_traverse};
use super::methods::{Attribute, Method};
use super::object::Object;
use super::slots::SlotFunction;

/// Collects what a type consists of; [`TypeBuilder::build`] makes it.
pub(crate) struct TypeBuilder<T: HeapType> {
    slots: Vec<ffi::PyType_Slot>,
    methods: Vec<ffi::PyMethodDef>,
    attributes: Vec<ffi::PyGetSetDef>,
    flags: u64,
    base: Option<Object>,
    foreign_base: Option<Object>,
    class_attributes: Vec<(&'static str, Object)>,
    hidden: Vec<&'static CStr>,
    body: PhantomData<T>,
}

impl<T: HeapType> TypeBuilder<T> {
    /// A type with what every type of ours has, and nothing else yet.
    pub(crate) fn new(documentation: &'static CStr) -> TypeBuilder<T> {
        let slot = |slot: c_int, pfunc: *mut c_void| ffi::PyType_Slot { slot, pfunc };
        let mut slots = vec![
            slot(ffi::Py_tp_dealloc, tp_dealloc::<T> as *mut c_void),
            slot(ffi::Py_tp_traverse, tp_traverse::<T> as *mut c_void),
            slot(ffi::Py_tp_clear, tp_clear::<T> as *mut c_void),
            slot(ffi::Py_tp_doc, documentation.as_ptr().cast_mut().cast()),
        ];
        if T::FINALIZES {
            slots.push(slot(ffi::Py_tp_finalize, tp_finalize::<T> as *mut c_void));
        }
        TypeBuilder {
            slots,
            methods: Vec::new(),
            attributes: Vec::new(),
            flags: ffi::Py_TPFLAGS_DEFAULT | ffi::Py_TPFLAGS_HAVE_GC,
            base: None,
            foreign_base: None,
            class_attributes: Vec::new(),
            hidden: Vec::new(),
            body: PhantomData,
        }
    }

    /// Python code may derive from the type.
    pub(crate) fn subclassable(mut self) -> Self {
        self.flags |= ffi::Py_TPFLAGS_BASETYPE;
        self
    }

    /// Python code may call the type to make an instance.
    pub(crate) fn constructible(mut self) -> Self {
        self.slots.push(ffi::PyType_Slot {
            slot: ffi::Py_tp_new,
            pfunc: tp_new::<T> as *mut c_void,
        });
        self
    }

    /// Python code cannot make an instance.
    pub(crate) fn not_constructible(mut self) -> Self {
        self.flags |= ffi::Py_TPFLAGS_DISALLOW_INSTANTIATION;
        self
    }

    /// The base type; its body must be the beginning of ours.
    pub(crate) fn base<Base: HeapType>(mut self) -> Self
    where
        T: super::instance::Extends<Base>,
    {
        self.base = Some(super::instance::type_object::<Base>());
        self
    }

    /// The base type, where that is a class made by Python code. The body must begin with what instances of that class
    /// consist of; [`TypeBuilder::build`] refuses a class of another size.
    pub(crate) fn foreign_base(mut self, class: &Object) -> Self {
        self.foreign_base = Some(class.clone());
        self
    }

    /// An attribute of the class, as an assignment in a class body makes it: instances may have their own.
    pub(crate) fn class_attribute(mut self, name: &'static str, value: Object) -> Self {
        self.class_attributes.push((name, value));
        self
    }

    pub(crate) fn method(mut self, method: Method<T>) -> Self {
        self.methods.push(method.definition);
        self
    }

    pub(crate) fn methods(mut self, methods: Vec<Method<T>>) -> Self {
        self.methods
            .extend(methods.into_iter().map(|method| method.definition));
        self
    }

    pub(crate) fn attributes(mut self, attributes: Vec<Attribute<T>>) -> Self {
        self.attributes
            .extend(attributes.into_iter().map(|attribute| attribute.definition));
        self
    }

    pub(crate) fn slot(mut self, function: SlotFunction<T>) -> Self {
        self.slots.push(ffi::PyType_Slot {
            slot: function.slot,
            pfunc: function.pointer,
        });
        self
    }

    /// Takes a slot's name out of the type's dict: the slot works for the interpreter, yet
    /// `hasattr(instance, name)` is false.
    pub(crate) fn hide(mut self, name: &'static CStr) -> Self {
        self.hidden.push(name);
        self
    }

    /// Makes the type and stores it in `T::cell()`.
    ///
    /// # Errors
    /// What `PyType_FromSpec` raises.
    pub(crate) fn build(mut self) -> PyResult<Object> {
        let members = self.members();
        // SAFETY: all tables end with a zeroed entry and are leaked, as CPython keeps
        // pointers into them for the life of the type (which is for good).
        unsafe {
            self.add(ffi::Py_tp_members, leak(members));
            let methods = std::mem::take(&mut self.methods);
            self.add(ffi::Py_tp_methods, leak(methods));
            let attributes = std::mem::take(&mut self.attributes);
            self.add(ffi::Py_tp_getset, leak(attributes));
            let slots = leak(std::mem::take(&mut self.slots));
            let mut spec = ffi::PyType_Spec {
                name: T::NAME.as_ptr(),
                basicsize: size_of::<Instance<T>>() as c_int,
                itemsize: 0,
                flags: self.flags as u32,
                slots: slots.cast(),
            };
            let kind = match self.base.as_ref().or(self.foreign_base.as_ref()) {
                None => ffi::PyType_FromSpec(&mut spec),
                Some(base) => ffi::PyType_FromSpecWithBases(&mut spec, base.as_ptr()),
            };
            let kind = Object::from_owned(kind).ok_or_else(Raised::already)?;
            let pointer: *mut ffi::PyTypeObject = kind.as_ptr().cast();
            for name in &self.hidden {
                if ffi::PyDict_DelItemString((*pointer).tp_dict, name.as_ptr()) < 0 {
                    return Err(Raised::already());
                }
                ffi::PyType_Modified(pointer);
            }
            for (name, value) in &self.class_attributes {
                super::calls::set_attribute(&kind, &super::interned::intern(name)?, value)?;
            }
            T::cell().set(kind.clone().into_ptr().cast());
            Ok(kind)
        }
    }

    fn add(&mut self, slot: c_int, table: *mut c_void) {
        self.slots.push(ffi::PyType_Slot { slot, pfunc: table });
    }

    fn members(&self) -> Vec<ffi::PyMemberDef> {
        let member = |name: &'static CStr, offset: usize| ffi::PyMemberDef {
            name: name.as_ptr(),
            type_code: ffi::Py_T_PYSSIZET,
            offset: (body_offset::<T>() + offset) as ffi::Py_ssize_t,
            flags: ffi::Py_READONLY,
            doc: std::ptr::null(),
        };
        let mut members = Vec::new();
        if self.base.is_none() {
            members.extend(T::DICT.map(|offset| member(c"__dictoffset__", offset)));
            members.extend(T::WEAKREFS.map(|offset| member(c"__weaklistoffset__", offset)));
        }
        members
    }
}

/// Leaks a table with a zeroed entry at its end.
///
/// # Safety
/// A zeroed `E` is CPython's end mark of that table.
unsafe fn leak<E>(mut table: Vec<E>) -> *mut c_void {
    // SAFETY: promised by the caller; all these tables are plain C structs.
    table.push(unsafe { std::mem::zeroed() });
    match Box::leak(table.into_boxed_slice()) {
        [] => null_mut(),
        entries => entries.as_mut_ptr().cast(),
    }
}
