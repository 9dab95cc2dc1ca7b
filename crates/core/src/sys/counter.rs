/// The processor's counter of time, in ticks of a length that nobody tells. It costs a third of [`super::monotonic_ns`].
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(crate) fn ticks() -> u64 {
    // SAFETY: every x86-64 processor has the instruction; Linux forbids it to a process only if that asked for it (PR_SET_TSC).
    unsafe { std::arch::x86_64::_rdtsc() }
}

/// As on x86-64; here there is none that is worth it, and nobody asks.
#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
pub(crate) fn ticks() -> u64 {
    super::monotonic_ns()
}

/// Whether [`ticks`] promises to count evenly, whatever the processor's frequency and sleep (AMD64 Architecture Programmer's
/// Manual, volume 3, appendix E.4.7: `TscInvariant`).
#[cfg(target_arch = "x86_64")]
pub(crate) fn counts_evenly() -> bool {
    use std::arch::x86_64::__cpuid;
    const POWER: u32 = 0x8000_0007;
    const INVARIANT: u32 = 1 << 8;
    __cpuid(0x8000_0000).eax >= POWER && __cpuid(POWER).edx & INVARIANT != 0
}

#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn counts_evenly() -> bool {
    false
}
