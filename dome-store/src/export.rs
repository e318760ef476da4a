//! `dome store export`: the artifacts that a replay of everything ingested would write.

use std::path::Path;

use dome_binder::Rules;

use super::history::History;
use super::log::{Log, Segments};
use super::settings::StoreSettings;
use crate::artifacts::{self, Artifacts, Written};
use crate::exit::Exit;
use crate::output::{Output, grouped, note};
use crate::replay::{self, Kept, LineCounts, Steps};
use crate::settings::Replay;
use dome_replay::Masking;

/// What an export is asked for.
pub(crate) struct Export<'e> {
    pub(crate) store: &'e Path,
    pub(crate) out: &'e Path,
    pub(crate) as_of: Option<dome_core::Timestamp>,
    pub(crate) threads: usize,
    pub(crate) force: bool,
}

/// Runs the verb. Damage is told, and what can be read is written.
pub(crate) fn run(export: &Export<'_>, output: &mut Output) -> anyhow::Result<Exit> {
    artifacts::check_destination(export.out)?;
    let log = Log::open(export.store)?;
    let rules: Rules = StoreSettings::rules(&log.manifest.settings)?;
    let mut history = History::read(&log)?;
    let args = Replay {
        inputs: vec![export.store.to_owned()],
        out: export.out.to_owned(),
        mode: rules.mode,
        binder: dome_core::BinderVersion::default(),
        as_of: export.as_of,
        policy: None,
        reason_codes: Vec::new(),
        not_after: history.session.as_ref().and_then(|session| session.not_after),
        redact: None,
        threads: export.threads,
        memory: None,
        force: export.force,
        deny_quarantine: false,
    };
    let (lines, blank) = history.lines();
    let records = history.take_records();
    let (result, views) = replay::derive(records, &rules, args.threads, args.as_of, &mut Steps::default());
    let quarantine = history.quarantine(&result.ledger.conflicts, &mut Segments::of(export.store))?;
    let counts = LineCounts { lines, blank };
    let masking = Masking::recorded(history.session.as_ref().and_then(|session| session.redaction.as_ref()))?;
    let redacted = masking.redacted(history.redactions.clone().into_iter().collect());
    let artifacts = Artifacts {
        args: &args,
        rules: &rules,
        result: &result,
        views: &views,
        kept: &Kept::default(),
        quarantine: &quarantine,
        counts,
        redacted,
    };
    let (_, Written { manifest, unchanged }) = artifacts::write(&artifacts)?;
    if output.is_json() {
        output.object(&manifest)?;
    } else {
        let state = if unchanged { " (the same result stood there already)" } else { "" };
        output.line(&format!(
            "{} facts, {} capsules",
            grouped(manifest.counts.facts),
            grouped(manifest.counts.capsules)
        ))?;
        output.line(&format!("result: {}{state}\nsnapshot: {}", export.out.display(), manifest.snapshot_digest))?;
    }
    output.flush()?;
    for damage in &history.damage {
        note(&format!("dome: {}", super::verify::told(damage)));
    }
    Ok(if history.damage.is_empty() { Exit::Done } else { Exit::Unreproduced })
}
