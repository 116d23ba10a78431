//! The clock of the examples.

/// Seconds: of processor time of this thread where there is one thread and Linux, so that a busy machine
/// disturbs little; else of the clock on the wall.
pub(crate) fn seconds() -> f64 {
    #[cfg(all(target_os = "linux", target_pointer_width = "64"))]
    if rayon::current_num_threads() == 1 {
        #[repr(C)]
        struct Timespec {
            seconds: i64,
            nanoseconds: i64,
        }
        unsafe extern "C" {
            fn clock_gettime(clock: i32, time: *mut Timespec) -> i32;
        }
        const CLOCK_THREAD_CPUTIME_ID: i32 = 3;
        let mut time = Timespec { seconds: 0, nanoseconds: 0 };
        // SAFETY: the structure is that of 64-bit Linux, and lives through the call.
        unsafe { clock_gettime(CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
        return time.seconds as f64 + time.nanoseconds as f64 * 1e-9;
    }
    static START: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    START.get_or_init(std::time::Instant::now).elapsed().as_secs_f64()
}
