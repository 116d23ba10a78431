//! The memory of values, used again. A training step asks for the same few sizes thousands of times; new
//! memory would be zeroed by the system, page by page, each time.
//!
//! What is given back waits in one list for the whole process. Where nothing there fits, as much as is
//! asked for is let go of first, so that values in use and values waiting never exceed the most that was
//! in use at once. Which memory a value gets never shows in a result.

use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, PoisonError};

/// Smaller arrays go to the allocator as usual.
const SMALLEST: usize = 4096;

static WAITING: Mutex<Vec<Vec<f32>>> = Mutex::new(Vec::new());

/// f32 values whose memory goes back to be used again when they are dropped.
#[derive(Debug, Default)]
pub struct Buffer {
    /// May be longer than what is used of it.
    whole: Vec<f32>,
    len: usize,
}

impl Buffer {
    /// `len` values of any content, for a kernel that overwrites them all.
    pub fn stale(len: usize) -> Self {
        if len < SMALLEST {
            return vec![0.0; len].into();
        }
        let mut waiting = WAITING.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = |whole: &Vec<f32>| (len..=len + len / 8).contains(&whole.len());
        if let Some(place) = waiting.iter().rposition(fits) {
            return Self { whole: waiting.remove(place), len };
        }
        let mut let_go = 0;
        while let_go < len && !waiting.is_empty() {
            let_go += waiting.remove(0).len();
        }
        drop(waiting);
        vec![0.0; len].into()
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
        WAITING.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// The values as a vector; their memory does not come back.
    pub fn into_vec(mut self) -> Vec<f32> {
        self.whole.truncate(self.len);
        std::mem::take(&mut self.whole)
    }
}

impl From<Vec<f32>> for Buffer {
    fn from(whole: Vec<f32>) -> Self {
        Self { len: whole.len(), whole }
    }
}

impl Deref for Buffer {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.whole[..self.len]
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.whole[..self.len]
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if self.whole.len() >= SMALLEST {
            let whole = std::mem::take(&mut self.whole);
            WAITING.lock().unwrap_or_else(PoisonError::into_inner).push(whole);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_has_the_length_asked_for_whatever_memory_it_got() {
        let n = SMALLEST + 17;
        drop(Buffer::from(vec![7.0; n + n / 16]));
        let zeros = Buffer::zeros(n);
        assert!(zeros.len() == n && zeros.iter().all(|x| *x == 0.0));
        assert_eq!(zeros.into_vec().len(), n);
        assert_eq!(Buffer::copy_of(&[1.0, 2.0]).into_vec(), [1.0, 2.0]);
        assert!(Buffer::stale(0).is_empty());
    }
}
