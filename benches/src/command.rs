//! The command that is measured, and the files that it is measured on.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{History, SEED};

/// `dome`, as a release has it.
#[derive(Clone, Debug)]
pub struct Dome {
    program: PathBuf,
    codes: PathBuf,
}

impl Dome {
    /// The command that `DOME_BIN` names; without it, the release build of these sources, made now.
    ///
    /// # Errors
    ///
    /// When it does not build.
    pub fn release() -> io::Result<Self> {
        let codes = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/reason-codes.json");
        if let Some(program) = std::env::var_os("DOME_BIN") {
            return Ok(Self { program: program.into(), codes });
        }
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("Cargo.toml");
        let mut build = Command::new(cargo);
        build.args(["build", "--quiet", "--release", "-p", "dome-cli", "--manifest-path"]).arg(manifest);
        if !build.status()?.success() {
            return Err(io::Error::other("`dome` does not build"));
        }
        // This program stands in `release/deps`, the command in `release`.
        let here = std::env::current_exe()?;
        let release = here.ancestors().nth(2).ok_or_else(|| io::Error::other("no target directory"))?;
        Ok(Self { program: release.join("dome"), codes })
    }

    /// The command with words behind it.
    #[must_use]
    pub fn words(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(words);
        command
    }

    /// A replay of `input` into `out`.
    #[must_use]
    pub fn replay(&self, input: &Path, out: &Path, threads: usize) -> Command {
        let mut command = self.words(&["replay", "--force", "--threads"]);
        command.arg(threads.to_string()).arg("--reason-codes").arg(&self.codes);
        command.arg("--out").arg(out).arg(input);
        command
    }

    /// Whether a verb has a flag.
    #[must_use]
    pub fn offers(&self, verb: &str, flag: &str) -> bool {
        let help = self.words(&[verb, "--help"]).output();
        help.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains(flag))
    }
}

/// Writes a synthetic history into a file; gives its size.
///
/// # Errors
///
/// When it cannot be written.
pub fn synthesize(count: usize, path: &Path) -> io::Result<u64> {
    let mut file = BufWriter::with_capacity(1 << 20, File::create(path)?);
    History::new(count, SEED).lines().try_for_each(|line| file.write_all(&line))?;
    file.flush()?;
    Ok(fs::metadata(path)?.len())
}

/// The bytes of all files below a directory.
///
/// # Errors
///
/// When it cannot be read.
pub fn size(folder: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        bytes += if metadata.is_dir() { size(&entry.path())? } else { metadata.len() };
    }
    Ok(bytes)
}

/// Whether two directories hold the same files with the same bytes.
///
/// # Errors
///
/// When one cannot be read.
pub fn same(one: &Path, other: &Path) -> io::Result<bool> {
    let names = |folder: &Path| -> io::Result<Vec<OsString>> {
        let mut names = fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name())).collect::<io::Result<Vec<_>>>()?;
        names.sort();
        Ok(names)
    };
    let mut equal = names(one)? == names(other)?;
    for name in names(one)? {
        let (one, other) = (one.join(&name), other.join(&name));
        equal = equal && if one.is_dir() { same(&one, &other)? } else { same_bytes(&one, &other)? };
    }
    Ok(equal)
}

/// Whether two files hold the same bytes; they are read piece by piece.
fn same_bytes(one: &Path, other: &Path) -> io::Result<bool> {
    let open = |path| File::open(path).map(|file| BufReader::with_capacity(1 << 16, file));
    let (mut one, mut other) = (open(one)?, open(other)?);
    loop {
        let (left, right) = (one.fill_buf()?, other.fill_buf()?);
        let both = left.len().min(right.len());
        if both == 0 || left.get(..both) != right.get(..both) {
            return Ok(left.is_empty() && right.is_empty());
        }
        one.consume(both);
        other.consume(both);
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use std::fs;
    use std::path::Path;

    #[test]
    fn results_are_the_same_only_byte_for_byte() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let folder = std::env::temp_dir().join(format!("dome-same-{}", std::process::id()));
        let [one, other] = ["one", "other"].map(|name| folder.join(name));
        for folder in [&one, &other] {
            fs::create_dir_all(folder.join("views")).unwrap();
            fs::copy(root.join("Cargo.toml"), folder.join("views/a")).unwrap();
        }
        assert!(super::same(&one, &other).unwrap());
        assert_eq!(super::size(&one).unwrap(), fs::metadata(root.join("Cargo.toml")).unwrap().len());
        let mut longer = fs::read(root.join("Cargo.toml")).unwrap();
        longer.push(b'\n');
        fs::write(other.join("views/a"), longer).unwrap();
        assert!(!super::same(&one, &other).unwrap());
        fs::copy(root.join("Cargo.toml"), other.join("views/a")).unwrap();
        fs::write(other.join("b"), "").unwrap();
        assert!(!super::same(&one, &other).unwrap());
        fs::remove_dir_all(folder).unwrap();
    }
}
