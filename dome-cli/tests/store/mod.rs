//! The store under everything that can happen to it: kills, full disks, other writers, flipped bits.

mod applied;
mod damage;
mod disk;
mod enforced;
mod feed;
mod kills;
mod manifest;
mod memory;
mod plan;
mod together;
#[cfg(feature = "conform")]
mod tools;
