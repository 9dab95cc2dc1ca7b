//! The recording of one loop.

use std::sync::Arc;

use tepal_core::{RunDelay, StepClock, StepWatch, monotonic_ns};

use crate::interop::calls;
use crate::interop::errors::PyResult;
use crate::interop::frames::Frame;
use crate::interop::gc::Visitor;
use crate::interop::instance::Instance;
use crate::interop::interned::Name;
use crate::interop::object::Object;
use crate::interop::values;
use crate::loop_core::body::LoopBody;
use crate::loop_core::entry::Entry;
use crate::loop_core::wrappers;

use super::events::Trace;
use super::note::{Cause, CauseKind, TaskNote};
use super::places::{NO_SITE, Places, Role};

/// How many frames of the line that made a Task are kept in a trace.
const STACK_DEPTH: usize = 8;
/// How many long steps are kept.
const BLOCKS: usize = 10_000;
/// How often the kernel is asked how long the thread waited for a processor, in nanoseconds.
const DELAY_LOOKS: u64 = 10_000_000;
/// Of how many steps it is remembered when they ended.
const ENDS: usize = 1024;

/// A step or callback that held the loop for too long.
pub(crate) struct Block {
    pub(crate) start: u64,
    pub(crate) duration: u64,
    /// 0 for a callback.
    pub(crate) task: u32,
    /// The Task's coroutine.
    pub(crate) code: u32,
    /// The Task's name, or what the callback is.
    pub(crate) text: u32,
}

/// What the recording asks of Python code.
#[derive(Clone)]
pub(crate) struct Hooks {
    /// `classify(code) -> int`: the frame's [`Role`] by its index.
    pub(crate) classify: Object,
    /// `waited(task, start, end, cause) -> int`, called before a Task goes on: the number of what it waited for. `None` if nobody asks.
    pub(crate) waited: Option<Object>,
}

/// See the module's text. What each step touches stands first, in as few lines of the processor's cache as hold it.
#[repr(C, align(64))]
pub(crate) struct Recorder {
    /// When the latest step or wait ended.
    pub(crate) boundary: u64,
    /// Counts what runs.
    pub(crate) serial: u64,
    /// What runs.
    pub(crate) running: Cause,
    /// How many Tasks the present step has made.
    pub(crate) children: u32,
    /// There is a picture to be made, or Python code that is asked about each wait.
    pub(crate) asks_more: bool,
    pub(crate) watch: Arc<StepWatch>,
    /// Read once per step.
    pub(crate) clock: StepClock,
    /// Nanoseconds from which on a step blocks.
    pub(crate) threshold: u64,
    /// When it was looked at last how long the thread waited for a processor, and what it was.
    delay_seen: u64,
    delay_known: u64,
    pub(crate) callbacks: u64,
    pub(crate) places: Places,
    pub(crate) hooks: Hooks,
    pub(crate) blocks: Vec<Block>,
    pub(crate) trace: Option<Trace>,
    /// How long the loop's thread waited for a processor; `None` until it is looked at, and where nobody tells.
    delay: Option<RunDelay>,
    ends: [u64; ENDS],
}

impl Recorder {
    pub(crate) fn new(hooks: Hooks, threshold: u64, trace: Option<Trace>) -> Recorder {
        Recorder {
            watch: Arc::new(StepWatch::new()),
            clock: match trace {
                // What Python code tells of the same moments is told by the real clock.
                Some(_) => StepClock::real(),
                None => StepClock::cheap(),
            },
            boundary: monotonic_ns(),
            serial: 0,
            running: Cause::OUTSIDE,
            children: 0,
            threshold,
            places: Places::default(),
            blocks: Vec::new(),
            callbacks: 0,
            asks_more: trace.is_some() || hooks.waited.is_some(),
            hooks,
            trace,
            delay: None,
            delay_seen: 0,
            delay_known: 0,
            ends: [0; ENDS],
        }
    }

    /// Whether the clock is read for each Task that is made.
    pub(crate) fn times_every_task(&self) -> bool {
        self.trace.is_some() || self.running.kind == CauseKind::Outside
    }

    /// When something becomes ready now. Without a trace the clock is not read: the beginning of the step that does it,
    /// which [`Self::ready_since`] corrects.
    #[inline(always)]
    fn time_of_wake(&self) -> u64 {
        if self.times_every_task() {
            monotonic_ns()
        } else {
            self.boundary
        }
    }

    /// Since when a Task is ready: not before the step that woke it has ended, as far back as that is known.
    #[inline(always)]
    pub(crate) fn ready_since(&self, note: &TaskNote) -> u64 {
        let by = note.ready_by.get();
        if self.trace.is_some() || (self.serial as u32).wrapping_sub(by) >= ENDS as u32 {
            return note.ready.get();
        }
        note.ready.get().max(self.ends[by as usize % ENDS])
    }

    /// The origin of what is made by this instruction, if it has made a Task lately and no stacks are kept.
    #[inline(always)]
    pub(crate) fn known_origin(&self, code: &Object, instruction: i32) -> Option<Origin> {
        if self.trace.is_some() {
            return None;
        }
        let site = self.places.latest_sites.find(code, instruction)?;
        Some(Origin {
            site,
            stack: 0,
            direct: true,
        })
    }

    /// The loop's thread begins to run the loop.
    pub(crate) fn thread_changes(&mut self) {
        self.delay = RunDelay::of_this_thread();
        self.delay_seen = 0;
    }

    /// Remembers now and then how long the thread has waited for a processor.
    #[inline(always)]
    pub(crate) fn look_at_delay(&mut self, now: u64) {
        if now.saturating_sub(self.delay_seen) >= DELAY_LOOKS {
            self.delay_seen = now;
            self.delay_known = self.delay();
        }
    }

    #[inline(never)]
    fn delay(&self) -> u64 {
        let delay = self.delay.as_ref().and_then(RunDelay::nanoseconds);
        delay.unwrap_or(0)
    }

    /// Whether a step held the loop for the threshold. The time in which the kernel ran others does not count, and what of it
    /// fell into the [`DELAY_LOOKS`] before the step neither.
    #[inline(always)]
    pub(crate) fn was_long(&mut self, start: u64, now: u64) -> bool {
        let duration = now.saturating_sub(start);
        duration >= self.threshold && duration - self.delayed(now).min(duration) >= self.threshold
    }

    #[inline(never)]
    fn delayed(&mut self, now: u64) -> u64 {
        let before = self.delay_known;
        self.delay_known = self.delay();
        self.delay_seen = now;
        self.delay_known.saturating_sub(before)
    }

    /// Something runs from now on.
    #[inline(always)]
    pub(crate) fn begin_step(&mut self, cause: Cause) {
        self.serial += 1;
        self.children = 0;
        self.running = cause;
        self.watch.step(self.boundary);
    }

    /// A Task with this code was ready for so long before it ran.
    #[inline(always)]
    pub(crate) fn count_delay(&mut self, code: u32, delay: u64) {
        if let Some(stats) = self.places.stats(code) {
            stats.longest_delay = stats.longest_delay.max(delay);
        }
    }

    /// A Task with this code made a step.
    #[inline(always)]
    pub(crate) fn count_step(&mut self, code: u32, duration: u64) {
        if let Some(stats) = self.places.stats(code) {
            stats.steps += 1;
            stats.busy += duration;
            stats.longest_step = stats.longest_step.max(duration);
        }
    }

    /// The step that runs ends now.
    #[inline(always)]
    pub(crate) fn step_ends(&mut self, now: u64) {
        self.boundary = now;
        self.ends[self.serial as usize % ENDS] = now;
    }

    /// Keeps a long step.
    pub(crate) fn add_block(&mut self, block: Block) {
        if self.blocks.len() < BLOCKS {
            self.blocks.push(block);
        }
    }

    pub(crate) fn traverse(&self, visitor: &mut Visitor) {
        visitor.object(&self.hooks.classify);
        if let Some(waited) = &self.hooks.waited {
            visitor.object(waited);
        }
        for code in &self.places.codes {
            visitor.object(&code.object);
        }
        for row in self.trace.iter().flat_map(|trace| &trace.rows) {
            visitor.object(&row.name);
        }
    }
}

/// Where something was made.
pub(crate) struct Origin {
    pub(crate) site: u32,
    pub(crate) stack: u32,
    /// Only doors lie between the line and us.
    pub(crate) direct: bool,
}

/// Where the code's calls by two instructions begin, as offsets in bytes; only 3.11 has such.
fn split_calls(code: &Object) -> PyResult<Vec<i32>> {
    const PRECALL: i64 = 166;
    if cfg!(Py_3_12) {
        return Ok(Vec::new());
    }
    let Some(bytes) = calls::optional_attribute(code, Name::CoCode.object())? else {
        return Ok(Vec::new());
    };
    let mut offsets = Vec::new();
    for (offset, byte) in values::items(&bytes)?.iter().enumerate().step_by(2) {
        if values::to_integer(byte)? == PRECALL {
            offsets.push(offset as i32);
        }
    }
    Ok(offsets)
}

impl Instance<LoopBody> {
    /// Works with the recording, if there is one; no Python code may run in `work`.
    #[inline(always)]
    pub(crate) fn with_recorder<R>(&self, work: impl FnOnce(&mut Recorder) -> R) -> Option<R> {
        // Not `map()`, whose argument would be called and not inlined.
        let mut borrowed = self.recorder.borrow_mut();
        let recorder = borrowed.as_deref_mut()?;
        Some(work(recorder))
    }

    /// The number of a code object.
    ///
    /// # Reentrancy
    /// Asks Python code about a new one.
    #[inline]
    pub(crate) fn code_number(&self, code: &Object) -> PyResult<u32> {
        match self.with_recorder(|recorder| recorder.places.known_code(code)) {
            Some(Some(number)) => Ok(number),
            Some(None) => self.learn_code(code),
            None => Ok(0),
        }
    }

    #[inline(never)]
    fn learn_code(&self, code: &Object) -> PyResult<u32> {
        let Some(classify) = self.with_recorder(|recorder| recorder.hooks.classify.clone()) else {
            return Ok(0);
        };
        let role = match values::to_integer(&calls::call(&classify, [code])?)? {
            1 => Role::Door,
            2 => Role::Inner,
            3 => Role::Bottom,
            _ => Role::Program,
        };
        let split_calls = split_calls(code)?;
        let number = self
            .with_recorder(|recorder| recorder.places.learn_code(code.clone(), role, split_calls));
        Ok(number.unwrap_or(0))
    }

    /// The line of the program that runs right now.
    ///
    /// # Reentrancy
    /// As [`Self::code_number`].
    pub(crate) fn origin(&self) -> PyResult<Origin> {
        let traced = self
            .with_recorder(|recorder| recorder.trace.is_some())
            .unwrap_or(false);
        let mut direct = true;
        let mut site = NO_SITE;
        let mut sites = Vec::new();
        let mut frame = Frame::current();
        let mut innermost = true;
        while let Some(this) = frame {
            let object = this.code();
            let code = self.code_number(&object)?;
            let found = self.with_recorder(|recorder| match recorder.places.role(code) {
                Role::Program => {
                    let instruction = this.last_instruction();
                    let site = recorder.places.site(code, instruction);
                    if innermost {
                        recorder
                            .places
                            .latest_sites
                            .keep(&object, instruction, site);
                    }
                    Ok(site)
                }
                other => Err(other),
            });
            innermost = false;
            match found {
                Some(Ok(number)) => {
                    if site == NO_SITE {
                        site = number;
                    }
                    sites.push(number);
                }
                Some(Err(Role::Inner)) if site == NO_SITE => direct = false,
                Some(Err(Role::Bottom)) | None => break,
                Some(Err(_)) => {}
            }
            if site != NO_SITE && (!traced || sites.len() == STACK_DEPTH) {
                break;
            }
            frame = this.back();
        }
        let stack = match traced {
            true => self
                .with_recorder(|recorder| recorder.places.stack(sites))
                .unwrap_or(0),
            false => 0,
        };
        Ok(Origin {
            site,
            stack,
            direct: direct && site != NO_SITE,
        })
    }

    /// An entry goes into the ready queue.
    pub(crate) fn note_ready(&self, entry: &Entry) {
        if let Entry::Step(task) | Entry::Wake { task, .. } | Entry::Throw { task, .. } = entry {
            self.note_task_ready(task);
        }
    }

    /// A Task goes into the ready queue.
    #[inline(always)]
    pub(crate) fn note_task_ready(&self, task: &Object) {
        let Some(note) = wrappers::note_of(task) else {
            return;
        };
        self.with_recorder(|recorder| {
            if let Some(circumstances) = &note.circumstances {
                circumstances.cause.set(recorder.running);
            }
            // A Task that goes on by itself is ready when its step ends.
            let own = recorder.running.task == note.id;
            note.ready
                .set(if own { 0 } else { recorder.time_of_wake() });
            note.ready_by.set(recorder.serial as u32);
        });
    }
}
