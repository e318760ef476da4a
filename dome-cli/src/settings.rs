//! `dome.toml`: settings of a project, found by walking up; a flag wins over them.

use dome_core::escaped_path;
use std::fmt::Display;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::Context;
use clap::ValueEnum;
use dome_binder::Rules;
use dome_binder::priors::Rollout;
use dome_replay::BUILT_IN;
use dome_replay::input::document;
use serde::Deserialize;

use crate::args::{OutputArgs, RulesArgs};
use crate::exit::invalid;

const FILE: &str = "dome.toml";

/// What may stand under `[replay]`; its paths are relative to the file's own folder.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct ReplaySettings {
    mode: Option<String>,
    pub(crate) binder_version: Option<String>,
    pub(crate) as_of: Option<String>,
    pub(crate) not_after: Option<String>,
    policy: Option<PathBuf>,
    contracts: Option<PathBuf>,
    #[serde(default)]
    reason_codes: Vec<PathBuf>,
    #[serde(default)]
    no_builtin_codes: bool,
    pub(crate) redact: Option<PathBuf>,
    pub(crate) threads: Option<NonZeroUsize>,
    pub(crate) memory: Option<String>,
    #[serde(default)]
    pub(crate) deny_quarantine: bool,
}

/// What may stand under `[priors]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct PriorsSettings {
    rollout: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Settings {
    format: Option<String>,
    color: Option<String>,
    #[serde(default)]
    priors: PriorsSettings,
    #[serde(default)]
    pub(crate) replay: ReplaySettings,
    #[serde(skip)]
    path: PathBuf,
}

impl Settings {
    /// Looks for `dome.toml` in the working directory and above.
    pub(crate) fn find() -> anyhow::Result<Self> {
        let here = std::env::current_dir().context("cannot tell the working directory")?;
        let Some(folder) = here.ancestors().find(|folder| folder.join(FILE).is_file()) else {
            return Ok(Self::default());
        };
        let path = folder.join(FILE);
        let wrong = |why: &dyn Display| invalid(format!("`{}`: {why}", escaped_path(&path)));
        let bytes = document(&path)?;
        let text = str::from_utf8(&bytes).map_err(|why| wrong(&why))?;
        let mut settings: Self = toml::from_str(text).map_err(|why| wrong(&why))?;
        let replay = &mut settings.replay;
        let redact = replay.redact.iter_mut().filter(|rules| rules.as_os_str() != BUILT_IN);
        for file in replay.policy.iter_mut().chain(&mut replay.contracts).chain(&mut replay.reason_codes).chain(redact)
        {
            *file = folder.join(&*file);
        }
        Ok(Self { path, ..settings })
    }

    pub(crate) fn output(&self, flags: OutputArgs) -> anyhow::Result<OutputArgs> {
        Ok(OutputArgs {
            format: self.read("format", flags.format, &self.format, variant)?,
            color: self.read("color", flags.color, &self.color, variant)?,
        })
    }

    pub(crate) fn rules(&self, flags: RulesArgs) -> anyhow::Result<RulesArgs> {
        let ReplaySettings { mode, policy, contracts, reason_codes, no_builtin_codes, .. } = &self.replay;
        Ok(RulesArgs {
            mode: self.word("replay.mode", flags.mode, mode)?,
            policy: flags.policy.or_else(|| policy.clone()),
            contracts: flags.contracts.or_else(|| contracts.clone()),
            reason_codes: if flags.reason_codes.is_empty() { reason_codes.clone() } else { flags.reason_codes },
            no_builtin_codes: flags.no_builtin_codes || *no_builtin_codes,
        })
    }

    pub(crate) fn load_rules(&self, flags: RulesArgs) -> anyhow::Result<Rules> {
        Ok(self.rules(flags)?.load()?)
    }

    /// The lock of the contracts to go by: the one that is named, else the project's.
    pub(crate) fn contracts<'s>(&'s self, named: Option<&'s Path>) -> Option<&'s Path> {
        named.or(self.replay.contracts.as_deref())
    }

    /// How far dome may go in this project, whatever is asked for.
    pub(crate) fn rollout(&self) -> anyhow::Result<Option<Rollout>> {
        self.word("priors.rollout", None, &self.priors.rollout)
    }

    pub(crate) fn word<T: FromStr<Err: Display>>(
        &self,
        name: &str,
        flag: Option<T>,
        setting: &Option<String>,
    ) -> anyhow::Result<Option<T>> {
        self.read(name, flag, setting, |text| text.parse().map_err(|why: T::Err| why.to_string()))
    }

    fn read<T>(
        &self,
        name: &str,
        flag: Option<T>,
        setting: &Option<String>,
        parse: fn(&str) -> Result<T, String>,
    ) -> anyhow::Result<Option<T>> {
        let Some(text) = setting.as_ref().filter(|_| flag.is_none()) else { return Ok(flag) };
        let wrong = |why| invalid(format!("`{}`: {name}: {why}, found `{text}`", escaped_path(&self.path)));
        parse(text).map(Some).map_err(wrong)
    }
}

fn variant<T: ValueEnum>(text: &str) -> Result<T, String> {
    T::from_str(text, false).map_err(|_| {
        let words = T::value_variants().iter().filter_map(ValueEnum::to_possible_value);
        let words: Vec<_> = words.map(|word| format!("`{}`", word.get_name())).collect();
        format!("expected {}", words.join(", "))
    })
}
