//! What a test said when it failed, out of all that it printed.

use dome_core::limits::MESSAGE_BYTES;

use crate::record::cut;

/// The report of the panic as the runtime of Rust writes it, without the backtrace: from
/// `thread 'NAME' panicked at PLACE:` to the note on backtraces. Where there is none, the error that
/// the test returned (`Error: ...`). `None` where there is neither: the rest is output, not failure.
pub(super) fn panic(stdout: &str) -> Option<String> {
    let begins = |line: &str| line.starts_with("thread '") && line.contains(" panicked at ");
    let ends = |line: &str| line.starts_with("note: ") || line == "stack backtrace:";
    let report: Vec<&str> = stdout.lines().skip_while(|line| !begins(line)).take_while(|line| !ends(line)).collect();
    let text = if report.is_empty() {
        stdout.lines().find(|line| line.starts_with("Error: "))?.to_owned()
    } else {
        report.join("\n")
    };
    Some(cut(text.trim(), MESSAGE_BYTES).to_owned())
}

#[cfg(test)]
mod tests {
    use super::panic;

    #[test]
    fn a_panic_is_found_among_what_was_printed() {
        let stdout = "noise\n\nthread 'a' (31909) panicked at src/lib.rs:17:5:\nassertion failed\n  left: 4\nnote: run with\nmore";
        assert_eq!(
            panic(stdout).as_deref(),
            Some("thread 'a' (31909) panicked at src/lib.rs:17:5:\nassertion failed\n  left: 4")
        );
        assert_eq!(panic("x\nError: \"no\"\ny").as_deref(), Some("Error: \"no\""));
        assert_eq!((panic("only noise"), panic("")), (None, None));
    }
}
