//! Steps of work, counted in unit tests alone (`dome_arbitrary::steps`).

#[cfg(test)]
pub(crate) use dome_arbitrary::steps::walked;

/// A walk took so many steps.
#[cfg(not(test))]
#[inline(always)]
pub(crate) const fn walked(_steps: usize) {}
