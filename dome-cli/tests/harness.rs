//! Running the command, and reading what it left.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Says that the test that calls it cannot do its work here. It passes, and is no evidence: its name goes to the file that
/// `.ci/steps` collects such names in.
pub(crate) fn left_out(why: &str) {
    println!("skipped: {why}");
    if let Some(path) = std::env::var_os("DOME_LEFT_OUT") {
        let name = std::thread::current().name().unwrap_or_default().to_owned();
        let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
        std::io::Write::write_all(&mut file.unwrap(), format!("dome-cli {name}\n").as_bytes()).unwrap();
    }
}

/// How a command ended.
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A folder that is gone when the test ends.
pub(crate) struct Place(tempfile::TempDir);

impl Place {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// Runs `dome` here, with `stdin`.
    pub(crate) fn dome(&self, args: &[&str], stdin: &[u8]) -> Ended {
        self.dome_with(args, stdin, &[])
    }

    /// Runs `dome` here, with `stdin` and variables of the environment.
    pub(crate) fn dome_with(&self, args: &[&str], stdin: &[u8], variables: &[(&str, &str)]) -> Ended {
        let mut child = Command::new(env!("CARGO_BIN_EXE_dome"))
            .args(args)
            .current_dir(self.0.path())
            .env("NO_COLOR", "1")
            .env("XDG_STATE_HOME", env!("CARGO_TARGET_TMPDIR"))
            .envs(variables.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut pipe = child.stdin.take().unwrap();
        let bytes = stdin.to_owned();
        let feeder = std::thread::spawn(move || {
            let _taken = pipe.write_all(&bytes);
        });
        let output = child.wait_with_output().unwrap();
        feeder.join().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Ended { code: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// What stands in a folder: every file with its content.
    pub(crate) fn files(&self, folder: &str) -> BTreeMap<String, Vec<u8>> {
        let root = self.path(folder);
        let entries = walkdir::WalkDir::new(&root).into_iter().map(Result::unwrap);
        entries
            .filter(|entry| entry.file_type().is_file())
            .map(|entry| {
                let name = entry.path().strip_prefix(&root).unwrap().to_string_lossy().into_owned();
                (name, std::fs::read(entry.path()).unwrap())
            })
            .collect()
    }
}

/// A folder of the project.
pub(crate) fn project(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join(name)
}

/// The golden snapshot.
pub(crate) fn golden(name: &str) -> PathBuf {
    project("xtrlv2-fixtures/golden/small").join(name)
}

/// A number of the manifest's counts.
pub(crate) fn count(manifest: &[u8], name: &str) -> u64 {
    let manifest: serde_json::Value = serde_json::from_slice(manifest).unwrap();
    manifest.pointer(&format!("/counts/{name}")).unwrap().as_u64().unwrap()
}
