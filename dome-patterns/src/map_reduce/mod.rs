//! Secure map-reduce: one item to a worker, validated values only to the reduce.

mod budget;
mod envelope;
mod plan;
mod reduce;
mod reducer;
mod result;
mod run;

pub use budget::{Budget, BudgetError};
pub use plan::{Item, Job, MapPlan, PlanError};
pub use reduce::{Accepted, Reduce, ReduceRefusal, Reduced};
pub use reducer::{Figure, Reducer, ReducerError, Reduction, Summary, Tally};
pub use result::{ItemResult, MapResult, Outcome};
pub use run::{Completion, Ended, MapRun, RecordError};
