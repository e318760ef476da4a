//! What a comparison found, and the rules that its findings are named by.

use std::fmt;

use serde::{Serialize, Serializer};
use serde_json::{Value, json};

/// Declares a closed set of words: printed and serialized by their names.
macro_rules! words {
    ($($(#[$docs:meta])* $set:ident { $($(#[$doc:meta])+ $variant:ident = $name:literal,)+ })+) => {$(
        $(#[$docs])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $set {
            $($(#[$doc])+ $variant,)+
        }

        impl $set {
            /// All of them, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The stable name, in snake_case.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }
        }

        impl fmt::Display for $set {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(self.name())
            }
        }

        impl Serialize for $set {
            fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
                out.serialize_str(self.name())
            }
        }
    )+};
}

words! {
    /// Which version's readers must accept which version's instances.
    Direction {
        /// Every instance that is valid under OLD is valid under NEW: new readers read old data.
        Backward = "backward",
        /// Every instance that is valid under NEW is valid under OLD: old readers read new data.
        Forward = "forward",
        /// Both.
        Full = "full",
    }

    /// The outcome, by severity; also what one of the two implementations says.
    Compatibility {
        /// Proven: nothing that was accepted is lost.
        Compatible = "compatible",
        /// Neither proven nor refuted. It counts as a failure.
        Unknown = "unknown",
        /// Refuted. As a verdict, by an instance that the validator confirms.
        Incompatible = "incompatible",
    }

    /// The version step that a change requires.
    Bump {
        /// Nothing that an instance is judged by changed.
        Patch = "patch",
        /// More is accepted than before.
        Minor = "minor",
        /// Something that was accepted may be refused.
        Major = "major",
    }

    /// A named rule that a change can break.
    ///
    #[doc = include_str!("../rules.md")]
    SchemaRule {
        /// A type that was accepted no longer is.
        TypeRemoved = "type_removed",
        /// A schema that accepted something became `false`.
        SchemaClosed = "schema_closed",
        /// A value that was accepted is missing from an `enum` or is not the `const`.
        ValueRemoved = "value_removed",
        /// A member that could be absent is required.
        RequiredAdded = "required_added",
        /// A member that was accepted is not: the object became closed to it.
        PropertyClosed = "property_closed",
        /// Members without a name in the schema may hold less than before (a partial model).
        AdditionalNarrowed = "additional_narrowed",
        /// Names of members that were accepted no longer are.
        PropertyNamesNarrowed = "property_names_narrowed",
        /// More members are needed than before.
        MinPropertiesRaised = "min_properties_raised",
        /// Fewer members are allowed than before.
        MaxPropertiesLowered = "max_properties_lowered",
        /// The presence of a member requires more than before.
        DependencyAdded = "dependency_added",
        /// Strings must be longer than before.
        MinLengthRaised = "min_length_raised",
        /// Strings must be shorter than before.
        MaxLengthLowered = "max_length_lowered",
        /// A pattern was added or changed.
        PatternChanged = "pattern_changed",
        /// A format was added or changed.
        FormatChanged = "format_changed",
        /// A lower bound was added or raised.
        MinimumRaised = "minimum_raised",
        /// An upper bound was added or lowered.
        MaximumLowered = "maximum_lowered",
        /// Numbers must be multiples of more than before.
        MultipleOfChanged = "multiple_of_changed",
        /// Arrays must be longer than before.
        MinItemsRaised = "min_items_raised",
        /// Arrays must be shorter than before.
        MaxItemsLowered = "max_items_lowered",
        /// Items at some places are refused altogether.
        ItemsClosed = "items_closed",
        /// Items must differ from each other.
        UniqueItemsAdded = "unique_items_added",
        /// Arrays must contain what they did not have to.
        ContainsNarrowed = "contains_narrowed",
        /// No branch of an `anyOf` accepts all that was accepted.
        AnyOfNarrowed = "any_of_narrowed",
        /// Not exactly one branch of a `oneOf` accepts all that was accepted.
        OneOfNarrowed = "one_of_narrowed",
        /// Something that was accepted is excluded by `not`.
        NotAdded = "not_added",
        /// A condition (`if`, `then`, `else`) requires more than before.
        ConditionNarrowed = "condition_narrowed",
        /// A `$ref` points elsewhere than it did.
        ReferenceChanged = "reference_changed",
        /// A `$schema` names another dialect.
        DialectChanged = "dialect_changed",
        /// A title, description, default or other annotation changed.
        AnnotationChanged = "annotation_changed",
        /// A keyword that cannot be compared, or that no dialect knows and that looks misspelt.
        KeywordOpaque = "keyword_opaque",
        /// The schemas are too large to be compared within the limits.
        LimitReached = "limit_reached",
        /// The walker and the second vote contradict each other.
        VotesDisagree = "votes_disagree",
        /// Only the second vote could settle the question.
        SecondVoteAlone = "second_vote_alone",
    }
}

/// One thing that changed, or that could not be judged. Callers with rules of their own have another `R`.
#[derive(Clone, Debug, PartialEq)]
pub struct CompatFinding<R = SchemaRule> {
    /// The rule.
    pub rule: R,
    /// What the finding by itself amounts to.
    pub verdict: Compatibility,
    /// The direction in which it was found.
    pub direction: Direction,
    /// Where in OLD, as `POINTER` or `FILE#POINTER`.
    pub old: String,
    /// Where in NEW.
    pub new: String,
    /// One line for a reader.
    pub message: String,
    /// The version step that it requires.
    pub bump: Bump,
    /// An instance that was accepted and is refused, where one was found.
    pub witness: Option<Value>,
}

impl<R: Serialize> CompatFinding<R> {
    /// The finding as a JSON object.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut object = json!({
            "bump": self.bump,
            "direction": self.direction,
            "message": self.message,
            "new": self.new,
            "old": self.old,
            "rule": self.rule,
            "verdict": self.verdict,
        });
        if let (Some(witness), Some(members)) = (&self.witness, object.as_object_mut()) {
            members.insert("witness".to_owned(), witness.clone());
        }
        object
    }
}

/// What both implementations say of one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Votes {
    /// The direction: never [`Direction::Full`].
    pub direction: Direction,
    /// The walker of this crate.
    pub walker: Compatibility,
    /// The second vote.
    pub second: Compatibility,
}

/// The result of a comparison.
#[derive(Clone, Debug, PartialEq)]
pub struct CompatReport<R = SchemaRule> {
    /// The direction that was compared.
    pub direction: Direction,
    /// The outcome.
    pub verdict: Compatibility,
    /// What was found, most severe first.
    pub findings: Vec<CompatFinding<R>>,
    /// The votes, one per direction that was compared.
    pub votes: Vec<Votes>,
}

impl<R> CompatReport<R> {
    /// The same report under rules of another kind.
    pub fn map_rules<S>(self, mut name: impl FnMut(R) -> S) -> CompatReport<S> {
        let Self { direction, verdict, findings, votes } = self;
        let renamed = findings.into_iter().map(|finding| {
            let CompatFinding { rule, verdict, direction, old, new, message, bump, witness } = finding;
            CompatFinding { rule: name(rule), verdict, direction, old, new, message, bump, witness }
        });
        CompatReport { direction, verdict, findings: renamed.collect(), votes }
    }

    /// Sorts the findings: the most severe first, backward before forward.
    pub fn sort(&mut self) {
        self.findings.sort_by_key(|finding| (std::cmp::Reverse(finding.verdict), finding.direction));
    }

    /// The version step that the change requires: `None` if nothing changed.
    #[must_use]
    pub fn bump(&self) -> Option<Bump> {
        self.findings.iter().map(|finding| finding.bump).max()
    }
}

impl<R: Serialize> CompatReport<R> {
    /// The report as one JSON object.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "bump": self.bump(),
            "direction": self.direction,
            "findings": self.findings.iter().map(CompatFinding::to_json).collect::<Vec<_>>(),
            "format_version": "1",
            "verdict": self.verdict,
            "votes": self.votes,
        })
    }
}
