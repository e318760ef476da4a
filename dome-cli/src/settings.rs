//! `dome.toml`: settings of a project, found by walking up; a flag wins over them.

use std::path::PathBuf;

use anyhow::Context;
use dome_binder::Rules;
use dome_core::{BinderVersion, Timestamp};
use dome_replay::input::document;
use dome_replay::{BUILT_IN, MemorySize};
use serde::Deserialize;

use crate::args::{OutputArgs, RulesArgs, ThreadsArgs};
use crate::exit::invalid;

/// The name of the file.
const FILE: &str = "dome.toml";

/// The settings as they stand in the file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Document {
    format: Option<String>,
    color: Option<String>,
    #[serde(default)]
    replay: ReplaySettings,
}

/// What may stand under `[replay]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct ReplaySettings {
    mode: Option<String>,
    binder_version: Option<String>,
    as_of: Option<String>,
    not_after: Option<String>,
    policy: Option<PathBuf>,
    #[serde(default)]
    reason_codes: Vec<PathBuf>,
    redact: Option<PathBuf>,
    threads: Option<std::num::NonZeroUsize>,
    memory: Option<String>,
    deny_quarantine: Option<bool>,
}

/// The settings, with the folder that their paths are relative to.
pub(crate) struct Settings {
    document: Document,
    folder: PathBuf,
}

impl Settings {
    /// Looks for `dome.toml` in the working directory and above; none is an empty one.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or says what no setting is.
    pub(crate) fn find() -> anyhow::Result<Self> {
        let here = std::env::current_dir().context("cannot tell the working directory")?;
        let Some(folder) = here.ancestors().find(|folder| folder.join(FILE).is_file()) else {
            return Ok(Self { document: Document::default(), folder: here });
        };
        let path = folder.join(FILE);
        let bytes = document(&path)?;
        let wrong = |why: &dyn std::fmt::Display| invalid(format!("`{}`: {why}", path.display()));
        let text = str::from_utf8(&bytes).map_err(|why| wrong(&why))?;
        let document = toml::from_str(text).map_err(|why| wrong(&why))?;
        Ok(Self { document, folder: folder.to_owned() })
    }

    /// How results are shown.
    ///
    /// # Errors
    ///
    /// When a setting is not what its flag would take.
    pub(crate) fn output(&self, flags: OutputArgs) -> anyhow::Result<OutputArgs> {
        let (format, color) =
            (self.choice("format", &self.document.format)?, self.choice("color", &self.document.color)?);
        Ok(OutputArgs { format: flags.format.or(format), color: flags.color.or(color) })
    }

    /// One of the words that a flag takes.
    fn choice<T: clap::ValueEnum>(&self, name: &str, given: &Option<String>) -> anyhow::Result<Option<T>> {
        let Some(text) = given else { return Ok(None) };
        let wrong = |_| {
            let words = T::value_variants().iter().filter_map(clap::ValueEnum::to_possible_value);
            let words: Vec<String> = words.map(|word| format!("`{}`", word.get_name())).collect();
            let path = self.folder.join(FILE);
            invalid(format!("`{}`: `{name}`: expected {}, found `{text}`", path.display(), words.join(", ")))
        };
        T::from_str(text, false).map(Some).map_err(wrong)
    }

    /// The policy, the reason-code tables and the mode: a flag wins over the settings of `[replay]`.
    ///
    /// # Errors
    ///
    /// When a setting is not what its flag would take.
    pub(crate) fn rules(&self, flags: RulesArgs) -> anyhow::Result<RulesArgs> {
        let settings = &self.document.replay;
        let reason_codes = if flags.reason_codes.is_empty() {
            settings.reason_codes.iter().map(|path| self.folder.join(path)).collect()
        } else {
            flags.reason_codes
        };
        let policy = flags.policy.or(settings.policy.as_ref().map(|path| self.folder.join(path)));
        Ok(RulesArgs { mode: self.word("mode", settings.mode.as_deref(), flags.mode)?, policy, reason_codes })
    }

    /// The rules that the flags and settings say.
    ///
    /// # Errors
    ///
    /// As [`Settings::rules`], and when a document cannot be read or is wrong.
    pub(crate) fn load_rules(&self, flags: RulesArgs) -> anyhow::Result<Rules> {
        let RulesArgs { mode, policy, reason_codes } = self.rules(flags)?;
        Ok(dome_replay::load_rules(policy.as_deref(), &reason_codes, mode)?)
    }

    /// `--binder-version`
    pub(crate) fn binder(&self, flag: Option<BinderVersion>) -> anyhow::Result<BinderVersion> {
        let binder = self.word("binder-version", self.document.replay.binder_version.as_deref(), flag)?;
        Ok(binder.unwrap_or(BinderVersion::V1))
    }

    /// `--as-of`
    pub(crate) fn as_of(&self, flag: Option<Timestamp>) -> anyhow::Result<Option<Timestamp>> {
        self.word("as-of", self.document.replay.as_of.as_deref(), flag)
    }

    /// `--not-after`
    pub(crate) fn not_after(&self, flag: Option<Timestamp>) -> anyhow::Result<Option<Timestamp>> {
        self.word("not-after", self.document.replay.not_after.as_deref(), flag)
    }

    /// `--memory`
    pub(crate) fn memory(&self, flag: Option<MemorySize>) -> anyhow::Result<Option<MemorySize>> {
        self.word("memory", self.document.replay.memory.as_deref(), flag)
    }

    /// `--redact`: `built-in`, or a file relative to the settings' folder.
    pub(crate) fn redact(&self, flag: Option<PathBuf>) -> Option<PathBuf> {
        let beside = |asked: &PathBuf| match asked.as_os_str() == BUILT_IN {
            true => asked.clone(),
            false => self.folder.join(asked),
        };
        flag.or_else(|| self.document.replay.redact.as_ref().map(beside))
    }

    /// `--threads`
    pub(crate) fn threads(&self, flag: ThreadsArgs) -> usize {
        ThreadsArgs { threads: flag.threads.or(self.document.replay.threads) }.count()
    }

    /// `--deny-quarantine`
    pub(crate) fn deny_quarantine(&self, flag: bool) -> bool {
        flag || self.document.replay.deny_quarantine == Some(true)
    }

    /// What a flag says, or else a setting.
    fn word<T: std::str::FromStr<Err: std::fmt::Display>>(
        &self,
        name: &str,
        text: Option<&str>,
        flag: Option<T>,
    ) -> anyhow::Result<Option<T>> {
        let path = self.folder.join(FILE);
        let read = |text: &str| {
            text.parse().map_err(|why| invalid(format!("`{}`: replay.{name}: {why}, found `{text}`", path.display())))
        };
        match flag {
            Some(said) => Ok(Some(said)),
            None => text.map(read).transpose(),
        }
    }
}
