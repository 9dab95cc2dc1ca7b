//! Code objects, lines and stacks by number, and the sums that belong to them.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use crate::interop::object::Object;

/// No line of the program made it.
pub(crate) const NO_SITE: u32 = u32::MAX;

/// What a frame is for whoever looks for the line of the program that did something.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// The program's, or a library's.
    Program,
    /// `asyncio.create_task` and its like, which only pass on.
    Door,
    /// asyncio's own, which has its reasons (gather, TaskGroup ...).
    Inner,
    /// The loop itself: nobody further out made it.
    Bottom,
}

/// The sums of one coroutine function. Times in nanoseconds.
#[derive(Clone, Copy, Default)]
pub(crate) struct CodeStats {
    pub(crate) tasks: u64,
    pub(crate) steps: u64,
    pub(crate) busy: u64,
    pub(crate) longest_step: u64,
    pub(crate) longest_delay: u64,
}

/// A code object and its sums: one line of the processor's cache, which each step of a Task touches.
#[repr(align(64))]
pub(crate) struct Code {
    pub(crate) object: Object,
    role: Role,
    pub(crate) stats: CodeStats,
}

/// A line that makes Tasks, and what became of them. What each Task touches is one line of the processor's cache.
#[repr(C, align(64))]
pub(crate) struct Site {
    pub(crate) code: u32,
    /// Offset of the instruction, in bytes.
    pub(crate) instruction: i32,
    /// The code of the latest Task made here.
    pub(crate) made: u32,
    pub(crate) tasks: u64,
    pub(crate) at_once: u64,
    /// For how many of them those stand that were timed, and the nanoseconds of all these between making and resuming that the
    /// coroutine itself did not take.
    at_once_timed: u64,
    at_once_cost: u64,
    pub(crate) dropped: u64,
    /// The numbers of the first such Tasks.
    pub(crate) at_once_tasks: Vec<u32>,
    pub(crate) dropped_tasks: Vec<u32>,
}

/// How many Tasks a site names.
const EXAMPLES: usize = 8;

/// The first Tasks of a line are timed, then one of so many, which stands for them all.
const TIMED_FIRST: u64 = 64;
const TIMED_LATER: u8 = 64;

impl Site {
    /// For how many Tasks the one stands that is made now: if for any, the clock is to be read for it.
    #[inline(always)]
    pub(crate) fn weight(&self) -> u8 {
        if self.tasks < TIMED_FIRST {
            1
        } else if self.tasks.is_multiple_of(TIMED_LATER.into()) {
            TIMED_LATER
        } else {
            0
        }
    }

    /// What all Tasks that were awaited at once cost, by those that were timed.
    pub(crate) fn at_once_cost(&self) -> u64 {
        let all = u128::from(self.at_once_cost) * u128::from(self.at_once);
        u64::try_from(all / u128::from(self.at_once_timed.max(1))).unwrap_or(u64::MAX)
    }

    /// A Task was awaited at once, and cost so many nanoseconds, if it stands for any.
    #[inline(never)]
    pub(crate) fn count_at_once(&mut self, task: u32, weight: u8, cost: u64) {
        self.at_once += 1;
        self.at_once_timed += u64::from(weight);
        self.at_once_cost += u64::from(weight) * cost;
        if self.at_once_tasks.len() < EXAMPLES {
            self.at_once_tasks.push(task);
        }
    }

    pub(crate) fn count_dropped(&mut self, task: u32) {
        self.dropped += 1;
        if self.dropped_tasks.len() < EXAMPLES {
            self.dropped_tasks.push(task);
        }
    }
}

/// A hash of numbers that nobody chooses with bad intent.
#[derive(Default)]
pub(crate) struct NumberHasher(u64);

type Numbers = BuildHasherDefault<NumberHasher>;

impl Hasher for NumberHasher {
    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 29)
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, number: u64) {
        // A Fibonacci hash: 2^64 divided by the golden ratio.
        self.0 = (self.0.rotate_left(5) ^ number).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }

    fn write_usize(&mut self, number: usize) {
        self.write_u64(number as u64);
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(u64::from(number));
    }

    fn write_i32(&mut self, number: i32) {
        self.write_u64(u64::from(number as u32));
    }
}

/// The lines that made Tasks lately, by the address of the code and the instruction. What it finds is what
/// [`Places::site`] would.
pub(crate) struct LatestSites([(usize, i32, u32); LATEST]);

/// The numbers of codes that were asked for lately, by address.
struct LatestCodes([(usize, u32); LATEST]);

const LATEST: usize = 64;

impl Default for LatestCodes {
    fn default() -> LatestCodes {
        LatestCodes([(0, 0); LATEST])
    }
}

impl Default for LatestSites {
    fn default() -> LatestSites {
        LatestSites([(0, 0, NO_SITE); LATEST])
    }
}

impl LatestSites {
    #[inline(always)]
    fn index(code: usize, instruction: i32) -> usize {
        // Code objects lie at multiples of 16, instructions at multiples of 2.
        ((code >> 4) ^ (code >> 10) ^ (instruction as usize >> 1)) % LATEST
    }

    #[inline(always)]
    pub(crate) fn find(&self, code: &Object, instruction: i32) -> Option<u32> {
        let (address, at, site) = self.0[Self::index(code.address(), instruction)];
        (address == code.address() && at == instruction).then_some(site)
    }

    /// `code` is one of [`Places::codes`], which keep it alive.
    pub(crate) fn keep(&mut self, code: &Object, instruction: i32, site: u32) {
        self.0[Self::index(code.address(), instruction)] = (code.address(), instruction, site);
    }
}

/// See the module's text. Code objects are kept alive, so that an address stays one code's.
#[derive(Default)]
pub(crate) struct Places {
    codes_by_address: HashMap<usize, u32, Numbers>,
    pub(crate) codes: Vec<Code>,
    /// For each code, where its calls by two instructions begin; see [`Places::whole_call`].
    split_calls: Vec<Vec<i32>>,
    sites_by_place: HashMap<(u32, i32), u32, Numbers>,
    pub(crate) latest_sites: LatestSites,
    latest_codes: LatestCodes,
    pub(crate) sites: Vec<Site>,
    stacks_by_sites: HashMap<Vec<u32>, u32>,
    pub(crate) stacks: Vec<Vec<u32>>,
    texts_by_text: HashMap<String, u32>,
    pub(crate) texts: Vec<String>,
}

impl Places {
    /// The number of a code object, if it is known.
    #[inline(always)]
    pub(crate) fn known_code(&mut self, code: &Object) -> Option<u32> {
        let address = code.address();
        let latest = self.latest_codes.0[(address >> 4) % LATEST];
        if latest.0 == address {
            return Some(latest.1);
        }
        self.find_code(address)
    }

    #[inline(never)]
    fn find_code(&mut self, address: usize) -> Option<u32> {
        let number = self.codes_by_address.get(&address).copied()?;
        self.latest_codes.0[(address >> 4) % LATEST] = (address, number);
        Some(number)
    }

    /// Makes a code object known.
    pub(crate) fn learn_code(&mut self, code: Object, role: Role, split_calls: Vec<i32>) -> u32 {
        if let Some(known) = self.known_code(&code) {
            return known;
        }
        let number = self.codes.len() as u32;
        self.codes_by_address.insert(code.address(), number);
        self.codes.push(Code {
            object: code,
            role,
            stats: CodeStats::default(),
        });
        self.split_calls.push(split_calls);
        number
    }

    /// How many steps all Tasks made.
    pub(crate) fn steps(&self) -> u64 {
        self.codes.iter().map(|code| code.stats.steps).sum()
    }

    /// The longest time that a Task was ready before it ran, and the number of its code.
    pub(crate) fn longest_delay(&self) -> (u64, u32) {
        let delays = (0..).zip(&self.codes);
        let delays = delays.map(|(number, code)| (code.stats.longest_delay, number));
        delays.max_by_key(|(delay, _)| *delay).unwrap_or((0, 0))
    }

    pub(crate) fn role(&self, code: u32) -> Role {
        self.codes
            .get(code as usize)
            .map_or(Role::Program, |code| code.role)
    }

    #[inline(always)]
    pub(crate) fn stats(&mut self, code: u32) -> Option<&mut CodeStats> {
        let code = self.codes.get_mut(code as usize)?;
        Some(&mut code.stats)
    }

    /// 3.11 calls by two instructions, `PRECALL` and `CALL`, and once it has seen a builtin function called there, the
    /// first does the work of both: the place is the second, whichever runs.
    #[inline]
    fn whole_call(&self, code: u32, instruction: i32) -> i32 {
        const PRECALL_BYTES: i32 = 4;
        match self.split_calls.get(code as usize) {
            Some(split) if split.contains(&instruction) => instruction + PRECALL_BYTES,
            _ => instruction,
        }
    }

    /// The number of a line.
    #[inline]
    pub(crate) fn site(&mut self, code: u32, instruction: i32) -> u32 {
        let instruction = self.whole_call(code, instruction);
        let sites = &mut self.sites;
        *self
            .sites_by_place
            .entry((code, instruction))
            .or_insert_with(|| {
                sites.push(Site {
                    code,
                    instruction,
                    tasks: 0,
                    at_once: 0,
                    at_once_timed: 0,
                    at_once_cost: 0,
                    at_once_tasks: Vec::new(),
                    dropped: 0,
                    dropped_tasks: Vec::new(),
                    made: 0,
                });
                (sites.len() - 1) as u32
            })
    }

    #[inline(always)]
    pub(crate) fn site_mut(&mut self, site: u32) -> Option<&mut Site> {
        self.sites.get_mut(site as usize)
    }

    /// The number of a stack.
    pub(crate) fn stack(&mut self, sites: Vec<u32>) -> u32 {
        if let Some(known) = self.stacks_by_sites.get(&sites) {
            return *known;
        }
        let number = self.stacks.len() as u32;
        self.stacks.push(sites.clone());
        self.stacks_by_sites.insert(sites, number);
        number
    }

    /// The number of a text.
    pub(crate) fn text(&mut self, text: &str) -> u32 {
        if let Some(known) = self.texts_by_text.get(text) {
            return *known;
        }
        let number = self.texts.len() as u32;
        self.texts.push(text.to_owned());
        self.texts_by_text.insert(text.to_owned(), number);
        number
    }
}
