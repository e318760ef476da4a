//! The rules that a change can break, by name.

use std::fmt;

use serde::{Serialize, Serializer};

macro_rules! rules {
    ($($(#[doc = $doc:literal])+ $variant:ident, $name:literal;)+) => {
        #[doc = "A named rule that a change can break."]
        #[doc = ""]
        #[doc = include_str!("../rules.md")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Rule {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Rule {
            /// All rules.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The stable name, in snake_case.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }
        }
    };
}

rules! {
    /// A type that was accepted no longer is.
    TypeRemoved, "type_removed";
    /// A schema that accepted something became `false`.
    SchemaClosed, "schema_closed";
    /// A value that was accepted is missing from an `enum` or is not the `const`.
    ValueRemoved, "value_removed";
    /// A member that could be absent is required.
    RequiredAdded, "required_added";
    /// A member that was accepted is not: the object became closed to it.
    PropertyClosed, "property_closed";
    /// Members without a name in the schema may hold less than before (a partial model).
    AdditionalNarrowed, "additional_narrowed";
    /// Names of members that were accepted no longer are.
    PropertyNamesNarrowed, "property_names_narrowed";
    /// More members are needed than before.
    MinPropertiesRaised, "min_properties_raised";
    /// Fewer members are allowed than before.
    MaxPropertiesLowered, "max_properties_lowered";
    /// The presence of a member asks for more than before.
    DependencyAdded, "dependency_added";
    /// Strings must be longer than before.
    MinLengthRaised, "min_length_raised";
    /// Strings must be shorter than before.
    MaxLengthLowered, "max_length_lowered";
    /// A pattern was added or is another.
    PatternChanged, "pattern_changed";
    /// A format was added or is another.
    FormatChanged, "format_changed";
    /// A lower bound was added or raised.
    MinimumRaised, "minimum_raised";
    /// An upper bound was added or lowered.
    MaximumLowered, "maximum_lowered";
    /// Numbers must be multiples of more than before.
    MultipleOfChanged, "multiple_of_changed";
    /// Arrays must be longer than before.
    MinItemsRaised, "min_items_raised";
    /// Arrays must be shorter than before.
    MaxItemsLowered, "max_items_lowered";
    /// Items at some places are refused altogether.
    ItemsClosed, "items_closed";
    /// Items must differ from each other.
    UniqueItemsAdded, "unique_items_added";
    /// Arrays must contain what they did not have to.
    ContainsNarrowed, "contains_narrowed";
    /// No branch of an `anyOf` accepts all that was accepted.
    AnyOfNarrowed, "any_of_narrowed";
    /// Not exactly one branch of a `oneOf` accepts all that was accepted.
    OneOfNarrowed, "one_of_narrowed";
    /// Something that was accepted is excluded by `not`.
    NotAdded, "not_added";
    /// A condition (`if`, `then`, `else`) asks for more than before.
    ConditionNarrowed, "condition_narrowed";
    /// A `$ref` points elsewhere than it did.
    ReferenceChanged, "reference_changed";
    /// A `$schema` names another dialect.
    DialectChanged, "dialect_changed";
    /// A title, description, default or other annotation changed.
    AnnotationChanged, "annotation_changed";
    /// A keyword that cannot be compared, or that no dialect knows and that looks misspelt.
    KeywordOpaque, "keyword_opaque";
    /// The schemas are too large to be compared within the limits.
    LimitReached, "limit_reached";
    /// The walker and the second vote contradict each other.
    VotesDisagree, "votes_disagree";
    /// Only the second vote could settle the question.
    SecondVoteAlone, "second_vote_alone";
}

impl fmt::Display for Rule {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

impl Serialize for Rule {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(self.name())
    }
}
