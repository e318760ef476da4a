//! Members to erase: JSON Pointers (RFC 6901) whose step `*` stands for every member or entry.

/// A pointer, split into its steps. The step `*` matches all; a name that is an asterisk cannot be
/// told from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Steps(Vec<Step>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Any,
    Named(Vec<u8>),
}

impl Steps {
    /// Splits a pointer; says what is wrong with one that is none.
    pub(super) fn parse(pointer: &str) -> Result<Self, &'static str> {
        let Some(steps) = pointer.strip_prefix('/') else {
            return Err("a member is a JSON Pointer that starts with `/`");
        };
        steps
            .split('/')
            .map(Step::parse)
            .collect::<Option<Vec<_>>>()
            .map(Self)
            .ok_or("`~` is written `~0`, `/` is `~1`")
    }

    /// The pointers that are left below a member or entry: `depth` steps are behind, this is the next.
    pub(super) fn matches(&self, depth: usize, name: &[u8]) -> bool {
        match self.0.get(depth) {
            Some(Step::Any) => true,
            Some(Step::Named(step)) => step == name,
            None => false,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

impl Step {
    fn parse(step: &str) -> Option<Self> {
        if step == "*" {
            return Some(Self::Any);
        }
        let plain = step.replace("~0", "").replace("~1", "");
        (!plain.contains('~')).then(|| Self::Named(step.replace("~1", "/").replace("~0", "~").into_bytes()))
    }
}
