//! Failure messages as tools write them: numbers, paths, hashes, times and escapes in them.

use crate::history::narrow;
use crate::random::Random;

/// One way to fail.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mode {
    /// Its `failure_reason_code`.
    pub(crate) code: &'static str,
    /// The gate that fails with it; empty for none.
    pub(crate) gate: &'static str,
    /// Its message. `{n}` is a number, `{p}` a path, `{h}` a short hash, `{H}` a long one, `{t}` a
    /// time, `{u}` a UUID, `{x}` a hex literal, `{l}` a URL, `{s}` the symbol of the task line.
    message: &'static str,
}

const MODES: [Mode; 12] = [
    Mode {
        code: "TESTS_FAILED",
        gate: "unit",
        message: "AssertionError: expected {n}, got {n} in test_{s}\n  File \"{p}\", line {n}, in test_{s}\n    assert \
                  result.status == {n}\nE   assert {n} == {n}\n{n} failed, {n} passed in {n}.{n}s",
    },
    Mode {
        code: "TESTS_FAILED",
        gate: "integration",
        message: "{t} ERROR worker[{n}] request {u} to {l} failed: status {n} after {n} ms (attempt {n} of {n})",
    },
    Mode {
        code: "LINT_FAILED",
        gate: "lint",
        message: "\u{1b}[1m\u{1b}[31merror[E0308]\u{1b}[0m: mismatched types\n  --> {p}:{n}:{n}\n   |\n{n} |     {s}(value)\n \
                  |     ^^^^^ expected `u32`, found `i64`",
    },
    Mode {
        code: "TYPES_FAILED",
        gate: "types",
        message: "{p}:{n}: error: Argument {n} to \"{s}\" has incompatible type \"str\"; expected \"int\"  [arg-type]\nFound {n} \
                  errors in {n} files (checked {n} source files)",
    },
    Mode {
        code: "TRANSIENT.NETWORK",
        gate: "",
        message: "fatal: unable to access '{l}': Failed to connect to port {n} after {n} ms: Couldn't connect to server",
    },
    Mode {
        code: "TRANSIENT.TIMEOUT",
        gate: "",
        message: "timeout: step '{s}' exceeded {n}s (started {t}, pid {n}, container {H})",
    },
    Mode {
        code: "BUILD_FAILED",
        gate: "build",
        message: "ld: undefined symbol: {s}_init\n>>> referenced by {p}:{n}\n>>> in archive {p}\ncollect2: error: ld returned {n} \
                  exit status",
    },
    Mode {
        code: "MERGE_CONFLICT",
        gate: "",
        message: "CONFLICT (content): Merge conflict in {p}\nAuto-merging of {h} into {h} failed; fix {n} conflicts — then \
                  commit the result",
    },
    Mode {
        code: "SCHEMA_INVALID",
        gate: "schema",
        message: "{s}: value at /items/{n}/id does not match \"^[a-z]+$\" (document {u}, digest sha256:{H})",
    },
    Mode {
        code: "RESOURCE.MEMORY",
        gate: "",
        message: "segfault at {x} ip {x} sp {x} error {n} in {s}.so; process {n} killed, {n} kB resident",
    },
    Mode {
        code: "BUDGET_EXHAUSTED",
        gate: "budget",
        message: "budget of {n} tokens exhausted by {s} after {n} turns; last tool call \"edit\" on {p}",
    },
    Mode {
        code: "PANIC",
        gate: "unit",
        message: "thread 'worker-{n}' ({n}) panicked at {p}:{n}:{n}:\nindex out of bounds: the len is {n} but the index is \
                  {n}\nstack backtrace:\n   0: {x} - {s}::run\n   1: {x} - core::ops::function::FnOnce::call_once\nnote: commit \
                  {h}",
    },
];

impl Mode {
    /// The mode with a number, any number.
    pub(crate) fn nth(number: u64) -> Self {
        *MODES.get(narrow::<_, usize>(number % MODES.len() as u64)).expect("a remainder is a place")
    }

    /// The message with its places filled in, differently every time but for the symbol.
    pub(crate) fn message(self, symbol: &str, random: &mut Random) -> String {
        let mut message = String::with_capacity(self.message.len() + 100);
        let mut rest = self.message;
        while let Some((before, after)) = rest.split_once('{') {
            message.push_str(before);
            let (place, after) = after.split_once('}').expect("a place is closed");
            message.push_str(&filled(place, symbol, random));
            rest = after;
        }
        message.push_str(rest);
        message
    }
}

fn filled(place: &str, symbol: &str, random: &mut Random) -> String {
    match place {
        "n" => random.below(10_000).to_string(),
        "p" => path(random),
        "h" => random.hex(9),
        "H" => random.hex(64),
        "t" => {
            let [day, hour, minute, second] = [28, 24, 60, 60].map(|end| random.below(end));
            format!("2026-01-{:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z", day + 1, random.below(1_000))
        }
        "u" => [8, 4, 4, 4, 12].map(|digits| random.hex(digits)).join("-"),
        "x" => format!("0x{}", random.hex(12)),
        "l" => format!("https://{}.example.org/api/v{}/{}", word(random), random.below(4), random.hex(6)),
        _ => symbol.to_owned(),
    }
}

/// An absolute path below a directory that differs from run to run.
fn path(random: &mut Random) -> String {
    let root = random.pick(&["/home/runner/work", "/srv/build", "/tmp/agent", "/workspace"]);
    let file = random.pick(&["service", "handlers", "models", "test_api"]);
    format!("{root}/{}/src/{}/{file}.py", random.below(100_000), word(random))
}

/// A word that names things.
pub(crate) fn word(random: &mut Random) -> &'static str {
    let words = [
        ["billing", "search", "auth", "ingest"],
        ["parser", "router", "ledger", "cache"],
        ["export", "mailer", "quota", "session"],
        ["render", "uploader", "planner", "gateway"],
    ];
    let words = random.pick(&words);
    random.pick(&words)
}
