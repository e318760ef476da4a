//! Trying the tool on documents that its schemas give, and shrinking what shows a drift.

use std::collections::BTreeSet;

use dome_contracts::conform::{Assertion, Check, Refused, Run, Shrink, SpecTest, spec_as_test};

use super::session::Session;

/// How many candidates are tried for one drift, and how many drifts are shrunk.
const BUDGET: usize = 40;
const SHRUNK_MAX: usize = 4;

/// Runs the tests; `reached` are the reason codes that fixtures reach.
pub(super) fn test(session: &Session<'_>, reached: &mut BTreeSet<String>) -> anyhow::Result<(Check, Vec<SpecTest>)> {
    let manifest = &session.tool.manifest;
    let (mut tests, mut shrunk) = (Vec::new(), BTreeSet::new());
    for assertion in manifest.assertions() {
        let run = session.run(&assertion.config, &assertion.input)?;
        reached.extend(run.reason_codes(manifest));
        let refused = assertion.judge(&run, manifest);
        let refused = match refused {
            // One of a kind shows it; the others are told as they are.
            Some(refused) if shrunk.len() < SHRUNK_MAX && shrunk.insert((refused.drift, assertion.class)) => {
                Some(smallest(session, &assertion, refused)?)
            }
            Some(refused) => Some((refused, assertion.clone())),
            None => None,
        };
        tests.push(SpecTest { assertion, refused });
    }
    Ok((spec_as_test(manifest, &tests, reached), tests))
}

fn smallest(session: &Session<'_>, start: &Assertion, found: Refused) -> anyhow::Result<(Refused, Assertion)> {
    let manifest = &session.tool.manifest;
    let (mut shrink, mut shown) = (Shrink::of(start.clone(), manifest, BUDGET), found);
    while let Some(candidate) = shrink.next() {
        let run: Run = session.run(&candidate.config, &candidate.input)?;
        let refused = candidate.judge(&run, manifest).filter(|refused| refused.drift == shown.drift);
        let shows_it = refused.is_some();
        shown = refused.unwrap_or(shown);
        shrink.told(candidate, shows_it);
    }
    Ok((shown, shrink.smallest()))
}
