//! The layers, in their order of authority.

use serde::Serialize;

/// A layer of a memory; the first has the most authority.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Layer {
    /// What the owner says. It alone has capabilities and what guards ask for.
    Authoritative,
    /// What the task at hand needs.
    Working,
    /// What this session came to.
    Session,
    /// What is known of whom one works for.
    Profile,
    /// What was gathered from many runs, for a time.
    Synthesised,
}

/// A layer that anybody may write. There is no word in it for the authoritative one, nor for the
/// synthesised one, into which one is promoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LowerLayer {
    /// [`Layer::Working`].
    Working,
    /// [`Layer::Session`].
    Session,
    /// [`Layer::Profile`].
    Profile,
}

impl Layer {
    /// Every layer, in order of authority.
    pub const ALL: [Self; 5] = [Self::Authoritative, Self::Working, Self::Session, Self::Profile, Self::Synthesised];
}

impl LowerLayer {
    /// Every one, in order of authority.
    pub const ALL: [Self; 3] = [Self::Working, Self::Session, Self::Profile];
}

impl From<LowerLayer> for Layer {
    fn from(lower: LowerLayer) -> Self {
        match lower {
            LowerLayer::Working => Self::Working,
            LowerLayer::Session => Self::Session,
            LowerLayer::Profile => Self::Profile,
        }
    }
}
