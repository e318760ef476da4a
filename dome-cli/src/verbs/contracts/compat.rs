//! `dome contracts compat`.

use std::path::Path;

use anyhow::{Result, bail};
use dome_contracts::compat::{Compatibility, Dialect, Schema, SchemaError, compat};
use dome_contracts::{Folder, referenced_files};

use crate::exit::Exit;

use super::args::ContractsCompatArgs;
use super::{DONE, FINDINGS, Streams, files, show};

pub(super) fn run(args: &ContractsCompatArgs, streams: &mut Streams<'_>) -> Result<Exit> {
    let dialect = args.dialect.into();
    let mut schemas = Vec::new();
    for path in [&args.old, &args.new] {
        match read(path, dialect)? {
            Ok(schema) => schemas.push(schema),
            Err(error) => {
                streams.complain(&format!("`{}`: {error}", path.display()))?;
                return Ok(Exit::Invalid);
            }
        }
    }
    let [old, new] = schemas.as_slice() else {
        bail!("two schemas are compared");
    };
    let report = compat(old, new, args.direction.into());
    if streams.is_json {
        streams.object(&report.to_json())?;
    } else {
        for finding in &report.findings {
            streams.line(&show::finding(finding, None))?;
        }
        streams.line(&show::outcome(report.verdict, report.bump()))?;
    }
    Ok(if report.verdict == Compatibility::Compatible { DONE } else { FINDINGS })
}

/// The schema with the files beside it that it refers to, over any number of steps.
fn read(path: &Path, dialect: Dialect) -> Result<Result<Schema, SchemaError>> {
    let base = files::directory(path);
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
        bail!("`{}` is no file", path.display());
    };
    let mut folder = Folder::default();
    let mut waiting = vec![name.to_owned()];
    while let Some(name) = waiting.pop() {
        let path = base.join(&name);
        if folder.get(&name).is_some() || (!folder.is_empty() && !path.is_file()) {
            continue;
        }
        let bytes = files::file(&path)?;
        waiting.extend(referenced_files(&bytes, &name));
        folder.insert(name, bytes);
    }
    Ok(folder.schema(name, dialect))
}
