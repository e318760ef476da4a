//! How much is measured.

/// How many envelopes a benchmark takes: `DOME_BENCH_COUNT`, else 200,000.
#[must_use]
pub fn count() -> usize {
    std::env::var("DOME_BENCH_COUNT").ok().and_then(|count| count.parse().ok()).unwrap_or(200_000)
}
