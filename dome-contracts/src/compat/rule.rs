//! The rules that a change can break, by name.

use std::fmt;

macro_rules! rules {
    ($($(#[doc = $doc:literal])+ $variant:ident, $name:literal, $group:ident;)+) => {
        /// A named rule. Every one has an example pair in the tests of this crate.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Rule {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Rule {
            /// All rules.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The stable name, in snake_case.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// What the rule is about.
            #[must_use]
            pub fn group(self) -> Group {
                match self { $(Self::$variant => Group::$group,)+ }
            }
        }
    };
}

/// What a rule is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// Types of instances.
    Type,
    /// `enum` and `const`.
    Value,
    /// Objects.
    Object,
    /// Strings.
    String,
    /// Numbers.
    Number,
    /// Arrays.
    Array,
    /// `allOf`, `anyOf`, `oneOf`, `not`, `if`.
    Combinator,
    /// `$ref`.
    Reference,
    /// `$schema`.
    Dialect,
    /// Titles, descriptions, defaults.
    Annotation,
    /// The registry of reason codes.
    Registry,
    /// The comparison itself.
    Comparison,
}

rules! {
    /// A type that was accepted no longer is.
    TypeRemoved, "type_removed", Type;
    /// A schema that accepted something became `false`.
    SchemaClosed, "schema_closed", Type;
    /// A value that was accepted is missing from an `enum` or is not the `const`.
    ValueRemoved, "value_removed", Value;
    /// A member that could be absent is required.
    RequiredAdded, "required_added", Object;
    /// A member that was accepted is not: the object became closed to it.
    PropertyClosed, "property_closed", Object;
    /// Members without a name in the schema may hold less than before (a partial model).
    AdditionalNarrowed, "additional_narrowed", Object;
    /// Names of members that were accepted no longer are.
    PropertyNamesNarrowed, "property_names_narrowed", Object;
    /// More members are needed than before.
    MinPropertiesRaised, "min_properties_raised", Object;
    /// Fewer members are allowed than before.
    MaxPropertiesLowered, "max_properties_lowered", Object;
    /// The presence of a member asks for more than before.
    DependencyAdded, "dependency_added", Object;
    /// Strings must be longer than before.
    MinLengthRaised, "min_length_raised", String;
    /// Strings must be shorter than before.
    MaxLengthLowered, "max_length_lowered", String;
    /// A pattern was added or is another.
    PatternChanged, "pattern_changed", String;
    /// A format was added or is another.
    FormatChanged, "format_changed", String;
    /// A lower bound was added or raised.
    MinimumRaised, "minimum_raised", Number;
    /// An upper bound was added or lowered.
    MaximumLowered, "maximum_lowered", Number;
    /// Numbers must be multiples of more than before.
    MultipleOfChanged, "multiple_of_changed", Number;
    /// Arrays must be longer than before.
    MinItemsRaised, "min_items_raised", Array;
    /// Arrays must be shorter than before.
    MaxItemsLowered, "max_items_lowered", Array;
    /// Items at some places are refused altogether.
    ItemsClosed, "items_closed", Array;
    /// Items must differ from each other.
    UniqueItemsAdded, "unique_items_added", Array;
    /// Arrays must contain what they did not have to.
    ContainsNarrowed, "contains_narrowed", Array;
    /// No branch of an `anyOf` accepts all that was accepted.
    AnyOfNarrowed, "any_of_narrowed", Combinator;
    /// Not exactly one branch of a `oneOf` accepts all that was accepted.
    OneOfNarrowed, "one_of_narrowed", Combinator;
    /// Something that was accepted is excluded by `not`.
    NotAdded, "not_added", Combinator;
    /// A condition (`if`, `then`, `else`) asks for more than before.
    ConditionNarrowed, "condition_narrowed", Combinator;
    /// A `$ref` points elsewhere than it did.
    ReferenceChanged, "reference_changed", Reference;
    /// A `$schema` names another dialect.
    DialectChanged, "dialect_changed", Dialect;
    /// A title, description, default or other annotation changed.
    AnnotationChanged, "annotation_changed", Annotation;
    /// A reason code is gone.
    CodeRemoved, "code_removed", Registry;
    /// A reason code moved to another class.
    CodeClassChanged, "code_class_changed", Registry;
    /// The precedence of the classes is another.
    PrecedenceReordered, "precedence_reordered", Registry;
    /// A class restarts otherwise than before.
    RestartModeChanged, "restart_mode_changed", Registry;
    /// A reason code was added to a set that the schema closes.
    CodeAdded, "code_added", Registry;
    /// The version that the registry states is another.
    VersionBumped, "version_bumped", Registry;
    /// A keyword that cannot be compared, or that no dialect knows and that looks misspelt.
    KeywordOpaque, "keyword_opaque", Comparison;
    /// The schemas are too large to be compared within the limits.
    LimitReached, "limit_reached", Comparison;
    /// The walker and the second vote contradict each other.
    VotesDisagree, "votes_disagree", Comparison;
    /// Only the second vote could settle the question.
    SecondVoteAlone, "second_vote_alone", Comparison;
    /// A whole contract was removed.
    ContractRemoved, "contract_removed", Comparison;
    /// A whole contract was added.
    ContractAdded, "contract_added", Comparison;
}

impl fmt::Display for Rule {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}
