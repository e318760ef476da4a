//! Which items are worked on, decided before any worker runs.

use std::collections::BTreeMap;

use dome_core::{Sha256Hash, TargetId, canonical};
use serde::Serialize;

use super::budget::{Budget, BudgetError};
use super::run::MapRun;
use crate::codes::MapDenialCode;
use crate::contract::OutputContract;
use crate::limits;

/// One item: its id and all that its worker sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Which one; once in a plan.
    pub id: TargetId,
    /// What its worker is given.
    pub input: Vec<u8>,
}

/// What is to be done: the items in their order, the contract of every output, the budget.
///
/// ```
/// use dome_patterns::{Budget, Completion, Item, MapPlan, Reducer, Reduction};
///
/// let contract = r#"{"contract_version": "1", "members": {"passed": {"type": "integer", "min": 0, "max": 99}}}"#;
/// let items = ["a", "b"].map(|id| Item { id: id.parse().unwrap(), input: id.into() });
/// let plan = MapPlan::new(contract.parse()?, Budget { failures_allowed: 1, ..Budget::default() }, items.into())?;
/// let total = Reduction::new(&plan, [("passed".parse()?, Reducer::Sum("passed".parse()?))])?;
///
/// let mut run = plan.start();
/// run.record(&"b".parse()?, Completion::exited(br#"{"passed": 100}"#.into(), 7))?; // beyond the contract
/// run.record(&"a".parse()?, Completion::exited(br#"{"passed": 3}"#.into(), 9))?;
/// let result = run.finish();
/// let reduced = result.reduce(&total)?;
/// assert_eq!(reduced.to_bytes(), br#"{"accepted":1,"answer":{"passed":3},"denied":0,"failed":1}"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapPlan {
    contract: OutputContract,
    budget: Budget,
    items: Vec<Planned>,
    places: BTreeMap<TargetId, usize>,
}

/// An item with what is known of it before any worker runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Planned {
    pub(super) item: Item,
    pub(super) input_sha256: Sha256Hash,
    pub(super) denied: Option<MapDenialCode>,
}

/// What one worker is given: one item, and nothing of any other.
#[derive(Clone, Copy, Debug)]
pub struct Job<'p> {
    planned: &'p Planned,
    budget: &'p Budget,
}

/// Why items cannot be planned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// The budget is none.
    #[error("the budget: {0}")]
    Budget(#[from] BudgetError),
    /// There are more than [`limits::ITEMS`].
    #[error("a plan has at most 65536 items, this one has {0}")]
    TooMany(usize),
    /// One stands twice.
    #[error("the item `{0}` stands twice")]
    Twice(TargetId),
}

impl MapPlan {
    /// Plans the work on `items`. Which are denied follows from their order, their sizes and the budget.
    ///
    /// # Errors
    ///
    /// [`PlanError::Budget`], [`PlanError::TooMany`], [`PlanError::Twice`].
    pub fn new(contract: OutputContract, budget: Budget, items: Vec<Item>) -> Result<Self, PlanError> {
        budget.check()?;
        if items.len() > limits::ITEMS {
            return Err(PlanError::TooMany(items.len()));
        }
        let mut places = BTreeMap::new();
        for (place, item) in items.iter().enumerate() {
            if places.insert(item.id.clone(), place).is_some() {
                return Err(PlanError::Twice(item.id.clone()));
            }
        }
        let planned = items.into_iter().zip(0..).map(|(item, place)| Planned {
            denied: budget.denies(place, item.input.len() as u64),
            input_sha256: Sha256Hash::of(&item.input),
            item,
        });
        Ok(Self { contract, budget, items: planned.collect(), places })
    }

    /// What every output is held to.
    #[must_use]
    pub const fn contract(&self) -> &OutputContract {
        &self.contract
    }

    /// What may be spent.
    #[must_use]
    pub const fn budget(&self) -> &Budget {
        &self.budget
    }

    /// The jobs of the admitted items, in order; run them in any order, as many at a time as you like.
    pub fn jobs(&self) -> impl Iterator<Item = Job<'_>> {
        let admitted = self.items.iter().filter(|planned| planned.denied.is_none());
        admitted.map(|planned| Job { planned, budget: &self.budget })
    }

    /// Begins to collect what the workers come to.
    pub fn start(&self) -> MapRun<'_> {
        MapRun::new(self)
    }

    /// SHA-256 over contract, budget and the items with the digests of their inputs.
    #[must_use]
    pub fn digest(&self) -> Sha256Hash {
        #[derive(Serialize)]
        struct Row<'p> {
            input_sha256: Sha256Hash,
            item: &'p TargetId,
        }
        #[derive(Serialize)]
        struct Document<'p> {
            budget: &'p Budget,
            contract: Sha256Hash,
            items: Vec<Row<'p>>,
        }
        let rows = self.items.iter().map(|planned| Row { input_sha256: planned.input_sha256, item: &planned.item.id });
        let items = rows.collect();
        let mut bytes = Vec::new();
        canonical::append(&Document { budget: &self.budget, contract: self.contract.digest(), items }, &mut bytes);
        Sha256Hash::of(&bytes)
    }

    pub(super) fn items(&self) -> &[Planned] {
        &self.items
    }

    pub(super) fn planned(&self, item: &TargetId) -> Option<(usize, &Planned)> {
        let place = *self.places.get(item)?;
        Some((place, self.items.get(place)?))
    }
}

impl<'p> Job<'p> {
    /// The item.
    #[must_use]
    pub const fn item(&self) -> &'p TargetId {
        &self.planned.item.id
    }

    /// What its worker is given.
    #[must_use]
    pub fn input(&self) -> &'p [u8] {
        &self.planned.item.input
    }

    /// How many bytes its worker may write. One more is enough to know that it wrote too many.
    #[must_use]
    pub const fn output_bytes(&self) -> u64 {
        self.budget.output_bytes
    }

    /// How long its worker may take, in milliseconds.
    #[must_use]
    pub const fn worker_time_ms(&self) -> u64 {
        self.budget.worker_time_ms
    }
}
