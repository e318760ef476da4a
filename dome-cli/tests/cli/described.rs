//! `dome completions`, `dome man` and the help texts.

use crate::harness::Place;

#[test]
fn every_shell_gets_a_script_and_man_a_page_for_each_verb() {
    let place = Place::new();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let ended = place.dome(&["completions", shell], b"");
        assert!(ended.code == 0 && ended.stdout.contains("guardrails"), "{shell}: {}", ended.stderr);
    }
    assert_eq!(place.dome(&["completions", "csh"], b"").code, 2);
    let page = place.dome(&["man"], b"").stdout;
    assert!(page.contains(".TH dome 1") && page.contains("Exit codes"), "{page}");
    assert_eq!(place.dome(&["man", "--out", "man1"], b"").code, 0);
    let pages = place.files("man1");
    for name in ["dome.1", "dome-replay.1", "dome-store-merge.1", "dome-completions.1"] {
        assert!(pages.contains_key(name), "{name} of {:?}", pages.keys());
    }
}

#[test]
fn help_has_an_example_for_every_verb() {
    let place = Place::new();
    for verb in [
        "replay",
        "check",
        "ingest",
        "store",
        "convert",
        "query",
        "explain",
        "verify",
        "diff",
        "plan",
        "priors",
        "report-outcome",
        "backtest",
        "guard",
        #[cfg(feature = "conform")]
        "conform",
        #[cfg(feature = "conform")]
        "run",
        "schema",
        "completions",
        "man",
    ] {
        let help = place.dome(&[verb, "--help"], b"").stdout;
        assert!(help.contains("Example:\n    dome "), "{verb}: {help}");
    }
}
