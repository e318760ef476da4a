//! Ready-made reducers: integers in, integers out.

use std::collections::BTreeMap;

use compact_str::CompactString;
use dome_core::limits::SAFE_INTEGER;
use serde::Serialize;

use super::plan::MapPlan;
use super::reduce::{Accepted, Reduce};
use crate::codes::ReduceFailureCode;
use crate::contract::{Leaf, MemberName, MemberPath, Shape};
use crate::limits;

/// One ready-made reducer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reducer {
    /// How many outputs there are.
    Count,
    /// The greatest integer at a path.
    Max(MemberPath),
    /// The least integer at a path.
    Min(MemberPath),
    /// The sum of the integers at a path, overflow checked.
    Sum(MemberPath),
    /// How often each word of a choice, or `true` and `false`, stands at a path; also those that never do.
    Tally(MemberPath),
}

/// Ready-made reducers by the names of their answers, held to one plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reduction {
    reducers: BTreeMap<MemberName, (Reducer, Zero)>,
}

/// What [`Reduction`] comes to: integers, or tallies of integers, by name. A least or greatest of nothing
/// is left out.
pub type Summary = BTreeMap<MemberName, Figure>;

/// One figure of a [`Summary`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Figure {
    /// A number.
    Integer(i64),
    /// Numbers by word.
    Tally(Tally),
}

/// Numbers by word; words are sorted as canonical bytes want them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally(Vec<(CompactString, u64)>);

/// A tally before anything is counted.
type Zero = Vec<CompactString>;

/// Why reducers do not fit a plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReducerError {
    /// There are more than [`limits::REDUCERS`], or two with one name.
    #[error("a reduction has at most 64 reducers, each with a name of its own")]
    Names,
    /// The contract has nothing of use at a path.
    #[error("`{path}`: expected {expected}, the contract has {found}")]
    Shape {
        /// The path.
        path: String,
        /// What the reducer works on.
        expected: &'static str,
        /// What the contract has.
        found: &'static str,
    },
    /// As many items as the budget admits could make the sum unsafe; so could one, by writing what the
    /// contract lets it write.
    #[error("`{path}`: {items} items could sum up beyond 2^53 - 1; narrow the contract's range or the budget")]
    CouldOverflow {
        /// The path.
        path: String,
        /// The items that the budget admits.
        items: u64,
    },
}

impl Reduction {
    /// Checks reducers against the contract and the budget of a plan.
    ///
    /// # Errors
    ///
    /// [`ReducerError::Names`], [`ReducerError::Shape`], and [`ReducerError::CouldOverflow`] for a sum that
    /// outputs within the contract could take beyond the safe range: then one worker could keep all others
    /// from being summed up.
    pub fn new(
        plan: &MapPlan,
        reducers: impl IntoIterator<Item = (MemberName, Reducer)>,
    ) -> Result<Self, ReducerError> {
        let mut checked = BTreeMap::new();
        for (name, reducer) in reducers {
            let zero = reducer.check(plan)?;
            if checked.insert(name, (reducer, zero)).is_some() || checked.len() > limits::REDUCERS {
                return Err(ReducerError::Names);
            }
        }
        Ok(Self { reducers: checked })
    }
}

impl Reducer {
    fn check(&self, plan: &MapPlan) -> Result<Zero, ReducerError> {
        match self {
            Self::Count => Ok(Zero::new()),
            Self::Max(path) | Self::Min(path) => integers(plan, path).map(|_| Zero::new()),
            Self::Sum(path) => {
                let (count, greatest) = integers(plan, path)?;
                let items = plan.budget().admits();
                let sum = count.saturating_mul(u128::from(items)).saturating_mul(u128::from(greatest));
                let safe = sum <= u128::from(SAFE_INTEGER);
                if safe { Ok(Zero::new()) } else { Err(ReducerError::CouldOverflow { path: path.to_string(), items }) }
            }
            Self::Tally(path) => words(plan, path),
        }
    }

    fn figure(&self, zero: &Zero, accepted: &Accepted<'_>) -> Result<Option<Figure>, ReduceFailureCode> {
        let integer = |value: Option<i64>| value.map(Figure::Integer);
        Ok(match self {
            Self::Count => integer(i64::try_from(accepted.outputs().count()).ok()),
            Self::Max(path) => integer(values(accepted, path).max()),
            Self::Min(path) => integer(values(accepted, path).min()),
            Self::Sum(path) => integer(Some(sum(values(accepted, path))?)),
            Self::Tally(path) => Some(Figure::Tally(Tally::of(zero, accepted, path))),
        })
    }
}

impl Reduce for Reduction {
    type Answer = Summary;

    fn reduce(&self, accepted: &Accepted<'_>) -> Result<Summary, ReduceFailureCode> {
        let figures = self.reducers.iter().map(|(name, (reducer, zero))| {
            let figure = reducer.figure(zero, accepted)?;
            Ok(figure.map(|figure| (name.clone(), figure)))
        });
        figures.filter_map(Result::transpose).collect()
    }
}

impl Tally {
    fn of(zero: &Zero, accepted: &Accepted<'_>, path: &MemberPath) -> Self {
        let mut counts: BTreeMap<&str, u64> = zero.iter().map(|word| (word.as_str(), 0)).collect();
        let leaves = accepted.outputs().flat_map(|output| output.leaves(path));
        for leaf in leaves {
            let word = match leaf {
                Leaf::Choice(word) => word,
                Leaf::Boolean(true) => "true",
                Leaf::Boolean(false) => "false",
                Leaf::Integer(_) | Leaf::Item(_) | Leaf::Text(_) => continue,
            };
            *counts.entry(word).or_default() += 1;
        }
        let mut counts: Vec<_> = counts.into_iter().map(|(word, count)| (word.into(), count)).collect();
        counts.sort_by(|(a, _): &(CompactString, u64), (b, _)| dome_core::utf16_order(a, b));
        Self(counts)
    }

    /// How often a word was there.
    #[must_use]
    pub fn get(&self, word: &str) -> Option<u64> {
        self.0.iter().find(|(known, _)| known == word).map(|(_, count)| *count)
    }

    /// The words with their counts.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().map(|(word, count)| (word.as_str(), *count))
    }
}

impl Serialize for Tally {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

fn values<'r>(accepted: &Accepted<'r>, path: &MemberPath) -> impl Iterator<Item = i64> + use<'r> {
    let leaves: Vec<_> = accepted.outputs().flat_map(|output| output.leaves(path)).collect();
    leaves.into_iter().filter_map(|leaf| if let Leaf::Integer(value) = leaf { Some(value) } else { None })
}

fn sum(mut values: impl Iterator<Item = i64>) -> Result<i64, ReduceFailureCode> {
    let sum = values.try_fold(0_i64, i64::checked_add).filter(|sum| sum.unsigned_abs() <= SAFE_INTEGER);
    sum.ok_or(ReduceFailureCode::Overflow)
}

/// How many integers one output has at a path at most, and the greatest magnitude of one.
fn integers(plan: &MapPlan, path: &MemberPath) -> Result<(u128, u64), ReducerError> {
    match plan.contract().most_leaves(path) {
        Some((count, Shape::Integer { max, min })) => Ok((count, max.unsigned_abs().max(min.unsigned_abs()))),
        other => Err(misfit(path, "an integer", other)),
    }
}

fn words(plan: &MapPlan, path: &MemberPath) -> Result<Zero, ReducerError> {
    match plan.contract().most_leaves(path) {
        Some((_, Shape::Choice { of })) => Ok(of.iter().cloned().collect()),
        Some((_, Shape::Boolean {})) => Ok(vec!["false".into(), "true".into()]),
        other => Err(misfit(path, "a choice or a boolean", other)),
    }
}

fn misfit(path: &MemberPath, expected: &'static str, found: Option<(u128, &Shape)>) -> ReducerError {
    let found = found.map_or("nothing there", |(_, shape)| shape.name());
    ReducerError::Shape { path: path.to_string(), expected, found }
}
