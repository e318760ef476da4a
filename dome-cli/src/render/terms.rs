//! By what terms an answer was given.

use dome_binder::priors::Priors;

use crate::output::Printer;

/// Says why an answer is in a lesser mode than was asked for, and by whose word it is in more than was earned.
pub(crate) fn print(answer: &Priors, output: &mut Printer) -> anyhow::Result<()> {
    let Some(terms) = &answer.rollout_terms else { return Ok(()) };
    if !terms.limits.is_empty() {
        writeln!(output, "rollout: asked in {}, answered in {}:", terms.asked, answer.rollout)?;
    }
    terms.limits.iter().try_for_each(|limit| writeln!(output, "    {limit}"))?;
    if let Some(said) = &terms.overridden {
        writeln!(output, "rollout: not earned, overridden by {} at {}: {}", said.by, said.ts, said.why)?;
    }
    Ok(())
}
