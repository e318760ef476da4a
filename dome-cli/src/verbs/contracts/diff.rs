//! `dome contracts diff`.

use anyhow::Result;
use dome_contracts::compat::Compatibility;
use dome_contracts::diff;

use crate::exit::Exit;

use super::args::ContractsDiffArgs;
use super::{DONE, FINDINGS, Streams, files, show};

pub(super) fn run(args: &ContractsDiffArgs, streams: &mut Streams<'_>) -> Result<Exit> {
    let diff = match diff(&files::folder(&args.old)?, &files::folder(&args.new)?) {
        Ok(diff) => diff,
        Err(error) => {
            streams.complain(&error.to_string())?;
            return Ok(Exit::Invalid);
        }
    };
    if streams.is_json {
        streams.object(&diff.to_json())?;
    } else {
        for change in &diff.changes {
            streams.line(&show::finding(&change.finding, Some(&change.contract)))?;
        }
        for (path, change) in &diff.files {
            streams.line(&format!("{change} {path}"))?;
        }
        streams.line(&show::outcome(diff.verdict(), diff.bump()))?;
    }
    Ok(if diff.verdict() == Compatibility::Compatible { DONE } else { FINDINGS })
}
