//! The interpreter.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;

use crate::exit::usage;

/// An interpreter that was found.
pub(super) struct Python {
    /// The binary itself: what is found on the way to it may be a script.
    pub(super) program: PathBuf,
    /// Its version.
    pub(super) version: String,
}

/// The oldest version with `-P`.
const OLDEST: (u32, u32) = (3, 11);

impl Python {
    /// Asks an interpreter for its binary and version.
    pub(super) fn find(named: &Path) -> anyhow::Result<Self> {
        let asked = "import sys; print(sys.executable); print('.'.join(map(str, sys.version_info[:3])))";
        let output = Command::new(named).args(["-s", "-c", asked]).output();
        let output = output.map_err(|why| usage(format!("--python: cannot start `{}`: {why}", named.display())))?;
        let text = String::from_utf8(output.stdout).context("the interpreter's path is not UTF-8")?;
        let mut lines = text.lines();
        let (Some(program), Some(version)) = (lines.next(), lines.next()) else {
            return Err(usage(format!("--python: `{}` is no Python", named.display())));
        };
        let mut numbers = version.split('.').map(|number| number.parse::<u32>().unwrap_or(0));
        let found = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
        if found < OLDEST {
            return Err(usage(format!("--python: {version}; 3.11 or later is needed, for `-P`")));
        }
        Ok(Self { program: PathBuf::from(program), version: version.to_owned() })
    }

    /// What has to be executable for it to start: itself, and the loader that the kernel starts it by.
    pub(super) fn executables(&self) -> Vec<PathBuf> {
        let loaders = ["/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1", "/lib/ld-musl-x86_64.so.1"];
        let loaders = loaders.iter().map(PathBuf::from).filter(|path| path.exists());
        std::iter::once(self.program.clone()).chain(loaders).collect()
    }
}
