//! Varying one factor at a time.

use std::path::Path;

use dome_contracts::conform::{Factor, Fixture, FixtureRun, ToolRun, Variation, determinism};
use dome_core::conformance::ConformanceCheck;

use crate::error::Result;
use crate::exec::Kernel;
use crate::session::{GateSession, Surroundings};

/// Where the library that shifts the clock of a whole process stands.
const FAKETIME: [&str; 4] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib/faketime/libfaketime.so.1",
    "/usr/lib64/faketime/libfaketime.so.1",
];

pub(crate) fn vary(session: &GateSession<'_>, first: &[FixtureRun<'_>]) -> Result<ConformanceCheck> {
    let mut varied = Varied { session, found: Vec::new(), not_run: Vec::new() };
    for FixtureRun { fixture, run } in first {
        varied.fixture(fixture, run)?;
    }
    Ok(determinism(&varied.found, &varied.not_run))
}

struct Varied<'s> {
    session: &'s GateSession<'s>,
    found: Vec<Variation>,
    not_run: Vec<(Factor, String)>,
}

/// One way to vary a factor: whether the kernel did it, and what that proves less if it did not.
type Way = (Factor, Surroundings, fn(&Kernel) -> bool, &'static str);

impl Varied<'_> {
    fn output(&self, fixture: &Fixture, around: &Surroundings) -> Result<String> {
        let run = self.session.run_in(&fixture.config, &fixture.input, around)?;
        Ok(Variation::comparable(&run, &self.session.tool.manifest))
    }

    fn add(&mut self, factor: Factor, fixture: &Fixture, outputs: [String; 2], short_of: Option<&str>) {
        let short_of = short_of.map(str::to_owned);
        self.found.push(Variation { factor, fixture: fixture.name.clone(), outputs, short_of });
    }

    fn fixture(&mut self, fixture: &Fixture, first: &ToolRun) -> Result<()> {
        let plain = Surroundings::plain(self.session.folder());
        let before = Variation::comparable(first, &self.session.tool.manifest);
        let again = self.output(fixture, &plain)?;
        if before != again {
            return self.unrepeatable(fixture, &plain, [before, again]);
        }
        self.add(Factor::Repeat, fixture, [before.clone(), again], None);
        for (factor, around, is_done, why_not) in self.ways(&plain) {
            let after = self.output(fixture, &around)?;
            let done = self.session.runs.borrow().last().is_some_and(|(_, kernel)| is_done(kernel));
            self.add(factor, fixture, [before.clone(), after], (!done).then_some(why_not));
        }
        self.directory_order(fixture, &plain)
    }

    /// The same again is not the same: the clock, if it is once the clock stands still.
    fn unrepeatable(&mut self, fixture: &Fixture, plain: &Surroundings, outputs: [String; 2]) -> Result<()> {
        let still = Surroundings { clock: "freeze:1700000000".to_owned(), ..plain.clone() };
        let by_clock = self.output(fixture, &still)? == self.output(fixture, &still)?;
        self.add(if by_clock { Factor::Clock } else { Factor::Repeat }, fixture, outputs, None);
        let why = "the same run again came out otherwise already";
        self.not_run.extend(Factor::ALL.iter().map(|factor| (*factor, why.to_owned())));
        Ok(())
    }

    fn ways(&self, plain: &Surroundings) -> Vec<Way> {
        let way = |factor, around| -> Way { (factor, around, |_| true, "") };
        let with = |factor, name: &str, value: &str| way(factor, plain.clone().with(name, value));
        let folder = self.session.folder();
        let mut ways = vec![clock(plain)];
        ways.extend(["1", "2", "3", "42"].map(|seed| with(Factor::HashSeed, "PYTHONHASHSEED", seed)));
        ways.extend(["Pacific/Kiritimati", "XYZ+11:30"].map(|zone| with(Factor::TimeZone, "TZ", zone)));
        let foreign = plain.clone().with("LC_ALL", "C").with("LANG", "de_DE.UTF-8").with("LANGUAGE", "de");
        ways.push(way(Factor::Locale, foreign));
        ways.push(way(Factor::WorkingDirectory, Surroundings { cwd: folder.join("else/where"), ..plain.clone() }));
        let home = folder.join("other-home");
        let other = Surroundings { home: home.clone(), ..plain.clone() };
        ways.push(way(Factor::Home, other.with("HOME", home.display().to_string())));
        ways.push(way(Factor::Umask, Surroundings { umask: 0o077, ..plain.clone() }));
        let named = Surroundings { host_name: Some("elsewhere".to_owned()), ..plain.clone() };
        let why_not = "only `HOSTNAME` was varied: a name of its own needs a namespace";
        ways.push((Factor::HostName, named.with("HOSTNAME", "elsewhere"), |kernel| kernel.host_name, why_not));
        let one = Surroundings { cores: Some(1), ..plain.clone() };
        ways.push((Factor::Cores, one, |kernel| kernel.cores, "there is only one core"));
        ways
    }

    /// The same files made in two orders, on a file system that lists them as they were made.
    fn directory_order(&mut self, fixture: &Fixture, plain: &Surroundings) -> Result<()> {
        let mut leave_out = |why: &str| {
            self.not_run.push((Factor::DirectoryOrder, why.to_owned()));
            Ok(())
        };
        if self.session.tool.manifest.workdir.is_none() {
            return leave_out("the manifest has no `workdir`");
        }
        let shared = Path::new("/dev/shm");
        let in_memory = if shared.is_dir() { shared.to_owned() } else { std::env::temp_dir() };
        let Ok(memory) = tempfile::Builder::new().prefix("dome-conform-").tempdir_in(in_memory) else {
            return leave_out("no file system at hand lists files as they were made");
        };
        let forth = Surroundings { cwd: memory.path().join("work"), ..plain.clone() };
        let back = Surroundings { reversed: true, ..forth.clone() };
        let run = |around: &Surroundings| -> Result<_> {
            let output = self.output(fixture, around)?;
            // A tool may have removed its folder: then there is no order.
            let entries = std::fs::read_dir(&around.cwd).into_iter().flatten().filter_map(Result::ok);
            let listed: Vec<_> = entries.map(|entry| entry.file_name()).collect();
            Ok((output.replace(&memory.path().display().to_string(), "/(memory)"), listed))
        };
        let ((before, listed), (after, relisted)) = (run(&forth)?, run(&back)?);
        let short_of = (listed == relisted).then_some("the file system lists files in an order of its own");
        self.add(Factor::DirectoryOrder, fixture, [before, after], short_of);
        Ok(())
    }
}

/// By faketime for the whole process; by Python's own functions without it, which proves less.
fn clock(plain: &Surroundings) -> Way {
    match FAKETIME.iter().find(|path| Path::new(path).exists()) {
        Some(library) => {
            let shifted = plain.clone().with("LD_PRELOAD", *library).with("FAKETIME", "+400d");
            (Factor::Clock, shifted.with("FAKETIME_DONT_FAKE_MONOTONIC", "1"), |_| true, "")
        }
        None => {
            // By 400 days: another day, month and year.
            let shifted = Surroundings { clock: "shift:34560000".to_owned(), ..plain.clone() };
            let why_not = "no faketime here: only Python's own clocks were moved, and the output stayed the same";
            (Factor::Clock, shifted, |_| false, why_not)
        }
    }
}
