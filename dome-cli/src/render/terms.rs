//! By what terms an answer was given, and what the store keeps beside its facts that shaped it.

use dome_binder::priors::Priors;

use crate::output::Printer;

/// Says why an answer is in a lesser mode than was asked for, by whose word it is in more than was earned, and how the
/// tools stand that the store says its remedies run.
pub(crate) fn print(answer: &Priors, output: &mut Printer) -> anyhow::Result<()> {
    print_rollout(answer, output)?;
    answer.store_holds.iter().try_for_each(|hold| writeln!(output, "store: {hold}"))
}

fn print_rollout(answer: &Priors, output: &mut Printer) -> anyhow::Result<()> {
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
