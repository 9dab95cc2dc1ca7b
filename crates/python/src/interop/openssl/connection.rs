//! One `SSL`, which belongs to an `ssl.SSLObject` of the interpreter's.

use std::mem::MaybeUninit;
use std::os::raw::{c_int, c_long};
use std::ptr::{NonNull, null_mut};

use crate::interop::gc::Visitor;
use crate::interop::object::Object;

use super::bio::Between;
use super::library::{Bio, Functions, Ssl, functions};
use super::made::Watch;

/// `SSL_ERROR_WANT_READ`, `SSL_ERROR_ZERO_RETURN` (openssl/ssl.h)
const WANT_READ: c_int = 2;
/// `SSL_CTRL_MODE`, `SSL_MODE_RELEASE_BUFFERS`
const CTRL_MODE: c_int = 33;
const MODE_RELEASE_BUFFERS: c_long = 0x10;
/// `BIO_TYPE_MEM`
const BIO_TYPE_MEM: c_int = 0x0401;
/// `SSL_RECEIVED_SHUTDOWN`
const RECEIVED_SHUTDOWN: c_int = 2;
/// The index under which `_ssl` keeps its own object (`SSL_set_app_data`).
const APP_DATA: c_int = 0;

/// What an attempt to read gave.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Received {
    /// So many bytes.
    Data(usize),
    /// The rest of a record has not arrived yet.
    NotNow,
    /// Anything else: the end, an error. OpenSSL's error queue is as the call left it.
    Other,
}

/// An `SSL`, kept alive by the `_ssl._SSLSocket` that owns it.
pub(crate) struct Connection {
    ssl: NonNull<Ssl>,
    between: NonNull<Between>,
    functions: &'static Functions,
    owner: Object,
}

/// Bytes that the `SSL` reads from until this goes.
pub(crate) struct Offered<'a> {
    connection: &'a Connection,
    _bytes: &'a [u8],
}

impl Offered<'_> {
    /// Ends the offer; how many bytes the `SSL` has not looked at. `None` if memory is short.
    #[inline(always)]
    pub(crate) fn end(self) -> Option<usize> {
        self.connection.between().settle()
        // What follows, the drop, finds nothing left.
    }
}

impl Drop for Offered<'_> {
    fn drop(&mut self) {
        if self.connection.between().is_offering() {
            // On the way out with an exception, which ends the connection: a failure changes nothing.
            self.connection.between().settle();
        }
    }
}

/// Ends [`Connection::giving`].
struct Withdrawn<'a>(&'a Between);

impl Drop for Withdrawn<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        self.0.keep_all();
    }
}

impl Connection {
    /// The `SSL` that was made since `watch` began, if it is the one of `owner` (an `_ssl._SSLSocket`) and lies above two
    /// memory BIOs.
    pub(crate) fn of(owner: &Object, watch: &Watch) -> Option<Connection> {
        let functions = functions()?;
        let ssl = watch.only_one()?;
        let pointer = ssl.as_ptr();
        // SAFETY: OpenSSL itself named this `SSL` in this thread just now, under the GIL. It lives if `owner` owns it;
        // until that is known only its extra data is read. (`_ssl` frees a half-made one only if wrapping fails, and then
        // there is no owner.) The BIOs belong to it.
        unsafe {
            if (functions.SSL_get_ex_data)(pointer, APP_DATA) != owner.as_ptr().cast() {
                return None;
            }
            let incoming = NonNull::new((functions.SSL_get_rbio)(pointer))?;
            let outgoing = NonNull::new((functions.SSL_get_wbio)(pointer))?;
            let is_memory =
                |bio: NonNull<Bio>| (functions.BIO_method_type)(bio.as_ptr()) == BIO_TYPE_MEM;
            if incoming == outgoing || !is_memory(incoming) || !is_memory(outgoing) {
                return None;
            }
            let between = Between::insert(ssl, incoming, outgoing, functions)?;
            (functions.SSL_ctrl)(pointer, CTRL_MODE, MODE_RELEASE_BUFFERS, null_mut());
            Some(Connection {
                ssl,
                between,
                functions,
                owner: owner.clone(),
            })
        }
    }

    /// Shows the owner to the collector.
    pub(crate) fn traverse(&self, visitor: &mut Visitor) {
        visitor.object(&self.owner);
    }

    #[inline(always)]
    fn between(&self) -> &Between {
        // SAFETY: the BIO owns it and the `SSL` owns the BIO, which `owner` keeps.
        unsafe { self.between.as_ref() }
    }

    /// Puts bytes of the peer's where the `SSL` reads. False if memory is short.
    pub(crate) fn feed(&self, bytes: &[u8]) -> bool {
        self.between().keep(bytes)
    }

    /// Lets the `SSL` read bytes of the peer's where they are. What it has not read when the result goes, it will find as
    /// if it had been [fed](Connection::feed).
    #[inline(always)]
    pub(crate) fn offer<'a>(&'a self, bytes: &'a [u8]) -> Offered<'a> {
        // SAFETY: the result keeps the bytes borrowed, and ends the offer when it goes. (It is never leaked: our callers
        // hold it in a variable.)
        unsafe { self.between().offer(bytes) };
        Offered {
            connection: self,
            _bytes: bytes,
        }
    }

    /// How many bytes of the peer's the `SSL` has not looked at.
    #[inline]
    pub(crate) fn incoming_size(&self) -> usize {
        self.between().incoming_size()
    }

    /// How many bytes for the peer wait.
    #[inline]
    pub(crate) fn outgoing_size(&self) -> usize {
        self.between().outgoing_size()
    }

    /// Begins to collect bytes for the peer in `place`; false if older ones wait, or if that is done already.
    #[inline(always)]
    pub(crate) fn collect(&self, place: &mut Vec<u8>) -> bool {
        place.clear();
        self.between().collect(place)
    }

    /// Ends it; `place` has them.
    #[inline(always)]
    pub(crate) fn collected(&self, place: &mut Vec<u8>) {
        self.between().collected(place);
    }

    /// Runs `work` while bytes are collected. A write of one record in there gives it to `sink`, out of OpenSSL's own
    /// memory; whatever follows is collected.
    #[inline(always)]
    pub(crate) fn giving<R>(&self, sink: &mut impl FnMut(&[u8]), work: impl FnOnce() -> R) -> R {
        let between = self.between();
        let withdrawn = Withdrawn(between);
        // SAFETY: `sink` is borrowed until this returns, and withdrawn before that, whatever `work` does.
        unsafe { between.give_to(sink) };
        let done = work();
        drop(withdrawn);
        done
    }

    /// Whether a read would find nothing at all.
    #[inline]
    pub(crate) fn is_drained(&self) -> bool {
        self.decrypted() <= 0 && self.incoming_size() == 0
    }

    /// How much of a record is decrypted and not read yet (bytes).
    #[inline]
    fn decrypted(&self) -> c_int {
        // SAFETY: `owner` keeps the `SSL`.
        unsafe { (self.functions.SSL_pending)(self.ssl.as_ptr()) }
    }

    /// How many bytes wait to be read, decrypted or not.
    pub(crate) fn waiting(&self) -> usize {
        usize::try_from(self.decrypted()).unwrap_or(0) + self.incoming_size()
    }

    /// Whether a read would say no more than that nothing is there, nor the end.
    pub(crate) fn has_nothing(&self) -> bool {
        // SAFETY: as in `is_drained`.
        let shutdown = unsafe { (self.functions.SSL_get_shutdown)(self.ssl.as_ptr()) };
        shutdown & RECEIVED_SHUTDOWN == 0 && self.is_drained()
    }

    /// Takes the bytes for the peer that wait; `place` is cleared before.
    #[inline]
    pub(crate) fn take_outgoing(&self, place: &mut Vec<u8>) {
        self.between().take_outgoing(place);
    }

    /// `SSL_read_ex`: at most one record's content.
    ///
    /// # Reentrancy
    /// A renegotiation can run the context's callbacks, that is, any Python code.
    #[inline]
    pub(crate) fn read(&self, place: &mut [u8]) -> Received {
        // SAFETY: bytes are bytes, and `read_uninitialized` writes nothing else there.
        let place =
            unsafe { std::slice::from_raw_parts_mut(place.as_mut_ptr().cast(), place.len()) };
        self.read_uninitialized(place)
    }

    /// As [`Self::read`]: so many bytes at the beginning of `place` are initialized then.
    #[inline]
    pub(crate) fn read_uninitialized(&self, place: &mut [MaybeUninit<u8>]) -> Received {
        let mut count = 0;
        // SAFETY: `owner` keeps the `SSL`, the GIL orders all uses of it, and `place` is that many writable bytes, which
        // nobody else can reach during the call.
        unsafe {
            let ssl = self.ssl.as_ptr();
            let answer = (self.functions.SSL_read_ex)(
                ssl,
                place.as_mut_ptr().cast(),
                place.len(),
                &raw mut count,
            );
            if answer > 0 {
                return Received::Data(count.min(place.len()));
            }
            match (self.functions.SSL_get_error)(ssl, answer) {
                WANT_READ => Received::NotNow,
                _ => Received::Other,
            }
        }
    }

    /// Begins the handshake, where nothing has come from the peer yet; whether it waits for that now, as a server does.
    pub(crate) fn awaits_hello(&self) -> bool {
        if self.incoming_size() > 0 {
            return false;
        }
        // SAFETY: as in `read`.
        unsafe {
            let ssl = self.ssl.as_ptr();
            (self.functions.SSL_is_server)(ssl) == 1 && {
                let answer = (self.functions.SSL_do_handshake)(ssl);
                (self.functions.SSL_get_error)(ssl, answer) == WANT_READ
            }
        }
    }

    /// Makes a close_notify, if none was made yet and nothing has come from the peer that had to be read for it: whether
    /// the peer's is waited for now. `_ssl` would say so by an exception.
    pub(crate) fn says_goodbye(&self) -> bool {
        // SAFETY: as in `read`. This first call of `SSL_shutdown` reads nothing; if it fails, it does so again.
        unsafe {
            let ssl = self.ssl.as_ptr();
            (self.functions.SSL_get_shutdown)(ssl) == 0
                && self.is_drained()
                && (self.functions.SSL_shutdown)(ssl) == 0
        }
    }

    /// The `_ssl._SSLSocket`.
    pub(crate) fn owner(&self) -> &Object {
        &self.owner
    }

    /// `SSL_write_ex`: how many of the bytes were taken; `None` if the call has to be made again, with the same bytes, by
    /// `SSLObject.write()`, which knows what to do or to raise.
    ///
    /// # Reentrancy
    /// As [`Self::read`].
    #[inline]
    pub(crate) fn write(&self, bytes: &[u8]) -> Option<usize> {
        let mut count = 0;
        // SAFETY: as in `read`; the bytes are only read.
        let answer = unsafe {
            (self.functions.SSL_write_ex)(
                self.ssl.as_ptr(),
                bytes.as_ptr().cast(),
                bytes.len(),
                &raw mut count,
            )
        };
        (answer > 0).then_some(count)
    }
}
