//! What keeps failing, whether a rerun clears it, what ended it, and whether that is proven: at the end of a replay, and
//! in the status of a store.

use dome_replay::KeepsFailing;

use super::said::{of_executions, remedy, standing};
use crate::output::{Printer, grouped};

pub(crate) fn print(failing: &[KeepsFailing], output: &mut Printer) -> anyhow::Result<()> {
    if !failing.is_empty() {
        output.line("\nwhat keeps failing:")?;
    }
    for one in failing {
        let KeepsFailing { failure_reason_code: code, target_id: target, verdict, derived_key, .. } = one;
        writeln!(output, "  {code} on {target}  [{verdict}] {}", derived_key.short())?;
        writeln!(output, "      {}", history(one))?;
        if let Some(best) = &one.remedy {
            let holds: Vec<&str> = one.holds.iter().map(|hold| hold.as_str()).collect();
            let held = if holds.is_empty() { String::new() } else { format!("; held back by {}", holds.join(", ")) };
            writeln!(output, "      {}{held}", remedy(best))?;
        }
    }
    Ok(())
}

/// How often, of how many, how often by chance, and how it stands.
fn history(one: &KeepsFailing) -> String {
    let mut parts = vec![format!("failed in {}", of_executions(one.failure_count, one.execution_count))];
    if one.intermittent_count > 0 {
        parts.push(format!("{} x at a revision that also passed", grouped(one.intermittent_count)));
    }
    let clean = one.clean_count.zip(one.clean_needed);
    parts.extend(one.state.map(|state| format!("now {}", standing(state, clean))));
    parts.join(", ")
}
