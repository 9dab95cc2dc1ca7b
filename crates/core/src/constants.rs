//! Every number of the core, each with its reason.

/// How many ready entries may run between two polls while more work is ready (entries).
///
/// A poll that finds nothing costs a system call (150 to 400 ns), as much as several entries: saving it was the largest
/// single win of the prototype, 25 to 45 % on paths with one Task. 64 makes the poll's share of a turn vanish; a larger
/// number gains nothing measurable and only delays I/O.
pub const DEFAULT_POLL_ENTRIES: u32 = 64;

/// How long ready entries may run between two polls while more work is ready (nanoseconds).
///
/// The bound on how much later than under asyncio (which polls at every turn) a socket is noticed when entries are slow:
/// 64 entries of 50 microseconds would otherwise be 3.2 ms.
pub const DEFAULT_POLL_NANOSECONDS: u64 = 25_000;

/// How many times as many entries and nanoseconds may pass while a loop watches its own wake-up descriptors alone.
///
/// Nobody waits for I/O then; what is delayed is a call from another thread or a signal, by 0.4 ms at most.
pub const POLL_RARELY: u32 = 16;

/// Where [`PollBudget`](crate::PollBudget) reads the clock for the first time after a poll if entries proved to be cheap
/// (entries; a power of two).
///
/// Reading the clock costs 25 to 60 ns, an entry of a `call_soon` chain about as much. From 8 on at each doubling there
/// are three readings in the default 64 entries, about 2 ns per entry.
pub const FIRST_CLOCK_READING: u32 = 8;

/// The longest single wait for a deadline (nanoseconds): one day, asyncio's `MAXIMUM_SELECT_TIMEOUT`.
///
/// A deadline further away is simply looked at again then. It keeps every timeout far from what the kernel's types hold.
pub const MAXIMUM_WAIT_NANOSECONDS: u64 = 24 * 3600 * 1_000_000_000;

/// How many cancelled timers are tolerated before a compaction is considered (timers).
///
/// asyncio's `_MIN_SCHEDULED_TIMER_HANDLES`. Below it a sweep costs more than the memory is worth.
pub const TOLERATED_CANCELLED_TIMERS: usize = 100;

/// How much room an emptied timer heap keeps (timers; 24 KiB with pointer-sized items).
///
/// A loop that once had a million timers gives that memory back; one that goes between none and a few hundred does not
/// meet the allocator each time.
pub const RETAINED_TIMER_CAPACITY: usize = 1024;

/// How many events one wait can return at first (events; 12 bytes each on x86-64, 16 elsewhere).
pub const INITIAL_EVENT_CAPACITY: usize = 64;

/// How far an event buffer grows (events).
///
/// What does not fit stays with the kernel and comes with the next wait, so the cap costs only system calls; it bounds
/// memory (64 KiB) and the time until timers and callbacks get their turn.
pub const MAXIMUM_EVENT_CAPACITY: usize = 4096;

/// Above how much unsent data a transport's protocol is paused if nothing else was set (bytes).
///
/// asyncio's `_FlowControlMixin._set_write_buffer_limits`: 64 KiB, and a quarter of it as the low limit.
pub const DEFAULT_HIGH_WATER: usize = 64 * 1024;

/// How much a transport holds back for the next write of the same turn (bytes).
///
/// A head and a small body fit; with more, one system call less is no saving worth a wait.
pub const HELD_BYTES: usize = 16 * 1024;

/// How often a `BufferedProtocol`'s buffer is filled in a row while other connections wait (times).
///
/// libuv reads a connection up to 32 times. With a usual buffer of 64 KiB this is 256 KiB, as much as one read brings to a
/// `Protocol`.
pub const FILLED_IN_A_ROW: usize = 4;

/// How much of what a protocol answers to the parts of one message is sent together (bytes).
pub const JOINED_ANSWERS: usize = 256 * 1024;

/// How long a transport holds back a write for the next one of the same turn (nanoseconds).
///
/// Between two writes of one response lie a few microseconds. A program that computes in between is not waited for: the
/// next write, if it comes later than this, sends everything.
pub const HELD_NANOSECONDS: u64 = 250_000;

/// How many writes between two polls make it worth while to gather them (writes).
///
/// Fewer are sent in a row anyway, and their latency counts.
pub const GATHERING_FROM: u32 = 4;

/// How many transports are gathered at most before they are sent (transports).
///
/// Of 100 that are busy, 16 bring most of the gain and 64 all that was measurable.
pub const GATHERED_TRANSPORTS: usize = 64;

/// The largest write out of a protocol's `data_received` or `buffer_updated` that is gathered (bytes).
///
/// Such an answer is still in the processor's caches. Sending it at once is the faster way by 5 % at 10 KiB, and the slower one
/// by 3 % at 1 KiB; at 4 KiB there is no difference. A Task that answers runs after everything was received, and gathers more.
pub const GATHERED_ANSWER: usize = 4 * 1024;

/// Up to where bytes are gathered that have to be copied for that (bytes): records of TLS.
///
/// Measured with 100 connections: at 1 KiB the row gains more than the copy costs, at 10 KiB it lost 6 %.
pub const GATHERED_COPY: usize = 4 * 1024;

/// How long the first of them may have waited (nanoseconds). If it took longer, the program computes between its writes,
/// and gathering rests.
///
/// 64 answers of an HTTP server take 1 to 1.5 milliseconds, on a busy machine more than 2.
pub const GATHERED_NANOSECONDS: u64 = 4_000_000;

/// For how many polls gathering rests then (polls).
pub const GATHERING_RESTS: u32 = 64;

/// After how many connections in a row that ended with their first answer that is expected of the next (connections).
pub const ENDINGS_FROM: i32 = 4;

/// How long an answer may have waited for the end of its connection (nanoseconds). If it took longer, other callbacks compute
/// in between, and answers do not wait.
pub const ENDINGS_NANOSECONDS: u64 = 4_000_000;

/// For how many connections then (connections).
pub const ENDINGS_REST: i32 = 64;

/// From how many bytes on a Task that has received them goes on at once (bytes).
///
/// Behind it come the others that have received something: with so much each, what came first has left the caches before its
/// turn. With less, running like after like is the faster way, by up to a tenth at 1 KiB.
pub const HURRIED_BYTES: usize = 16 * 1024;

/// How large the buffer is that all streams of a loop read small amounts through (bytes).
///
/// What was read is copied into an object of exactly its size. Up to here the copy is cheaper than fresh memory.
pub const SCRATCH_READ: usize = 64 * 1024;

/// How many packets that were handed out to stream readers are remembered, so that the memory of those that nobody kept
/// serves again (packets).
///
/// A program lets go of a packet when it has the next one of the same connection: that is two for each of 128 connections
/// that are busy at once.
pub const REMEMBERED_PACKETS: usize = 256;

/// Which packets are remembered (bytes): smaller ones have fast paths in the allocators; at most 1 MiB is kept in all.
pub const REMEMBERED_PACKET_SIZES: std::ops::RangeInclusive<usize> = 900..=4096;

/// The most that one read asks of the kernel (bytes).
///
/// asyncio's `_SelectorTransport.max_size`. It bounds how long one connection can keep the others waiting.
pub const LARGEST_READ: usize = 256 * 1024;
