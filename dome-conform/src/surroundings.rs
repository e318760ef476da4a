//! What is around a run: folders, environment, clock, cores.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use dome_contracts::conform::Policy;

use crate::error::Error;
use crate::tool::ToolOnDisk;

/// What is around a run.
#[derive(Clone, Debug)]
pub(crate) struct Surroundings {
    pub(crate) clock: String,
    pub(crate) cores: Option<usize>,
    pub(crate) cwd: PathBuf,
    pub(crate) env: BTreeMap<String, String>,
    pub(crate) home: PathBuf,
    pub(crate) host_name: Option<String>,
    /// Whether files are laid in the other order.
    pub(crate) reversed: bool,
    pub(crate) umask: u32,
}

impl Surroundings {
    /// The plain ones: nothing of the machine or of who runs the gate is in them.
    pub(crate) fn plain(folder: &Path) -> Self {
        let home = folder.join("home");
        let env = [
            ("HOME", home.display().to_string()),
            ("HOSTNAME", "dome".to_owned()),
            ("LANG", "C.UTF-8".to_owned()),
            ("LC_ALL", "C.UTF-8".to_owned()),
            ("PATH", "/usr/bin:/bin".to_owned()),
            ("PYTHONHASHSEED", "0".to_owned()),
            ("TZ", "UTC".to_owned()),
        ];
        Self {
            clock: String::new(),
            cores: None,
            cwd: folder.join("work"),
            env: env.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            home,
            host_name: None,
            reversed: false,
            umask: 0o022,
        }
    }

    /// The same, with one variable set.
    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.env.insert(name.to_owned(), value.into());
        self
    }

    /// Lays fresh folders: the working folder with its files, the home, what may be written below.
    pub(crate) fn lay(&self, tool: &ToolOnDisk) -> Result<(), Error> {
        for folder in [&self.cwd, &self.home] {
            if folder.exists() {
                std::fs::remove_dir_all(folder)?;
            }
            std::fs::create_dir_all(folder)?;
        }
        if let Some(workdir) = &tool.manifest.workdir {
            let from = tool.folder.join(workdir);
            let copied = copy(&from, &self.cwd, self.reversed);
            copied.map_err(Error::doing(format!("cannot copy `{}`", from.display())))?;
        }
        for path in self.writable(&tool.manifest.side_effects) {
            if path.starts_with(&self.cwd) {
                std::fs::create_dir_all(&path)?;
            }
        }
        Ok(())
    }

    /// The folders that the policy lets it write below.
    pub(crate) fn writable(&self, policy: &Policy) -> Vec<PathBuf> {
        policy.allow_paths.iter().map(|path| self.cwd.join(path)).collect()
    }

    /// Everything below the folders of a run, each with what tells a change.
    pub(crate) fn listing(&self) -> BTreeMap<PathBuf, (u64, Option<std::time::SystemTime>)> {
        let below = [&self.cwd, &self.home].into_iter().flat_map(|root| walkdir::WalkDir::new(root).min_depth(1));
        let entries = below.filter_map(Result::ok).filter_map(|entry| {
            let about = entry.metadata().ok()?;
            // A folder changes when what is in it does, and that is listed by itself.
            let told = if about.is_dir() { (0, None) } else { (about.len(), about.modified().ok()) };
            Some((entry.into_path(), told))
        });
        entries.collect()
    }
}

/// Copies a folder, its files in name order or against it.
fn copy(from: &Path, to: &Path, reversed: bool) -> std::io::Result<()> {
    let mut entries = std::fs::read_dir(from)?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    if reversed {
        entries.reverse();
    }
    for entry in entries {
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            std::fs::create_dir(&target)?;
            copy(&entry.path(), &target, reversed)?;
        } else {
            std::fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}
