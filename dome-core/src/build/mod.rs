//! Building an envelope from code (section 2): what the types allow is right, the rest is checked.
//!
//! A [`Draft`] is begun by the constructor of its signal, which asks for what that signal needs: a
//! failure for a [`FailedCode`], which is never `NONE`; a denial for a [`PolicyReasonCode`](crate::PolicyReasonCode); each
//! for a first piece of evidence. Only a success takes a remedy, and it takes no gate that failed.
//! Limits and uniqueness are left to [`Draft::build`], which names every problem as [`crate::read`]
//! does.
//!
//! ```
//! use dome_core::build::{Draft, FailedCode, Origin};
//! use dome_core::{Evidence, EvidencePath, Scope, Tool, WrapperPolicy, read};
//!
//! let origin = Origin {
//!     event_id: "e1".parse()?,
//!     sequence: 1,
//!     run_id: "nightly-7".parse()?,
//!     task_id: "unit".parse()?,
//!     group_id: "try-1".parse()?,
//!     ts: "2026-02-15T03:04:05Z".parse()?,
//!     wrapper_policy: WrapperPolicy::Strict,
//! };
//! let work = dome_core::TaskLine {
//!     scope: Scope::Task,
//!     target_kind: "repo".parse()?,
//!     target_id: "acme/app".parse()?,
//!     action_kind: "test".parse()?,
//! };
//! let log = Evidence::at(EvidencePath::new("runs/7/log.txt")?);
//! let envelope = Draft::failure(origin, work, FailedCode::new("TESTS_FAILED")?, log)
//!     .failed("unit".parse()?)
//!     .tool(Tool::new("pytest".parse()?, "8.3.2"))
//!     .message("assert 1 == 2")
//!     .build()?;
//! assert_eq!(read(envelope.to_line().as_bytes())?, envelope);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What a signal does not have does not compile:
//!
//! ```compile_fail,E0599
//! # fn f(draft: dome_core::build::Draft<dome_core::build::Success>, gate: dome_core::GateId) {
//! draft.failed(gate); // a success has no failed gate
//! # }
//! ```
//!
//! ```compile_fail,E0599
//! # fn f(draft: dome_core::build::Draft<dome_core::build::Failure>, remedy: dome_core::Remedy) {
//! draft.remedy(remedy); // only a success has a remedy
//! # }
//! ```

mod draft;
mod parts;
mod signal;

pub use draft::{Draft, Origin};
pub use parts::FailedCode;
pub use signal::{Anomaly, Denial, Failure, MayFail, NotDenied, NotFailure, Observation, SignalType, Success};
