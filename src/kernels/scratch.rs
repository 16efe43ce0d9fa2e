//! Buffers that start on a cache line and are kept by their thread, so that
//! inner loops never allocate. Knows no convolution.

use std::cell::RefCell;

/// Bytes of a cache line.
const LINE: usize = 64;

/// A buffer of `f32` whose start is aligned to a cache line.
#[derive(Debug, Default)]
pub(super) struct Buffer {
    /// The values after up to a line of slack.
    data: Vec<f32>,
    start: usize,
}

impl Buffer {
    /// `len` zeros.
    pub fn zeros(len: usize) -> Buffer {
        let slack = LINE / size_of::<f32>();
        let data = vec![0.0; len + slack];
        // Alignment is a matter of speed only; the heap block never moves.
        let start = data.as_ptr().align_offset(LINE).min(slack);
        let mut buffer = Buffer { data, start };
        buffer.data.truncate(start + len);
        buffer
    }

    /// All values.
    pub fn as_slice(&self) -> &[f32] {
        &self.data[self.start..]
    }

    /// All values.
    pub fn as_mut_slice(&mut self) -> &mut [f32] {
        &mut self.data[self.start..]
    }

    /// `len` values with arbitrary contents.
    fn at_least(&mut self, len: usize) -> &mut [f32] {
        if self.as_slice().len() < len {
            *self = Buffer::zeros(len);
        }
        &mut self.as_mut_slice()[..len]
    }
}

thread_local! {
    static KEPT: RefCell<[Buffer; 2]> = RefCell::default();
}

/// Lends two buffers of the given lengths and arbitrary contents. Nested use on
/// one thread (a work-stealing wait inside `f`) gets fresh ones.
pub(super) fn with_buffers<R>(
    first: usize,
    second: usize,
    f: impl FnOnce(&mut [f32], &mut [f32]) -> R,
) -> R {
    KEPT.with(|kept| {
        let mut fresh = Default::default();
        let mut kept = kept.try_borrow_mut();
        let [a, b] = match &mut kept {
            Ok(buffers) => &mut **buffers,
            Err(_) => &mut fresh,
        };
        f(a.at_least(first), b.at_least(second))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_are_aligned_and_can_nest() {
        with_buffers(5, 100, |a, b| {
            assert_eq!((a.len(), b.len()), (5, 100));
            assert_eq!(a.as_ptr().align_offset(64), 0);
            a.fill(1.0);
            with_buffers(5, 0, |c, _| c.fill(2.0));
            assert_eq!(a[0], 1.0);
        });
        assert!(Buffer::zeros(17).as_slice().len() == 17);
    }
}
