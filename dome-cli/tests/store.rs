//! The store under everything that can happen to it: kills, full disks, other writers, flipped bits.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

#[path = "store/damage.rs"]
mod damage;
#[path = "store/disk.rs"]
mod disk;
#[path = "store/feed.rs"]
mod feed;
#[path = "cli/harness.rs"]
mod harness;
#[path = "store/kills.rs"]
mod kills;
#[path = "store/manifest.rs"]
mod manifest;
#[path = "store/plan.rs"]
mod plan;
#[path = "store/together.rs"]
mod together;
