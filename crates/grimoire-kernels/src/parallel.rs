//! Work sharing. A kernel cuts its work into pieces of fixed size, numbered from zero; which thread takes
//! which piece does not matter, since each piece writes its own part of the output.
//! The number of threads is that of the rayon pool the caller runs in.
//!
//! Generating one token is some two hundred products of twenty microseconds each, so the hand-over must
//! cost less than one. The threads here wait for the next job a little while before they sleep, and a job
//! is one pointer put where each of them looks. Not a general scheduler: there is one team for the whole
//! process, and whoever finds it busy (another thread, or a piece that shares out work of its own) does its
//! pieces alone.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, TryLockError};
use std::thread::{self, Thread};

/// Runs `piece(0) … piece(count − 1)`, each once, in no particular order.
///
/// # Panics
/// When a piece panics, after all threads have let go of the work.
pub fn for_each_piece(count: usize, piece: impl Fn(usize) + Sync + Send) {
    let threads = if count <= 1 { 1 } else { rayon::current_num_threads().min(count) };
    if threads > 1 {
        match TEAM.try_lock() {
            Ok(mut team) => return team.run(threads, count, &piece),
            // A panic in a piece went through; the team itself is whole.
            Err(TryLockError::Poisoned(team)) => {
                return team.into_inner().run(threads, count, &piece);
            }
            Err(TryLockError::WouldBlock) => {}
        }
    }
    (0..count).for_each(piece);
}

/// Cuts `out` into rows of `width` and runs `piece(first_row, rows)` on runs of `rows_per_piece` rows.
///
/// # Panics
/// When `width` or `rows_per_piece` is zero, or a piece panics.
pub fn for_each_rows(
    out: &mut [f32],
    width: usize,
    rows_per_piece: usize,
    piece: impl Fn(usize, &mut [f32]) + Sync + Send,
) {
    let parts = Parts::of(out, width * rows_per_piece);
    for_each_piece(parts.count(), |index| {
        // SAFETY: each part is asked for once.
        piece(index * rows_per_piece, unsafe { parts.part(index) });
    });
}

/// [`for_each_rows`] over two outputs of one shape at once.
///
/// # Panics
/// When they differ in size, or as [`for_each_rows`].
pub fn for_each_row_pairs(
    one: &mut [f32],
    other: &mut [f32],
    width: usize,
    rows_per_piece: usize,
    piece: impl Fn(usize, &mut [f32], &mut [f32]) + Sync + Send,
) {
    for_each_rows_of_two(one, width, other, width, rows_per_piece, piece);
}

/// [`for_each_rows`] over two outputs with as many rows, of two widths.
///
/// # Panics
/// When they differ in rows, or as [`for_each_rows`].
pub fn for_each_rows_of_two(
    one: &mut [f32],
    one_width: usize,
    other: &mut [f32],
    other_width: usize,
    rows_per_piece: usize,
    piece: impl Fn(usize, &mut [f32], &mut [f32]) + Sync + Send,
) {
    assert_eq!(one.len() * other_width, other.len() * one_width, "row pairs: sizes differ");
    let one = Parts::of(one, one_width * rows_per_piece);
    let other = Parts::of(other, other_width * rows_per_piece);
    for_each_piece(one.count(), |index| {
        // SAFETY: each part is asked for once.
        let (one, other) = unsafe { (one.part(index), other.part(index)) };
        piece(index * rows_per_piece, one, other);
    });
}

/// A slice cut into parts of `step` values, the last one shorter.
struct Parts {
    start: Shared,
    len: usize,
    step: usize,
}

impl Parts {
    fn of(values: &mut [f32], step: usize) -> Self {
        assert!(step > 0, "rows of no width");
        Self { start: Shared(values.as_mut_ptr()), len: values.len(), step }
    }

    fn count(&self) -> usize {
        self.len.div_ceil(self.step)
    }

    /// # Safety
    /// No part is held twice at once, and none longer than the slice it was cut from is borrowed.
    #[expect(clippy::mut_from_ref, reason = "the caller promises that no part is held twice")]
    unsafe fn part(&self, index: usize) -> &mut [f32] {
        let from = index * self.step;
        let len = self.step.min(self.len - from);
        // SAFETY: within the slice; the caller keeps parts apart.
        unsafe { std::slice::from_raw_parts_mut(self.start.pointer().add(from), len) }
    }
}

/// A pointer that pieces may share because each writes a part of its own.
pub(crate) struct Shared<T = f32>(pub(crate) *mut T);

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Shared<T> {}

// SAFETY: users of `Shared` write disjoint parts, as each use argues.
unsafe impl<T: Send> Send for Shared<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Shared<T> {}

impl<T> Shared<T> {
    /// The pointer itself (a method, so that closures capture the whole wrapper).
    pub(crate) fn pointer(self) -> *mut T {
        self.0
    }

    /// `len` values from `from` on.
    ///
    /// # Safety
    /// They must exist while they are borrowed, and nobody else hold them.
    pub(crate) unsafe fn part<'a>(self, from: usize, len: usize) -> &'a mut [T] {
        // SAFETY: the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.0.add(from), len) }
    }
}

/// Looks that a waiting thread takes (some 20 ns each) before it sleeps: longer than the gap between two
/// products of one token.
const LOOKS: usize = 3000;

static TEAM: Mutex<Team> = Mutex::new(Team { members: Vec::new() });

/// The threads that wait for jobs, beside the caller.
struct Team {
    members: Vec<Member>,
}

struct Member {
    desk: Arc<Desk>,
    thread: Thread,
}

/// Where a member looks for its next job.
#[derive(Default)]
struct Desk {
    job: AtomicPtr<Job<'static>>,
    asleep: AtomicBool,
}

/// Pieces to do. It lives on the stack of the caller, who does not leave before every member that took it
/// has let go of it.
struct Job<'a> {
    piece: &'a (dyn Fn(usize) + Sync),
    count: usize,
    next: AtomicUsize,
    released: AtomicUsize,
    failed: AtomicBool,
}

impl Job<'_> {
    fn work(&self) {
        loop {
            let index = self.next.fetch_add(1, Ordering::Relaxed);
            if index >= self.count {
                return;
            }
            (self.piece)(index);
        }
    }
}

impl Team {
    fn run(&mut self, threads: usize, count: usize, piece: &(dyn Fn(usize) + Sync)) {
        while self.members.len() + 1 < threads {
            match Member::hire() {
                Some(member) => self.members.push(member),
                // No more threads to be had: fewer do it.
                None => break,
            }
        }
        let members = &self.members[..self.members.len().min(threads - 1)];
        let job = Job {
            piece,
            count,
            next: AtomicUsize::new(0),
            released: AtomicUsize::new(0),
            failed: AtomicBool::new(false),
        };
        for member in members {
            member.offer(&job);
        }
        let outcome = catch_unwind(AssertUnwindSafe(|| job.work()));
        if outcome.is_err() {
            job.next.store(count, Ordering::Relaxed);
        }
        // Whoever has not taken the job by now need not; whoever has must let go of it first.
        let taken = members.iter().filter(|member| !member.withdraw()).count();
        let mut looks = 0;
        while job.released.load(Ordering::Acquire) < taken {
            looks += 1;
            if looks < LOOKS { std::hint::spin_loop() } else { thread::yield_now() }
        }
        match outcome {
            Err(panic) => resume_unwind(panic),
            Ok(()) => assert!(!job.failed.load(Ordering::Relaxed), "a piece of work panicked"),
        }
    }
}

impl Member {
    fn hire() -> Option<Self> {
        let desk = Arc::new(Desk::default());
        let own = Arc::clone(&desk);
        let spawned = thread::Builder::new().name("kernels".into()).spawn(move || own.attend());
        spawned.ok().map(|handle| Self { desk, thread: handle.thread().clone() })
    }

    fn offer(&self, job: &Job<'_>) {
        let job = std::ptr::from_ref(job).cast_mut().cast::<Job<'static>>();
        self.desk.job.store(job, Ordering::SeqCst);
        if self.desk.asleep.load(Ordering::SeqCst) {
            self.thread.unpark();
        }
    }

    /// Takes back an offer; false when the member has taken it.
    fn withdraw(&self) -> bool {
        !self.desk.job.swap(std::ptr::null_mut(), Ordering::SeqCst).is_null()
    }
}

impl Desk {
    fn attend(&self) {
        loop {
            let job = self.wait();
            // SAFETY: the caller waits for `released` before it leaves the frame that holds the job, and
            // this member took it before it could be withdrawn.
            let job = unsafe { &*job };
            if catch_unwind(AssertUnwindSafe(|| job.work())).is_err() {
                job.next.store(job.count, Ordering::Relaxed);
                job.failed.store(true, Ordering::Relaxed);
            }
            job.released.fetch_add(1, Ordering::Release);
        }
    }

    fn wait(&self) -> *mut Job<'static> {
        loop {
            for _ in 0..LOOKS {
                if !self.job.load(Ordering::Relaxed).is_null() {
                    let job = self.job.swap(std::ptr::null_mut(), Ordering::SeqCst);
                    if !job.is_null() {
                        return job;
                    }
                }
                std::hint::spin_loop();
            }
            self.asleep.store(true, Ordering::SeqCst);
            if self.job.load(Ordering::SeqCst).is_null() {
                thread::park();
            }
            self.asleep.store(false, Ordering::SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on<R: Send>(threads: usize, run: impl FnOnce() -> R + Send) -> R {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.expect("a small pool").install(run)
    }

    #[test]
    fn every_piece_is_done_once_however_often_and_however_nested() {
        for threads in [1, 2, 3, 7] {
            on(threads, || {
                for count in [0, 1, 2, 5, 100] {
                    for _ in 0..50 {
                        let done: Vec<AtomicUsize> = (0..count * 3).map(|_| 0.into()).collect();
                        for_each_piece(count, |outer| {
                            for_each_piece(3, |inner| {
                                done[outer * 3 + inner].fetch_add(1, Ordering::Relaxed);
                            });
                        });
                        assert!(done.iter().all(|times| times.load(Ordering::Relaxed) == 1));
                    }
                }
            });
        }
    }

    #[test]
    fn rows_are_cut_as_asked_with_a_short_last_piece() {
        on(3, || {
            let mut values = vec![0.0; 35];
            for_each_rows(&mut values, 5, 2, |first, rows| rows.fill(first as f32));
            let exact = [0, 0, 2, 2, 4, 4, 6].map(|first| [first as f32; 5]).concat();
            assert_eq!(values, exact);
        });
    }

    #[test]
    fn a_panic_in_a_piece_reaches_the_caller_and_the_team_goes_on() {
        on(3, || {
            for bad in 0..20 {
                let outcome = catch_unwind(|| for_each_piece(20, |index| assert_ne!(index, bad)));
                assert!(outcome.is_err());
            }
            let done = AtomicUsize::new(0);
            for_each_piece(20, |_| {
                done.fetch_add(1, Ordering::Relaxed);
            });
            assert_eq!(done.into_inner(), 20);
        });
    }
}
