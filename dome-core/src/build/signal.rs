//! Signals as types, and what each may have beside it (M-11).

use crate::choice::Signal;

/// A signal as a type.
pub trait SignalType: sealed::Sealed {
    /// The word that it stands for.
    const SIGNAL: Signal;
}

/// A signal beside which a gate may have failed: all but a success.
pub trait MayFail: SignalType {}

/// A signal whose `failure_reason_code` may be `NONE`: all but a failure.
pub trait NotFailure: SignalType {}

/// A signal whose `policy_reason_code` is optional: all but a denial.
pub trait NotDenied: SignalType {}

mod sealed {
    pub trait Sealed {}
}

macro_rules! signals {
    ($($(#[$docs:meta])* $name:ident: $($may:ident)*;)*) => {$(
        $(#[$docs])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {}

        impl sealed::Sealed for $name {}

        impl SignalType for $name {
            const SIGNAL: Signal = Signal::$name;
        }

        $(impl $may for $name {})*
    )*};
}

signals! {
    /// Something went wrong.
    Failure: MayFail NotDenied;
    /// A guard or a policy did not allow it.
    Denial: MayFail NotFailure;
    /// It worked.
    Success: NotFailure NotDenied;
    /// Something unusual, neither failed nor succeeded.
    Anomaly: MayFail NotFailure NotDenied;
    /// Seen, nothing more.
    Observation: MayFail NotFailure NotDenied;
}
