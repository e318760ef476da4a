//! The store under everything that can happen to it: kills, full disks, other writers, flipped bits.

mod damage;
mod disk;
mod feed;
mod kills;
mod manifest;
mod plan;
mod together;
