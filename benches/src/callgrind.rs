//! Counting instructions with `valgrind --tool=callgrind`, by function.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::process::Command;

/// The instructions that were spent in each function itself, without what it calls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts(pub BTreeMap<String, u64>);

/// What `callgrind` may be told to count within: a function by a part of its name.
const COUNTED: &str = "--toggle-collect=*counted_by_callgrind*";

impl Counts {
    /// Runs a program under `callgrind`, without an environment, and counts what it spends in
    /// [`counted_by_callgrind`](crate::counted::counted_by_callgrind); `out` is written over.
    ///
    /// # Errors
    ///
    /// When `valgrind` cannot be started, the program fails under it, or nothing was counted.
    pub fn of(program: &Path, arguments: &[&str], out: &Path) -> io::Result<Self> {
        let mut valgrind = Command::new("valgrind");
        valgrind.args(["--tool=callgrind", COUNTED, "--compress-strings=no", "--compress-pos=no"]);
        valgrind.arg(format!("--callgrind-out-file={}", out.display())).arg(program).args(arguments);
        let path = std::env::var_os("PATH").unwrap_or_default();
        let output = valgrind.env_clear().env("PATH", path).output()?;
        if !output.status.success() {
            return Err(io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()));
        }
        let counts = Self::parse(&String::from_utf8_lossy(&std::fs::read(out)?));
        if counts.total() == 0 {
            return Err(io::Error::other(format!("callgrind counted nothing in {arguments:?}")));
        }
        Ok(counts)
    }

    /// Whether `valgrind` is here.
    #[must_use]
    pub fn can_be_had() -> bool {
        Command::new("valgrind").arg("--version").output().is_ok_and(|output| output.status.success())
    }

    /// Reads what `callgrind` wrote, names and places not compressed.
    ///
    /// ```
    /// use dome_benches::callgrind::Counts;
    /// let written = "events: Ir\nfn=a\n12 30\ncfn=b\ncalls=1 7\n13 500\nfn=b'2\n7 500\nfn=a\n14 5\n";
    /// let counts = Counts::parse(written);
    /// assert_eq!(counts.0.into_iter().collect::<Vec<_>>(), [("a".to_owned(), 35), ("b".to_owned(), 500)]);
    /// ```
    #[must_use]
    pub fn parse(written: &str) -> Self {
        let mut counts = Self::default();
        let (mut function, mut called) = ("", false);
        for line in written.lines() {
            if let Some(name) = line.strip_prefix("fn=") {
                // A recursive function has a number for each depth.
                function = name.rsplit_once('\'').map_or(name, |(name, _)| name);
            } else if line.starts_with("calls=") {
                // The line after it says what the call took all in all, which is counted where it was spent.
                called = true;
            } else if line.starts_with(|first: char| first.is_ascii_digit()) && !std::mem::take(&mut called) {
                let cost = line.split(' ').nth(1).and_then(|cost| cost.parse::<u64>().ok());
                *counts.0.entry(function.to_owned()).or_default() += cost.expect("callgrind writes a cost per line");
            }
        }
        counts
    }

    /// All instructions.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.values().sum()
    }

    /// Those that SHA-256 itself took: its compression function, which `valgrind` runs in software.
    #[must_use]
    pub fn sha256(&self) -> u64 {
        let hashing = |name: &str| name.starts_with("sha2::") && name.contains("compress");
        self.0.iter().filter(|(name, _)| hashing(name)).map(|(_, count)| count).sum()
    }

    /// The functions that took the most, the most first.
    #[must_use]
    pub fn most(&self, number: usize) -> Vec<(&str, u64)> {
        let mut most: Vec<(&str, u64)> = self.0.iter().map(|(name, count)| (name.as_str(), *count)).collect();
        most.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        most.truncate(number);
        most
    }
}
