//! Steps of work, counted: twice as much must take no more than twice as many, on any machine.
//!
//! What could walk over the same things again and again says, in unit tests, how far it walked.

use std::cell::Cell;

thread_local!(static STEPS: Cell<u64> = const { Cell::new(0) });

/// A walk took so many steps.
pub fn walked(steps: usize) {
    STEPS.set(STEPS.get() + steps as u64);
}

/// Holds work on something of a size to that size.
///
/// ```
/// use dome_arbitrary::steps::{assert_linear, walked};
/// assert_linear("a walk", 100, |size| walked(3 * size));
/// assert!(std::panic::catch_unwind(|| assert_linear("a walk for each", 100, |size| walked(size * size))).is_err());
/// ```
///
/// # Panics
///
/// Where twice the size takes more than twice the steps, or nothing was counted.
pub fn assert_linear(what: &str, size: usize, work: impl Fn(usize)) {
    let [once, twice] = [size, 2 * size].map(|size| {
        STEPS.set(0);
        work(size);
        STEPS.get()
    });
    assert!(once > 0, "{what}: nothing is counted");
    // What does not grow with the size, such as a last line, and the depth of a tree have room in a tenth.
    assert!(twice <= 2 * once + once / 10, "{what}: {once} steps, and {twice} for twice as much");
}
