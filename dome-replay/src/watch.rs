//! What is told while work goes on.

/// Hears of progress and of what a person should know; nothing that counts depends on it.
///
/// The unit value hears nothing:
///
/// ```
/// use dome_replay::Watch;
/// ().read(1 << 20);
/// ```
pub trait Watch: Sync {
    /// So many bytes more of the input were read.
    fn read(&self, bytes: u64) {
        let _ = bytes;
    }

    /// Something that is no error and worth a look. Names in it are already escaped.
    fn note(&self, note: &str) {
        let _ = note;
    }
}

impl Watch for () {}
