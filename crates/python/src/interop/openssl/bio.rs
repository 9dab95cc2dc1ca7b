//! A BIO between an `SSL` and the two memory BIOs that Python made for it.
//!
//! Without further ado it passes everything on to them, so that `SSLObject`, `MemoryBIO` and asyncio's code find what they
//! expect. For the time of one call it reads from a slice of ours after what the memory BIO holds ([`Between::offer`]), or
//! collects what is written ([`Between::collect`]): ciphertext is then copied once on either way.
//!
//! A memory BIO grows and never shrinks. Since it is seldom needed, it gives its memory back as soon as it is empty.

use std::cell::{Cell, UnsafeCell};
use std::os::raw::{c_char, c_int, c_long, c_void};
use std::ptr::{NonNull, null, null_mut};
use std::sync::OnceLock;

use super::library::{Bio, BioMethod, BufMem, Functions, Ssl, functions};

/// `BIO_TYPE_SOURCE_SINK`
const SOURCE_SINK: c_int = 0x0400;
/// `BIO_FLAGS_READ | BIO_FLAGS_SHOULD_RETRY`, and all flags of that kind
const RETRY_READ: c_int = 0x09;
const RETRY_FLAGS: c_int = 0x0f;
const SHOULD_RETRY: c_int = 0x08;
/// `BIO_CTRL_EOF`, `BIO_CTRL_PENDING`, `BIO_CTRL_FLUSH`, `BIO_CTRL_DUP`, `BIO_CTRL_WPENDING`
const CTRL_EOF: c_int = 2;
const CTRL_PENDING: c_int = 10;
const CTRL_FLUSH: c_int = 11;
const CTRL_DUP: c_int = 12;
const CTRL_WPENDING: c_int = 13;
/// `BIO_C_SET_BUF_MEM`, `BIO_CLOSE`: the BIO frees its buffer and uses this one, which it owns then.
const SET_BUF_MEM: c_int = 114;
const CLOSE: c_long = 1;

/// A record with more content than this may have another one behind it (bytes, RFC 8446 5.1).
const FULL: usize = 16 * 1024;

/// What the BIO is about; it owns this, and a reference to each of the memory BIOs.
pub(super) struct Between {
    incoming: NonNull<Bio>,
    outgoing: NonNull<Bio>,
    functions: &'static Functions,
    /// What is offered: memory that the caller of [`Between::offer`] keeps.
    offered: Cell<*const u8>,
    offered_size: Cell<usize>,
    /// Since the offer the memory BIO that is read from is empty.
    only_offered: Cell<bool>,
    /// The memory BIO that is read from has memory for what was kept there.
    grown: Cell<bool>,
    /// The memory BIO that is written to may hold something, and has memory for it.
    may_be_waiting: Cell<bool>,
    collecting: Cell<bool>,
    collected: UnsafeCell<Vec<u8>>,
    /// Who takes the first of what is collected, if that is the whole.
    sink: Cell<Option<Sink>>,
}

/// A closure that takes bytes: its address, and the function that calls what is there.
type Sink = (*mut c_void, unsafe fn(*mut c_void, &[u8]));

/// # Safety
/// `sink` is the address of an `F` that nobody else uses during the call.
unsafe fn give<F: FnMut(&[u8])>(sink: *mut c_void, bytes: &[u8]) {
    // SAFETY: by contract.
    unsafe { (*sink.cast::<F>())(bytes) }
}

impl Between {
    /// Puts a new BIO between the `SSL` and its memory BIOs, and gives what it is about.
    ///
    /// # Safety
    /// `ssl` is a live `SSL` above these two BIOs, and nothing was read or written with it yet. The result lives as long
    /// as the `SSL`.
    pub(super) unsafe fn insert(
        ssl: NonNull<Ssl>,
        incoming: NonNull<Bio>,
        outgoing: NonNull<Bio>,
        functions: &'static Functions,
    ) -> Option<NonNull<Between>> {
        let method = method(functions)?;
        // SAFETY: the references of the two memory BIOs that `SSL_set0_*bio` gives up are replaced by ours, taken before.
        // The new BIO owns the box, whose address does not change, until `destroy`.
        unsafe {
            let bio = NonNull::new((functions.BIO_new)(method))?.as_ptr();
            (functions.BIO_up_ref)(incoming.as_ptr());
            (functions.BIO_up_ref)(outgoing.as_ptr());
            let between = Box::new(Between {
                incoming,
                outgoing,
                functions,
                offered: Cell::new(null()),
                offered_size: Cell::new(0),
                only_offered: Cell::new(false),
                grown: Cell::new(false),
                may_be_waiting: Cell::new(true),
                collecting: Cell::new(false),
                collected: UnsafeCell::new(Vec::new()),
                sink: Cell::new(None),
            });
            let between = NonNull::from(Box::leak(between));
            (functions.BIO_set_data)(bio, between.as_ptr().cast());
            (functions.BIO_set_init)(bio, 1);
            (functions.BIO_up_ref)(bio);
            (functions.SSL_set0_rbio)(ssl.as_ptr(), bio);
            (functions.SSL_set0_wbio)(ssl.as_ptr(), bio);
            Some(between)
        }
    }

    /// How many bytes can be read.
    #[inline(always)]
    pub(super) fn incoming_size(&self) -> usize {
        if self.only_offered.get() {
            return self.offered_size.get();
        }
        self.kept() + self.offered_size.get()
    }

    /// How many bytes the memory BIO holds that is read from.
    #[inline(always)]
    fn kept(&self) -> usize {
        // SAFETY: this owns a reference to the BIO.
        unsafe { (self.functions.BIO_ctrl_pending)(self.incoming.as_ptr()) }
    }

    /// How many written bytes wait in the memory BIO.
    #[inline(always)]
    pub(super) fn outgoing_size(&self) -> usize {
        if !self.may_be_waiting.get() {
            return 0;
        }
        // SAFETY: as above.
        let waiting = unsafe { (self.functions.BIO_ctrl_pending)(self.outgoing.as_ptr()) };
        if waiting == 0 {
            self.may_be_waiting.set(false);
            self.give_memory_back(self.outgoing);
        }
        waiting
    }

    /// Lets an empty memory BIO free what it has grown to.
    #[cold]
    fn give_memory_back(&self, memory: NonNull<Bio>) {
        // SAFETY: this owns a reference to the BIO, which is a memory BIO of `_ssl` and frees its buffer with itself, so that
        // nobody else has that. A buffer that the BIO does not take is freed here.
        unsafe {
            let buffer: *mut BufMem = (self.functions.BUF_MEM_new)();
            if buffer.is_null() {
                return;
            }
            if (self.functions.BIO_ctrl)(memory.as_ptr(), SET_BUF_MEM, CLOSE, buffer.cast()) <= 0 {
                (self.functions.BUF_MEM_free)(buffer);
            }
        }
    }

    /// Appends to the memory BIO that is read from. False if memory is short.
    pub(super) fn keep(&self, bytes: &[u8]) -> bool {
        // What was offered before comes before.
        self.settle().is_some() && self.append(bytes)
    }

    fn append(&self, bytes: &[u8]) -> bool {
        let Ok(length) = c_int::try_from(bytes.len()) else {
            return false;
        };
        let start = bytes.as_ptr().cast();
        self.grown.set(true);
        // SAFETY: as above; `length` readable bytes are copied.
        let taken = unsafe { (self.functions.BIO_write)(self.incoming.as_ptr(), start, length) };
        length == 0 || taken == length
    }

    /// Lets the `SSL` read these bytes, after what the memory BIO holds, until [`Between::settle`].
    ///
    /// # Safety
    /// The bytes stay until `settle` was called.
    pub(super) unsafe fn offer(&self, bytes: &[u8]) -> bool {
        if self.offered_size.get() > 0 {
            return self.keep(bytes);
        }
        self.offered.set(bytes.as_ptr());
        self.offered_size.set(bytes.len());
        self.only_offered.set(!bytes.is_empty() && self.kept() == 0);
        true
    }

    /// Moves what is left of the offer into the memory BIO, and says how much that holds then. `None` if memory is short.
    #[inline(always)]
    pub(super) fn settle(&self) -> Option<usize> {
        let size = self.offered_size.replace(0);
        let start = self.offered.replace(null());
        let only_offered = self.only_offered.replace(false);
        if size == 0 {
            return Some(if only_offered { 0 } else { self.rest() });
        }
        // SAFETY: the bytes of the offer, which still stand.
        let kept = self.append(unsafe { std::slice::from_raw_parts(start, size) });
        kept.then(|| self.kept())
    }

    /// How much of what was kept is left.
    fn rest(&self) -> usize {
        let kept = self.kept();
        if kept == 0 && self.grown.replace(false) {
            self.give_memory_back(self.incoming);
        }
        kept
    }

    /// Whether something is left of an offer.
    #[inline(always)]
    pub(super) fn is_offering(&self) -> bool {
        self.offered_size.get() > 0 || self.only_offered.get()
    }

    /// Collects what is written in `place` from now on; false (and nothing happens) if that is done already or if older
    /// bytes wait in the memory BIO.
    #[inline(always)]
    pub(super) fn collect(&self, place: &mut Vec<u8>) -> bool {
        if self.collecting.get() || self.outgoing_size() > 0 {
            return false;
        }
        // SAFETY: not collecting, so nobody else uses the vector.
        unsafe { self.collected.get().swap(place) };
        self.collecting.set(true);
        true
    }

    /// Ends collecting, and gives the vector back.
    #[inline(always)]
    pub(super) fn collected(&self, place: &mut Vec<u8>) {
        self.collecting.set(false);
        // SAFETY: not collecting any more.
        unsafe { self.collected.get().swap(place) };
    }

    /// Gives the first bytes that would be collected to `sink` instead, if no others will follow: a record that is not
    /// full ends what the `SSL` was given. So they need not be copied. Until [`Between::keep_all`].
    ///
    /// # Safety
    /// Nobody uses or moves `sink` before `keep_all`.
    #[inline(always)]
    pub(super) unsafe fn give_to<F: FnMut(&[u8])>(&self, sink: &mut F) {
        self.sink.set(Some(((&raw mut *sink).cast(), give::<F>)));
    }

    /// Collects whatever is written.
    #[inline(always)]
    pub(super) fn keep_all(&self) {
        self.sink.set(None);
    }

    /// Takes what waits in the memory BIO; `place` is cleared before.
    pub(super) fn take_outgoing(&self, place: &mut Vec<u8>) {
        let size = self.outgoing_size().min(c_int::MAX as usize);
        place.clear();
        place.reserve(size);
        // SAFETY: `size` bytes of room were reserved; the call says how many of them it wrote, -1 if none.
        unsafe {
            let start = place.as_mut_ptr().cast();
            let taken = (self.functions.BIO_read)(self.outgoing.as_ptr(), start, size as c_int);
            place.set_len(usize::try_from(taken).unwrap_or(0).min(size));
        }
        self.outgoing_size();
    }

    /// `BIO_read`
    ///
    /// # Safety
    /// `place` is `size` writable bytes, `bio` the BIO of `self`.
    unsafe fn read(&self, bio: *mut Bio, place: *mut u8, size: usize) -> c_int {
        let functions = self.functions;
        // SAFETY: by contract; what is offered stands until it is settled, and is no part of `place`.
        unsafe {
            (functions.BIO_clear_flags)(bio, RETRY_FLAGS);
            let memory = self.incoming.as_ptr();
            let offered = self.offered_size.get();
            if offered > 0 && (self.only_offered.get() || self.kept() == 0) {
                let count = offered.min(size);
                let start = self.offered.get();
                std::ptr::copy_nonoverlapping(start, place, count);
                self.offered.set(start.add(count));
                self.offered_size.set(offered - count);
                return count as c_int;
            }
            let answer = (functions.BIO_read)(memory, place.cast(), size as c_int);
            if answer <= 0 && (functions.BIO_test_flags)(memory, SHOULD_RETRY) != 0 {
                (functions.BIO_set_flags)(bio, RETRY_READ);
            }
            answer
        }
    }

    /// `BIO_write`
    ///
    /// # Safety
    /// `bytes` are `size` readable ones.
    unsafe fn write(&self, bytes: *const u8, size: usize) -> c_int {
        // SAFETY: by contract. While collecting nobody but this method uses the vector, and not while it gives to the
        // sink, which stands until it is withdrawn.
        unsafe {
            if self.collecting.get() {
                let bytes = std::slice::from_raw_parts(bytes, size);
                match self.sink.take() {
                    Some((sink, give)) if size < FULL && (*self.collected.get()).is_empty() => {
                        give(sink, bytes);
                    }
                    _ => (*self.collected.get()).extend_from_slice(bytes),
                }
                return size as c_int;
            }
            self.may_be_waiting.set(true);
            (self.functions.BIO_write)(self.outgoing.as_ptr(), bytes.cast(), size as c_int)
        }
    }
}

/// What a BIO of ours is about.
///
/// # Safety
/// `bio` is one of ours.
unsafe fn between<'a>(bio: *mut Bio) -> Option<&'a Between> {
    // SAFETY: the data of a BIO of ours is the box that it owns, or NULL before it has one.
    unsafe {
        let data = (functions()?.BIO_get_data)(bio).cast::<Between>();
        data.as_ref()
    }
}

unsafe extern "C" fn read(bio: *mut Bio, place: *mut c_char, size: c_int) -> c_int {
    // SAFETY: OpenSSL calls this for BIOs of ours, with room for `size` bytes.
    unsafe {
        match (between(bio), usize::try_from(size)) {
            (Some(this), Ok(size)) if !place.is_null() => this.read(bio, place.cast(), size),
            _ => -1,
        }
    }
}

unsafe extern "C" fn write(bio: *mut Bio, bytes: *const c_char, size: c_int) -> c_int {
    // SAFETY: OpenSSL calls this for BIOs of ours, with `size` bytes.
    unsafe {
        match (between(bio), usize::try_from(size)) {
            (Some(this), Ok(size)) if !bytes.is_null() => this.write(bytes.cast(), size),
            _ => -1,
        }
    }
}

unsafe extern "C" fn control(
    bio: *mut Bio,
    command: c_int,
    _number: c_long,
    _pointer: *mut c_void,
) -> c_long {
    // SAFETY: OpenSSL calls this for BIOs of ours.
    let Some(this) = (unsafe { between(bio) }) else {
        return 0;
    };
    match command {
        CTRL_EOF => c_long::from(this.incoming_size() == 0),
        CTRL_PENDING => this.incoming_size() as c_long,
        CTRL_WPENDING => this.outgoing_size() as c_long,
        CTRL_FLUSH | CTRL_DUP => 1,
        // What a BIO does not know it answers with 0: kernel TLS, for one.
        _ => 0,
    }
}

unsafe extern "C" fn destroy(bio: *mut Bio) -> c_int {
    // SAFETY: OpenSSL calls this once, when the last reference to a BIO of ours goes; the box and the two references are
    // its own. The `SSL` is gone by then, so that nobody uses them.
    unsafe {
        let Some(functions) = functions() else {
            return 0;
        };
        let data = (functions.BIO_get_data)(bio).cast::<Between>();
        (functions.BIO_set_data)(bio, null_mut());
        if !data.is_null() {
            let this = Box::from_raw(data);
            (functions.BIO_free)(this.incoming.as_ptr());
            (functions.BIO_free)(this.outgoing.as_ptr());
        }
    }
    1
}

struct Method(NonNull<BioMethod>);

// SAFETY: the table is never changed after it is made.
unsafe impl Send for Method {}
// SAFETY: as above.
unsafe impl Sync for Method {}

/// Our kind of BIO, made once.
fn method(functions: &'static Functions) -> Option<*const BioMethod> {
    static METHOD: OnceLock<Option<Method>> = OnceLock::new();
    let made = METHOD.get_or_init(|| {
        // SAFETY: a new table, filled with functions of the types that it asks for; the name is static.
        unsafe {
            let index = (functions.BIO_get_new_index)();
            let name = c"tepal".as_ptr();
            let method = NonNull::new((functions.BIO_meth_new)(index | SOURCE_SINK, name))?;
            let table = method.as_ptr();
            let filled = (functions.BIO_meth_set_read)(table, Some(read)) != 0
                && (functions.BIO_meth_set_write)(table, Some(write)) != 0
                && (functions.BIO_meth_set_ctrl)(table, Some(control)) != 0
                && (functions.BIO_meth_set_destroy)(table, Some(destroy)) != 0;
            (index > 0 && filled).then_some(Method(method))
        }
    });
    made.as_ref().map(|method| method.0.as_ptr().cast_const())
}
