//! Varying one factor at a time.

use std::path::{Path, PathBuf};

use dome_contracts::conform::{Check, Factor, Fixture, Run, Variation, determinism};

use crate::error::Error;
use crate::session::Session;
use crate::surroundings::Surroundings;

/// 400 days: another day, month and year.
const SHIFT_S: i64 = 34_560_000;
const FROZEN_S: i64 = 1_700_000_000;
const SEEDS: [&str; 4] = ["1", "2", "3", "42"];

/// Where the library that shifts the clock of a whole process stands.
const FAKETIME: [&str; 4] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib/faketime/libfaketime.so.1",
    "/usr/lib64/faketime/libfaketime.so.1",
];

/// Varies what is around the runs of fixtures, whose first runs are given.
pub(crate) fn vary(session: &Session<'_>, first: &[(&Fixture, &Run)]) -> Result<Check, Error> {
    let mut varied = Varied { session, found: Vec::new(), not_run: Vec::new() };
    for (fixture, run) in first {
        varied.fixture(fixture, run)?;
    }
    Ok(determinism(&varied.found, &varied.not_run))
}

struct Varied<'s> {
    session: &'s Session<'s>,
    found: Vec<Variation>,
    not_run: Vec<(Factor, String)>,
}

/// One way to vary a factor.
type Way = (Factor, Surroundings, Option<String>);

impl Varied<'_> {
    fn output(&self, fixture: &Fixture, around: &Surroundings) -> Result<String, Error> {
        let run = self.session.run_in(&fixture.config, &fixture.input, around)?;
        Ok(Variation::comparable(&run, &self.session.tool.manifest))
    }

    fn add(&mut self, factor: Factor, fixture: &Fixture, outputs: [String; 2], short_of: Option<String>) {
        self.found.push(Variation { factor, fixture: fixture.name.clone(), outputs, short_of });
    }

    fn leave_out(&mut self, factor: Factor, why: impl Into<String>) {
        self.not_run.push((factor, why.into()));
    }

    fn fixture(&mut self, fixture: &Fixture, first: &Run) -> Result<(), Error> {
        let plain = Surroundings::plain(self.session.folder());
        let before = Variation::comparable(first, &self.session.tool.manifest);
        let again = self.output(fixture, &plain)?;
        if before != again {
            return self.unrepeatable(fixture, &plain, [before, again]);
        }
        self.add(Factor::Repeat, fixture, [before.clone(), again], None);
        for (factor, around, short_of) in self.ways(&plain) {
            let after = self.output(fixture, &around)?;
            self.add(factor, fixture, [before.clone(), after], short_of);
        }
        self.host_name(fixture, &plain, &before)?;
        self.cores(fixture, &plain, &before)?;
        self.directory_order(fixture, &plain)
    }

    /// The same again is not the same: the clock, if it is once the clock stands still.
    fn unrepeatable(&mut self, fixture: &Fixture, plain: &Surroundings, outputs: [String; 2]) -> Result<(), Error> {
        let still = Surroundings { clock: format!("freeze:{FROZEN_S}"), ..plain.clone() };
        let by_clock = self.output(fixture, &still)? == self.output(fixture, &still)?;
        self.add(if by_clock { Factor::Clock } else { Factor::Repeat }, fixture, outputs, None);
        for factor in Factor::ALL {
            self.leave_out(factor, "the same run again came out otherwise already");
        }
        Ok(())
    }

    fn ways(&self, plain: &Surroundings) -> Vec<Way> {
        let with = |factor, name: &str, value: &str| (factor, plain.clone().with(name, value), None);
        let folder = self.session.folder();
        let mut ways = vec![clock(plain)];
        ways.extend(SEEDS.map(|seed| with(Factor::HashSeed, "PYTHONHASHSEED", seed)));
        ways.extend(["Pacific/Kiritimati", "XYZ+11:30"].map(|zone| with(Factor::TimeZone, "TZ", zone)));
        let foreign = plain.clone().with("LC_ALL", "C").with("LANG", "de_DE.UTF-8").with("LANGUAGE", "de");
        ways.push((Factor::Locale, foreign, None));
        let elsewhere = Surroundings { cwd: folder.join("else/where"), ..plain.clone() };
        ways.push((Factor::WorkingDirectory, elsewhere, None));
        let home = folder.join("other-home");
        let other = Surroundings { home: home.clone(), ..plain.clone() };
        ways.push((Factor::Home, other.with("HOME", home.display().to_string()), None));
        ways.push((Factor::Umask, Surroundings { umask: 0o077, ..plain.clone() }, None));
        ways
    }

    fn host_name(&mut self, fixture: &Fixture, plain: &Surroundings, before: &str) -> Result<(), Error> {
        let other = Surroundings { host_name: Some("elsewhere".to_owned()), ..plain.clone() };
        let after = self.output(fixture, &other.with("HOSTNAME", "elsewhere"))?;
        let real = self.session.kernel.borrow().last().is_some_and(|(kernel, _)| kernel.host_name);
        let short_of = (!real).then(|| "only `HOSTNAME` was varied: a name of its own needs a namespace".to_owned());
        self.add(Factor::HostName, fixture, [before.to_owned(), after], short_of);
        Ok(())
    }

    fn cores(&mut self, fixture: &Fixture, plain: &Surroundings, before: &str) -> Result<(), Error> {
        let after = self.output(fixture, &Surroundings { cores: Some(1), ..plain.clone() })?;
        let real = self.session.kernel.borrow().last().is_some_and(|(kernel, _)| kernel.cores);
        let short_of = (!real).then(|| "there is only one core".to_owned());
        self.add(Factor::Cores, fixture, [before.to_owned(), after], short_of);
        Ok(())
    }

    /// The same files made in two orders, on a file system that lists them as they were made.
    fn directory_order(&mut self, fixture: &Fixture, plain: &Surroundings) -> Result<(), Error> {
        if self.session.tool.manifest.workdir.is_none() {
            self.leave_out(Factor::DirectoryOrder, "the manifest has no `workdir`");
            return Ok(());
        }
        let Ok(memory) = tempfile::Builder::new().prefix("dome-conform-").tempdir_in(in_memory()) else {
            self.leave_out(Factor::DirectoryOrder, "no file system at hand lists files as they were made");
            return Ok(());
        };
        let forth = Surroundings { cwd: memory.path().join("work"), ..plain.clone() };
        let back = Surroundings { reversed: true, ..forth.clone() };
        let run = |around: &Surroundings| -> Result<_, Error> {
            let output = self.output(fixture, around)?;
            Ok((output.replace(&memory.path().display().to_string(), "/(memory)"), order(&around.cwd)))
        };
        let ((before, listed), (after, relisted)) = (run(&forth)?, run(&back)?);
        let short_of = (listed == relisted).then(|| "the file system lists files in an order of its own".to_owned());
        self.add(Factor::DirectoryOrder, fixture, [before, after], short_of);
        Ok(())
    }
}

fn in_memory() -> PathBuf {
    let shared = Path::new("/dev/shm");
    if shared.is_dir() { shared.to_owned() } else { std::env::temp_dir() }
}

fn order(folder: &Path) -> Vec<std::ffi::OsString> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    entries.map(|entry| entry.file_name()).collect()
}

/// By faketime for the whole process; by Python's own functions without it, which proves less.
fn clock(plain: &Surroundings) -> Way {
    match FAKETIME.iter().find(|path| Path::new(path).exists()) {
        Some(library) => {
            let shifted = plain.clone().with("LD_PRELOAD", *library).with("FAKETIME", "+400d");
            (Factor::Clock, shifted.with("FAKETIME_DONT_FAKE_MONOTONIC", "1"), None)
        }
        None => {
            let shifted = Surroundings { clock: format!("shift:{SHIFT_S}"), ..plain.clone() };
            let why = "no faketime here: only Python's own clocks were moved, and the output stayed the same";
            (Factor::Clock, shifted, Some(why.to_owned()))
        }
    }
}
