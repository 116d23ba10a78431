//! The memory of values, used again. A training step asks for the same few sizes thousands of times; new
//! memory would be zeroed by the system, page by page, each time.
//!
//! What is given back waits in one list for the whole process. Where nothing there fits, what has waited longest is
//! let go of until values in use and values waiting are hardly more than the most that was in use at once. Long values
//! have pages of their own from the system, which go back whole: inside an allocator's heap, steps of ever other
//! lengths would leave gaps that nothing fits in, a third more than was ever in use. Lengths are rounded up, so that
//! the next step, a few tokens longer or shorter, finds its memory again. Which memory a value gets never shows in a
//! result.

use memmap2::MmapMut;
use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Smaller arrays go to the allocator as usual, and do not wait.
const SMALLEST: usize = 4096;

static POOL: Mutex<Pool> = Mutex::new(Pool::EMPTY);

/// Pages for the whole process; sizes in bytes.
struct Pool {
    /// What waits, the longest first.
    waiting: Vec<MmapMut>,
    in_use: usize,
    /// The most that was in use at once since the pool was emptied.
    most: usize,
}

impl Pool {
    const EMPTY: Self = Self { waiting: Vec::new(), in_use: 0, most: 0 };

    fn here() -> MutexGuard<'static, Self> {
        POOL.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// At least this many bytes; none where the system has no more.
    fn take(&mut self, bytes: usize) -> Option<MmapMut> {
        let size = rounded(bytes);
        let fits = |pages: &MmapMut| (size..=size + size / 8).contains(&pages.len());
        let pages = match self.waiting.iter().rposition(fits) {
            Some(place) => self.waiting.remove(place),
            None => self.map(size)?,
        };
        self.count(pages.len());
        Some(pages)
    }

    /// The same for a value that comes once in a step and is longer than most: its pages go back to the system when it
    /// is dropped, since what waits instead of them is used many times. They are large where the system has such.
    fn take_once(&mut self, bytes: usize) -> Option<MmapMut> {
        let pages = self.map(bytes)?;
        // A wish: without large pages there are small ones.
        #[cfg(target_os = "linux")]
        let _ = pages.advise(memmap2::Advice::HugePage);
        self.count(pages.len());
        Some(pages)
    }

    /// New pages, after others have made room for them.
    fn map(&mut self, size: usize) -> Option<MmapMut> {
        let room = (self.most + Buffer::SPARE).saturating_sub(self.in_use + size);
        let mut kept: usize = self.waiting.iter().map(|pages| pages.len()).sum();
        while kept > room {
            kept -= self.waiting.remove(0).len();
        }
        MmapMut::map_anon(size).ok()
    }

    fn count(&mut self, size: usize) {
        self.in_use += size;
        self.most = self.most.max(self.in_use);
    }

    fn give_back(&mut self, pages: MmapMut) {
        self.in_use -= pages.len();
        self.waiting.push(pages);
    }
}

/// The next of eight steps from one power of two to the next, so at most an eighth more.
fn rounded(bytes: usize) -> usize {
    bytes.next_multiple_of((bytes.next_power_of_two() / 16).max(1))
}

/// f32 values whose memory goes back to be used again when they are dropped.
#[derive(Debug, Default)]
pub struct Buffer {
    memory: Memory,
    /// May be less than the memory has room for.
    len: usize,
}

#[derive(Debug)]
enum Memory {
    Heap(Vec<f32>),
    /// Of a whole number of values.
    Pages(MmapMut),
    /// The same, which do not wait.
    Once(MmapMut),
}

impl Default for Memory {
    fn default() -> Self {
        Self::Heap(Vec::new())
    }
}

impl Buffer {
    /// Bytes beyond the most that was in use which may wait. The sizes of all parts of a step are never in use at
    /// once, and a small model spends a fifth of its time on pages that went back too early
    /// (`bench/results/2026-11-27-memory.md`).
    pub const SPARE: usize = 4 << 20;

    /// `len` values of any content, for a kernel that overwrites them all.
    pub fn stale(len: usize) -> Self {
        if len < SMALLEST {
            return vec![0.0; len].into();
        }
        match Pool::here().take(len * size_of::<f32>()) {
            Some(pages) => Self { memory: Memory::Pages(pages), len },
            None => vec![0.0; len].into(),
        }
    }

    /// The same for a long value of which a step has one: its memory does not wait for the next.
    pub fn once(len: usize) -> Self {
        if len < SMALLEST {
            return vec![0.0; len].into();
        }
        match Pool::here().take_once(len * size_of::<f32>()) {
            Some(pages) => Self { memory: Memory::Once(pages), len },
            None => vec![0.0; len].into(),
        }
    }

    /// `len` zeros.
    pub fn zeros(len: usize) -> Self {
        let mut buffer = Self::stale(len);
        buffer.fill(0.0);
        buffer
    }

    /// A copy of `values`.
    pub fn copy_of(values: &[f32]) -> Self {
        let mut buffer = Self::stale(values.len());
        buffer.copy_from_slice(values);
        buffer
    }

    /// Lets go of all memory that waits, where other work comes next.
    pub fn release() {
        let mut pool = Pool::here();
        pool.waiting = Vec::new();
        pool.most = pool.in_use;
    }

    /// The values as a vector: copied, where they have pages of their own.
    pub fn into_vec(mut self) -> Vec<f32> {
        match &mut self.memory {
            Memory::Heap(whole) => std::mem::take(whole),
            Memory::Pages(_) | Memory::Once(_) => self.to_vec(),
        }
    }
}

impl From<Vec<f32>> for Buffer {
    fn from(whole: Vec<f32>) -> Self {
        Self { len: whole.len(), memory: Memory::Heap(whole) }
    }
}

impl Deref for Buffer {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        match &self.memory {
            Memory::Heap(whole) => whole,
            Memory::Pages(pages) | Memory::Once(pages) => &bytemuck::cast_slice(pages)[..self.len],
        }
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        match &mut self.memory {
            Memory::Heap(whole) => whole,
            Memory::Pages(pages) | Memory::Once(pages) => {
                &mut bytemuck::cast_slice_mut(pages)[..self.len]
            }
        }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        match std::mem::take(&mut self.memory) {
            Memory::Heap(_) => {}
            Memory::Pages(pages) => Pool::here().give_back(pages),
            Memory::Once(pages) => Pool::here().in_use -= pages.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_has_the_length_asked_for_whatever_memory_it_got() {
        let n = SMALLEST + 17;
        let mut first = Buffer::stale(n + n / 16);
        first.fill(7.0);
        drop(first);
        let zeros = Buffer::zeros(n);
        assert!(zeros.len() == n && zeros.iter().all(|x| *x == 0.0));
        assert_eq!(zeros.into_vec().len(), n);
        assert_eq!(Buffer::copy_of(&[1.0, 2.0]).into_vec(), [1.0, 2.0]);
        assert!(Buffer::stale(0).is_empty());
    }

    #[test]
    fn what_is_used_once_never_waits_and_lets_others_wait() {
        let mut pool = Pool::EMPTY;
        let long = pool.take_once(4 * Buffer::SPARE).unwrap();
        assert_eq!((pool.in_use, pool.most), (4 * Buffer::SPARE, 4 * Buffer::SPARE));
        pool.in_use -= long.len();
        drop(long);
        // As much as the long value took may wait now, in pages that are not its own.
        let pages: Vec<_> = (0..4).map(|_| pool.take(Buffer::SPARE).unwrap()).collect();
        pages.into_iter().for_each(|pages| pool.give_back(pages));
        assert_eq!((pool.waiting.len(), pool.in_use), (4, 0));
        let mut once = Buffer::once(SMALLEST);
        once.fill(1.0);
        assert_eq!((once.len(), once.into_vec()[SMALLEST - 1]), (SMALLEST, 1.0));
    }

    #[test]
    fn what_waits_is_used_again_and_never_much_more_than_was_in_use() {
        let mut pool = Pool::EMPTY;
        let waits = |pool: &Pool| pool.waiting.iter().map(|pages| pages.len()).sum::<usize>();
        let first = pool.take(Buffer::SPARE).unwrap();
        let place = first.as_ptr();
        pool.give_back(first);
        // A little shorter: the same pages.
        let again = pool.take(Buffer::SPARE - Buffer::SPARE / 16).unwrap();
        assert_eq!((again.as_ptr(), waits(&pool)), (place, 0));
        pool.give_back(again);
        // Ever other sizes: what has waited longest goes.
        for size in (1..40).map(|step| step * Buffer::SPARE / 5) {
            let pages = pool.take(size).unwrap();
            // Rounded up by an eighth at most, and an eighth more where that is what waits.
            assert!(pages.len() >= size && pages.len() <= size / 64 * 81, "{size}");
            assert!(pool.in_use + waits(&pool) <= pool.most + Buffer::SPARE, "{size}");
            pool.give_back(pages);
        }
        assert!(pool.in_use == 0 && waits(&pool) > 0);
    }
}
