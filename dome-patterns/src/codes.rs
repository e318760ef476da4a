//! What can fail and what can be denied, as two kinds of types that never meet (M-04).

/// Declares the codes of one step: each variant with the code that it stands for.
macro_rules! codes {
    ($typed:ident; $($(#[$docs:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $code:literal,)* })*) => {$(
        $(#[$docs])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name {
            $($(#[$doc])* $variant,)*
        }

        impl $name {
            /// Every code, the one that decides first.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The code as it is written.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $code,)*
                }
            }

            /// The code as a value of dome.
            #[must_use]
            pub fn code(self) -> $typed {
                match self {
                    $(Self::$variant => const { $typed::constant($code) },)*
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str(self.as_str())
            }
        }

        impl std::error::Error for $name {}

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    )*};
}

pub use denials::{MapDenialCode, PromotionDenialCode, ReduceDenialCode, RevalidationDenialCode, WriteDenialCode};
pub use failures::{MapFailureCode, ReduceFailureCode, RetirementCode};

/// Codes of failures.
mod failures {
    use dome_core::build::FailedCode;

    codes! { FailedCode;
        /// Why the work on an item came to nothing. Of several the first one names the failure.
        ///
        /// ```
        /// use dome_patterns::MapFailureCode;
        /// assert_eq!(MapFailureCode::ItemMismatch.code().to_string(), "MAP.ITEM_MISMATCH");
        /// ```
        ///
        /// A failure is never a denial:
        ///
        /// ```compile_fail,E0308
        /// let denied: dome_core::PolicyReasonCode = dome_patterns::MapFailureCode::WorkerLost.code();
        /// ```
        MapFailureCode {
            /// Nothing was heard of the worker.
            WorkerLost = "MAP.WORKER_LOST",
            /// The worker took longer than it may.
            WorkerTimeout = "MAP.WORKER_TIMEOUT",
            /// The worker ended with an error or was killed.
            WorkerFailed = "MAP.WORKER_FAILED",
            /// The output has more bytes than it may.
            OutputTooLarge = "MAP.OUTPUT_TOO_LARGE",
            /// The worker wrote nothing.
            OutputMissing = "MAP.OUTPUT_MISSING",
            /// The output is not one JSON value in UTF-8.
            OutputNotJson = "MAP.OUTPUT_NOT_JSON",
            /// The output nests deeper than any contract can.
            OutputTooDeep = "MAP.OUTPUT_TOO_DEEP",
            /// A name stands twice in one object.
            OutputDuplicateMember = "MAP.OUTPUT_DUPLICATE_MEMBER",
            /// The output says that it is about another item.
            ItemMismatch = "MAP.ITEM_MISMATCH",
            /// A member that the contract does not list.
            OutputUnknownMember = "MAP.OUTPUT_UNKNOWN_MEMBER",
            /// A required member is not there.
            OutputMemberMissing = "MAP.OUTPUT_MEMBER_MISSING",
            /// A value of another type than the contract says.
            OutputWrongType = "MAP.OUTPUT_WRONG_TYPE",
            /// A word that is not on the contract's list.
            OutputNotAllowed = "MAP.OUTPUT_NOT_ALLOWED",
            /// An integer, a length or a count outside its bounds.
            OutputOutOfRange = "MAP.OUTPUT_OUT_OF_RANGE",
        }
        /// Why a reduce came to nothing.
        ReduceFailureCode {
            /// A number lies beyond the safe range.
            Overflow = "REDUCE.OVERFLOW",
            /// The reducer gave up.
            Failed = "REDUCE.FAILED",
        }
        /// Why a synthesised entry holds no more.
        RetirementCode {
            /// Its time to live ended and nobody revalidated it.
            Expired = "MEMORY.EXPIRED",
            /// A fact says that it does not hold.
            Refuted = "MEMORY.REFUTED",
        }
    }
}

/// Codes of denials.
mod denials {
    use dome_core::PolicyReasonCode;

    codes! { PolicyReasonCode;
        /// Why no worker was given an item.
        MapDenialCode {
            /// More items than the budget lets fan out.
            FanOut = "MAP.FAN_OUT_EXCEEDED",
            /// The outputs before it may take all bytes of the budget.
            BytesBudget = "MAP.BYTES_BUDGET_EXCEEDED",
            /// The workers before it may take all time of the budget.
            TimeBudget = "MAP.TIME_BUDGET_EXCEEDED",
            /// The item has more bytes than a worker may be given.
            InputTooLarge = "MAP.INPUT_TOO_LARGE",
        }
        /// Why nothing is reduced.
        ReduceDenialCode {
            /// More items failed than the budget allows.
            Failures = "REDUCE.FAILURES_EXCEEDED",
            /// More items were denied than the budget allows.
            Denials = "REDUCE.DENIALS_EXCEEDED",
        }
        /// Why an entry is not written into a lower layer.
        WriteDenialCode {
            /// The layer holds as many entries as it may.
            LayerFull = "MEMORY.LAYER_FULL",
        }
        /// Why an entry is not promoted. Of several the first one names the denial.
        PromotionDenialCode {
            /// No fact is named that it comes from.
            ProvenanceMissing = "MEMORY.PROVENANCE_MISSING",
            /// Fewer distinct facts support it than the policy asks for.
            SupportTooLow = "MEMORY.SUPPORT_TOO_LOW",
            /// Its facts come from fewer runs than the policy asks for.
            RunsTooFew = "MEMORY.RUNS_TOO_FEW",
            /// More facts are named than an entry keeps.
            SupportTooLarge = "MEMORY.SUPPORT_TOO_LARGE",
            /// It has no time to live.
            TtlMissing = "MEMORY.TTL_MISSING",
            /// Its time to live is longer than the policy allows.
            TtlTooLong = "MEMORY.TTL_TOO_LONG",
            /// The authoritative state says otherwise.
            AuthorityDisagrees = "MEMORY.AUTHORITY_DISAGREES",
            /// The key has a live entry: revalidate or retire that one.
            StillLive = "MEMORY.STILL_LIVE",
            /// The layer holds as many entries as it may.
            SynthesisFull = "MEMORY.SYNTHESIS_FULL",
        }
        /// Why an entry is not revalidated.
        RevalidationDenialCode {
            /// The key has no live or expired entry.
            EntryUnknown = "MEMORY.ENTRY_UNKNOWN",
            /// No fact is named that the entry does not rest on already.
            EvidenceStale = "MEMORY.EVIDENCE_STALE",
            /// It would rest on more facts than an entry keeps.
            EvidenceTooLarge = "MEMORY.EVIDENCE_TOO_LARGE",
        }
    }
}
