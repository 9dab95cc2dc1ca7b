//! Calls that may end their thread.
//!
//! When the interpreter ends, a daemon thread that asks for the GIL is ended by
//! `pthread_exit` (up to 3.13; from 3.14 on it is left hanging). glibc then unwinds the
//! thread's stack, and at the first Rust frame with something to clean up the process would
//! abort. So the functions that may ask for the GIL are called through a few instructions
//! for which no unwind information exists: there glibc finds the end of the stack, and
//! leaves the thread at once, without touching the frames beyond.

#[cfg(not(Py_3_14))]
mod ended {
    // `tepal_enter(function, a, b, c, d)` calls `function(a, b, c, d)`. There is no `.cfi`
    // directive on purpose. The frame pointer is kept, for profilers. Any codegen unit of ours may call it, nobody else.
    #[cfg(target_arch = "x86_64")]
    std::arch::global_asm!(
        ".text",
        ".p2align 4",
        ".globl tepal_enter",
        ".hidden tepal_enter",
        ".type tepal_enter,@function",
        "tepal_enter:",
        "push rbp",
        "mov rbp, rsp",
        "mov rax, rdi",
        "mov rdi, rsi",
        "mov rsi, rdx",
        "mov rdx, rcx",
        "mov rcx, r8",
        "call rax",
        "pop rbp",
        "ret",
        ".size tepal_enter, . - tepal_enter",
    );

    #[cfg(target_arch = "aarch64")]
    std::arch::global_asm!(
        ".text",
        ".p2align 4",
        ".globl tepal_enter",
        ".hidden tepal_enter",
        ".type tepal_enter,@function",
        "tepal_enter:",
        "stp x29, x30, [sp, -16]!",
        "mov x29, sp",
        "mov x9, x0",
        "mov x0, x1",
        "mov x1, x2",
        "mov x2, x3",
        "mov x3, x4",
        "blr x9",
        "ldp x29, x30, [sp], 16",
        "ret",
        ".size tepal_enter, . - tepal_enter",
    );

    unsafe extern "C" {
        pub(super) fn tepal_enter(
            function: usize,
            first: usize,
            second: usize,
            third: usize,
            fourth: usize,
        ) -> usize;
    }
}

/// `function(first, second, third, fourth)`, as the module's text describes; arguments that
/// the function does not take are ignored by it.
///
/// # Safety
/// `function` is the address of a C function of at most four integer or pointer arguments,
/// and what it asks of its caller holds.
#[cfg(not(Py_3_14))]
#[inline(always)]
pub(super) unsafe fn enter(
    function: usize,
    first: usize,
    second: usize,
    third: usize,
    fourth: usize,
) -> usize {
    // SAFETY: passes everything on to the caller's contract.
    unsafe { ended::tepal_enter(function, first, second, third, fourth) }
}

/// `function(first, second, third, fourth)`: from 3.14 on no thread is ended.
///
/// # Safety
/// As above.
#[cfg(Py_3_14)]
#[inline(always)]
pub(super) unsafe fn enter(
    function: usize,
    first: usize,
    second: usize,
    third: usize,
    fourth: usize,
) -> usize {
    type Function = unsafe extern "C" fn(usize, usize, usize, usize) -> usize;
    // SAFETY: an address of a C function by contract. On x86-64 and aarch64 surplus integer
    // arguments stand in registers that the callee may overwrite anyway.
    unsafe {
        let function = std::mem::transmute::<usize, Function>(function);
        function(first, second, third, fourth)
    }
}
