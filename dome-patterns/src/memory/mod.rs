//! Layered memory: what is known by authority, by work, by session, by profile and by synthesis.

mod authority;
mod dump;
mod entry;
mod envelope;
mod layer;
mod lower;
mod promotion;
mod read;
mod value;
mod whole;

pub use authority::{Authoritative, Capability, GuardInputs, GuardRequest};
pub use dump::LoadError;
pub use entry::{Lineage, LineageError, Retired, RetiredWhy, Synthesis, Written};
pub use envelope::MemoryEvent;
pub use layer::{Layer, LowerLayer};
pub use lower::LowerMemory;
pub use promotion::{Promotion, PromotionDenial, PromotionPolicy};
pub use read::{Answer, Overridden};
pub use value::{Key, MemoryValue, ValueError};
pub use whole::Memory;
