//! `dome.toml`: settings of a project, found by walking up; a flag wins over them.

use std::path::{Path, PathBuf};

use dome_core::{BinderVersion, Timestamp, WrapperPolicy};
use serde::Deserialize;

use crate::args::{OutputArgs, ReplayArgs};
use crate::exit::invalid;
use crate::memory::MemorySize;
use dome_replay::BUILT_IN;
use dome_replay::input::document;

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

/// What a replay is asked for, flags and settings together.
#[derive(Debug)]
pub(crate) struct Replay {
    pub(crate) inputs: Vec<PathBuf>,
    pub(crate) out: PathBuf,
    pub(crate) mode: Option<WrapperPolicy>,
    pub(crate) binder: BinderVersion,
    pub(crate) as_of: Option<Timestamp>,
    pub(crate) policy: Option<PathBuf>,
    pub(crate) reason_codes: Vec<PathBuf>,
    pub(crate) not_after: Option<Timestamp>,
    pub(crate) redact: Option<PathBuf>,
    pub(crate) threads: usize,
    /// The memory to keep to, if that was asked for.
    pub(crate) memory: Option<MemorySize>,
    pub(crate) force: bool,
    pub(crate) deny_quarantine: bool,
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
        let here = std::env::current_dir().unwrap_or_default();
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

    /// What a replay is asked for.
    ///
    /// # Errors
    ///
    /// When a setting is not what its flag would take.
    pub(crate) fn replay(&self, flags: ReplayArgs) -> anyhow::Result<Replay> {
        let settings = &self.document.replay;
        let (policy, reason_codes, mode) = self.rules(flags.policy, flags.reason_codes, flags.mode)?;
        Ok(Replay {
            inputs: flags.inputs,
            out: flags.out,
            mode,
            binder: flags
                .binder_version
                .map_or_else(
                    || self.word("binder-version", settings.binder_version.as_deref()),
                    |binder| Ok(Some(binder)),
                )?
                .unwrap_or_default(),
            as_of: flags.as_of.map_or_else(|| self.word("as-of", settings.as_of.as_deref()), |time| Ok(Some(time)))?,
            policy,
            reason_codes,
            not_after: flags
                .not_after
                .map_or_else(|| self.word("not-after", settings.not_after.as_deref()), |time| Ok(Some(time)))?,
            redact: flags.redact.or(settings.redact.as_ref().map(|asked| self.redact(asked))),
            threads: threads(flags.threads.or(settings.threads)),
            memory: flags
                .memory
                .map_or_else(|| self.word("memory", settings.memory.as_deref()), |memory| Ok(Some(memory)))?,
            force: flags.force,
            deny_quarantine: flags.deny_quarantine || settings.deny_quarantine == Some(true),
        })
    }

    /// The policy, the reason-code tables and the mode: a flag wins over the settings of `[replay]`.
    ///
    /// # Errors
    ///
    /// When a setting is not what its flag would take.
    pub(crate) fn rules(
        &self,
        policy: Option<PathBuf>,
        reason_codes: Vec<PathBuf>,
        mode: Option<WrapperPolicy>,
    ) -> anyhow::Result<(Option<PathBuf>, Vec<PathBuf>, Option<WrapperPolicy>)> {
        let settings = &self.document.replay;
        let reason_codes = if reason_codes.is_empty() {
            settings.reason_codes.iter().map(|path| self.folder.join(path)).collect()
        } else {
            reason_codes
        };
        let policy = policy.or(settings.policy.as_ref().map(|path| self.folder.join(path)));
        let mode = mode.map_or_else(|| self.word("mode", settings.mode.as_deref()), |mode| Ok(Some(mode)))?;
        Ok((policy, reason_codes, mode))
    }

    /// `built-in`, or a file relative to the settings' folder.
    fn redact(&self, asked: &Path) -> PathBuf {
        if asked.as_os_str() == BUILT_IN { asked.to_owned() } else { self.folder.join(asked) }
    }

    fn word<T: std::str::FromStr<Err: std::fmt::Display>>(
        &self,
        name: &str,
        text: Option<&str>,
    ) -> anyhow::Result<Option<T>> {
        let path: &Path = &self.folder.join(FILE);
        let read = |text: &str| {
            text.parse().map_err(|why| invalid(format!("`{}`: replay.{name}: {why}, found `{text}`", path.display())))
        };
        text.map(read).transpose()
    }
}

/// How many threads to use: all cores unless it is said.
pub(crate) fn threads(asked: Option<std::num::NonZeroUsize>) -> usize {
    asked.or(std::thread::available_parallelism().ok()).map_or(1, std::num::NonZero::get)
}
