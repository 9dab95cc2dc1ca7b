//! A list of live instances that owns none of them (the tasks of a loop).

use std::cell::{Cell, RefCell};
use std::ptr::NonNull;
use std::rc::{Rc, Weak};

use pyo3::ffi;

use super::counting;
use super::instance::{HeapType, Instance};
use super::object::Object;

/// The members, each at the index that its [`Membership`] remembers.
///
/// # Invariant
/// An entry points to an instance that has not been freed: the instance's body owns the
/// [`Membership`], whose drop (during `tp_dealloc`, before the memory is freed) takes the
/// entry out.
pub(crate) struct Roster {
    members: RefCell<Vec<Option<NonNull<ffi::PyObject>>>>,
    free: RefCell<Vec<u32>>,
}

/// Keeps an instance on a roster until it is dropped.
pub(crate) struct Membership {
    roster: Rc<Roster>,
    index: Cell<u32>,
}

/// Every roster that was made, weakly.
struct AllRosters(RefCell<Vec<Weak<Roster>>>);

// SAFETY: touched only with the GIL held (see `interop`), which also orders the counts of
// the `Rc`s that point to a roster from several threads.
unsafe impl Sync for AllRosters {}

static ALL: AllRosters = AllRosters(RefCell::new(Vec::new()));

/// All rosters that still have an owner.
pub(crate) fn all_rosters() -> Vec<Rc<Roster>> {
    let mut all = ALL.0.borrow_mut();
    all.retain(|roster| roster.strong_count() > 0);
    all.iter().filter_map(Weak::upgrade).collect()
}

impl Roster {
    pub(crate) fn new() -> Rc<Roster> {
        let members = RefCell::new(Vec::new());
        let roster = Rc::new(Roster {
            members,
            free: RefCell::new(Vec::new()),
        });
        let mut all = ALL.0.borrow_mut();
        all.retain(|roster| roster.strong_count() > 0);
        all.push(Rc::downgrade(&roster));
        roster
    }

    /// Enters an instance; the membership must be stored inside the instance's own body.
    #[inline]
    pub(crate) fn enter<T: HeapType>(self: &Rc<Roster>, instance: &Instance<T>) -> Membership {
        let pointer = NonNull::new(instance.raw_head());
        let mut members = self.members.borrow_mut();
        let index = match self.free.borrow_mut().pop() {
            Some(index) => {
                members[index as usize] = pointer;
                index
            }
            None => {
                members.push(pointer);
                (members.len() - 1) as u32
            }
        };
        Membership {
            roster: Rc::clone(self),
            index: Cell::new(index),
        }
    }

    /// New references to all members that are not about to be freed.
    pub(crate) fn members(&self) -> Vec<Object> {
        let members = self.members.borrow();
        members
            .iter()
            .flatten()
            // SAFETY: by the invariant the memory is an object; one whose count is zero
            // is inside its own dealloc and must not be revived.
            .filter_map(|pointer| unsafe {
                let pointer = pointer.as_ptr();
                if counting::count(pointer) > 0 {
                    Object::from_borrowed(pointer)
                } else {
                    None
                }
            })
            .collect()
    }
}

impl Drop for Membership {
    #[inline]
    fn drop(&mut self) {
        let index = self.index.get();
        self.roster.members.borrow_mut()[index as usize] = None;
        self.roster.free.borrow_mut().push(index);
    }
}
