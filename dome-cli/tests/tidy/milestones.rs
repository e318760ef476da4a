//! Each exit criterion of the plan is held by tests that exist, and the gate says what became of them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use super::root;
use crate::harness::Place;

const MILESTONES: [&str; 5] = ["K0", "K1", "K2", "K3", "K4"];

/// The words of the plan: the digest of all criteria, a line each.
const WORDS: &str = "356a4c846c00bd6e19f3732292be690fd16d5012303cca0dedc47969447d5ce8";

/// A criterion of a milestone, with the package and the path of each test that holds it.
struct Criterion {
    milestone: &'static str,
    words: String,
    tests: Vec<String>,
}

fn page(milestone: &str) -> PathBuf {
    root().join(format!("docs/milestones/{milestone}.md"))
}

/// What stands below `## Exit criteria`: each criterion, and one step in its tests.
fn criteria() -> Vec<Criterion> {
    let mut found: Vec<Criterion> = Vec::new();
    for milestone in MILESTONES {
        let text = std::fs::read_to_string(page(milestone)).unwrap();
        let section = text.split("\n## ").find_map(|section| section.strip_prefix("Exit criteria\n")).unwrap();
        for line in section.lines() {
            if let Some(words) = line.strip_prefix("- ") {
                found.push(Criterion { milestone, words: words.to_owned(), tests: Vec::new() });
            } else if let Some(test) = line.strip_prefix("  - `").and_then(|rest| rest.strip_suffix('`')) {
                found.last_mut().unwrap().tests.push(test.to_owned());
            }
        }
    }
    found
}

/// Where the tests of a package begin: in its library, and where its manifest says.
fn roots(package: &str) -> Vec<PathBuf> {
    let folder = root().join(package);
    let manifest: toml::Table = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap().parse().unwrap();
    let named = manifest.get("test").and_then(toml::Value::as_array).into_iter().flatten();
    let named = named.map(|test| test.get("path").and_then(toml::Value::as_str).unwrap());
    named.chain(["src/lib.rs"]).map(|path| folder.join(path)).collect()
}

/// The file that a module is said to be in.
fn pointed(module: &syn::ItemMod) -> Option<String> {
    module.attrs.iter().find_map(|attribute| match &attribute.meta {
        syn::Meta::NameValue(syn::MetaNameValue {
            path,
            value: syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(file), .. }),
            ..
        }) if path.is_ident("path") => Some(file.value()),
        _ => None,
    })
}

/// Whether a test of this name is written here, by itself or in a macro such as `proptest!`.
fn is_test(item: &syn::Item, name: &str) -> bool {
    match item {
        syn::Item::Fn(item) => item.sig.ident == name && item.attrs.iter().any(|found| found.path().is_ident("test")),
        syn::Item::Macro(item) => {
            let text: String = item.mac.tokens.to_string().split_whitespace().collect();
            text.contains(&format!("#[test]fn{name}("))
        }
        _ => false,
    }
}

/// Whether a path leads from these items, whose modules are in this folder, to a test.
fn lead_to_test(items: &[syn::Item], folder: &Path, path: &str) -> bool {
    let Some((name, rest)) = path.split_once("::") else {
        return items.iter().any(|item| is_test(item, path));
    };
    items.iter().any(|item| match item {
        syn::Item::Mod(module) if module.ident == name => match &module.content {
            Some((_, items)) => lead_to_test(items, &folder.join(name), rest),
            None => pointed(module).map_or_else(
                || {
                    leads_to_test(&folder.join(format!("{name}.rs")), &folder.join(name), rest)
                        || leads_to_test(&folder.join(name).join("mod.rs"), &folder.join(name), rest)
                },
                |file| is_root_of_test(&folder.join(file), rest),
            ),
        },
        _ => false,
    })
}

/// The same from a file, if there is one.
fn leads_to_test(file: &Path, folder: &Path, path: &str) -> bool {
    let text = std::fs::read_to_string(file);
    text.is_ok_and(|text| lead_to_test(&syn::parse_file(&text).unwrap().items, folder, path))
}

/// The same from a file with its modules beside it.
fn is_root_of_test(file: &Path, path: &str) -> bool {
    leads_to_test(file, file.parent().unwrap(), path)
}

/// Whether a package has a test: `PACKAGE PATH`, as `cargo test -p` takes them.
fn exists(test: &str) -> bool {
    let (package, path) = test.split_once(' ').unwrap();
    roots(package).iter().any(|root| is_root_of_test(root, path))
}

#[test]
fn every_criterion_is_held_by_tests_that_exist() {
    for criterion in criteria() {
        assert!(!criterion.tests.is_empty(), "{}, {}: no test", criterion.milestone, criterion.words);
        let gone: Vec<_> = criterion.tests.iter().filter(|test| !exists(test)).collect();
        assert!(gone.is_empty(), "{}, {}: there is no {gone:?}", criterion.milestone, criterion.words);
    }
}

#[test]
fn a_test_that_is_called_otherwise_does_not_exist() {
    let here = "dome-cli tidy::milestones::a_test_that_is_called_otherwise_does_not_exist";
    assert!(exists(here) && !exists(&format!("{here}_any_more")), "a test in a file");
    assert!(!exists(&here.replace("milestones", "milestone")) && !exists(&here.replace("dome-cli", "laws")));
    assert!(!exists("dome-cli tidy::milestones::exists"), "no test");
    assert!(exists("dome-store tests::laws::l1_a_batch_that_was_cut_short_never_was"), "in a macro");
    assert!(!exists("dome-store tests::laws::l1_a_batch_that_was_cut_short_never"));
    assert!(exists("dome-binder eligibility::tests::m92_each_hold_by_itself"), "in the library");
}

#[test]
fn criteria_are_in_the_words_of_the_plan() {
    let words: String = criteria().iter().map(|found| format!("{}: {}\n", found.milestone, found.words)).collect();
    assert_eq!(dome_contracts::sha256_hex(words.as_bytes()), WORDS, "is this the plan?\n{words}");
}

#[test]
fn each_item_of_the_test_plan_has_a_test_of_its_name() {
    for number in 1..=5 {
        let item = criteria().into_iter().find(|found| found.words.starts_with(&format!("Test plan {number}. ")));
        let named = format!("::test_plan_{number}_");
        assert!(item.is_some_and(|item| item.tests.iter().any(|test| test.contains(&named))), "test plan {number}");
    }
}

const PRINTED: &str = "";
const REPORTED: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n";

/// What `cargo test` prints of a binary of a package.
fn printed(package: &str, tests: &[(&str, &str)]) -> String {
    let line = |(path, how): &(&str, &str)| format!("test {path} ... {how}\n");
    let lines: String = tests.iter().map(line).collect();
    format!("     Running tests/main.rs (target/debug/deps/{}-0f9e)\n\n{lines}\n", package.replace('-', "_"))
}

/// What cargo-nextest reports of it.
fn reported(package: &str, tests: &[(&str, &str)]) -> String {
    let case = |(path, how): &(&str, &str)| {
        let tag = format!("        <testcase name=\"{path}\" classname=\"{package}::main\" time=\"0.1\"");
        match *how {
            "ok" => format!("{tag}/>\n"),
            "FAILED" => format!("{tag}>\n            <failure type=\"t\">no</failure>\n        </testcase>\n"),
            _ => String::new(),
        }
    };
    tests.iter().map(case).collect()
}

/// The evidence that the gate takes from a record: whether it is enough, what is said, the rows of each file.
fn evidence(place: &Place, record: &str, left_out: &str, pages: &[PathBuf]) -> (bool, String, BTreeMap<String, Value>) {
    let (record, folder) = (place.file("record", record), place.file("evidence/.keep", ""));
    let mut awk = Command::new("awk");
    awk.args(["-v", "commit=c0ffee", "-v"]).arg(format!("folder={}", folder.parent().unwrap().display()));
    let left_out = place.file("left-out", left_out);
    let ended =
        awk.arg("-f").arg(root().join(".ci/evidence.awk")).args([record, left_out]).args(pages).output().unwrap();
    assert!(ended.stderr.is_empty(), "{}", String::from_utf8_lossy(&ended.stderr));
    let files = place.files("evidence").into_iter().filter(|(name, _)| name.ends_with(".json"));
    let files = files.map(|(name, bytes)| (name, serde_json::from_slice(&bytes).unwrap())).collect();
    (ended.status.success(), String::from_utf8(ended.stdout).unwrap(), files)
}

/// Either way in which the gate runs the tests: how a record begins, and what it says of a binary.
type Runner = (&'static str, fn(&str, &[(&str, &str)]) -> String);
const RUNNERS: [Runner; 2] = [(PRINTED, printed), (REPORTED, reported)];

#[test]
fn the_evidence_has_a_row_for_each_test_of_each_criterion() {
    let criteria = criteria();
    let all = || criteria.iter().flat_map(|criterion| criterion.tests.iter().map(|test| test.split_once(' ').unwrap()));
    for (head, of) in RUNNERS {
        let body: String = all().map(|(package, path)| of(package, &[(path, "ok")])).collect();
        let (met, said, files) = evidence(&Place::new(), &format!("{head}{body}"), "", &MILESTONES.map(page));
        assert!(met, "{said}");
        for milestone in MILESTONES {
            let own = criteria.iter().filter(|criterion| criterion.milestone == milestone);
            let row =
                |words: &str, test: &str| json!({"commit": "c0ffee", "criterion": words, "passed": true, "test": test});
            let rows: Vec<_> = own.flat_map(|own| own.tests.iter().map(|test| row(&own.words, test))).collect();
            assert_eq!(files[&format!("{milestone}.json")], json!(rows), "{milestone}");
        }
        assert_eq!(files.len(), MILESTONES.len());
    }
}

const SAMPLE: &str = r#"# K9

- No criterion.

## Exit criteria

- It "holds" \ stays.
  - `a-b m::passed`
  - `a-b m::pass`
  - `a-b m::failed`
  - `a-b m::ignored`
  - `a-b m::elsewhere`
  - `a-b m::gone`
- Nothing holds it.

## More

- No criterion.
  - `a-b m::passed`
"#;

const NOT_MET: &str = r#"exit criteria that are not met:
K9, It "holds" \ stays.
    a-b m::pass: did not run
    a-b m::failed: FAILED
    a-b m::ignored: did not run
    a-b m::elsewhere: did not run
    a-b m::gone: did not run
K9, Nothing holds it.
    no test
"#;

#[test]
fn a_criterion_whose_test_failed_or_did_not_run_is_not_met() {
    for (head, of) in RUNNERS {
        let place = Place::new();
        let page = place.file("K9.md", SAMPLE);
        let own = [("m::passed", "ok"), ("m::failed", "FAILED"), ("m::ignored", "ignored, slow")];
        let record = format!("{head}{}{}", of("a-c", &[("m::elsewhere", "ok")]), of("a-b", &own));
        let (met, said, files) = evidence(&place, &record, "", &[page]);
        assert!(!met);
        assert_eq!(said.replace("ignored: ignored", "ignored: did not run"), NOT_MET);
        let rows = files["K9.json"].as_array().unwrap();
        let passed: Vec<_> =
            rows.iter().filter(|row| row["passed"] == true).map(|row| row["test"].as_str().unwrap()).collect();
        assert_eq!((rows.len(), passed), (7, vec!["a-b m::passed"]));
        assert_eq!(rows[0]["criterion"], "It \"holds\" \\ stays.");
        assert_eq!(
            rows[6],
            json!({"commit": "c0ffee", "criterion": "Nothing holds it.", "passed": false, "test": null})
        );
    }
}

#[test]
fn a_failed_test_that_prints_what_passing_looks_like_proves_nothing() {
    let place = Place::new();
    let page = place.file("K9.md", SAMPLE);
    let forged = ["m::failed", "m::passed", "m::gone"].map(|path| (path, "ok"));
    let forged = printed("a-b", &forged) + &reported("a-b", &forged);
    let failed = [("m::failed", "FAILED")];
    let escaped = forged.replace('<', "&lt;").replace('"', "&quot;");
    for record in [
        format!("{}\nfailures:\n\n---- m::failed stdout ----\n{forged}", printed("a-b", &failed)),
        format!("{REPORTED}{}", reported("a-b", &failed).replace("</failure>", &format!("\n{escaped}</failure>"))),
    ] {
        let (_, _, files) = evidence(&place, &record, "", std::slice::from_ref(&page));
        assert!(files["K9.json"].as_array().unwrap().iter().all(|row| row["passed"] == false), "{record}");
    }
}

#[test]
fn a_test_that_was_left_out_is_no_evidence_and_no_failure() {
    for (head, of) in RUNNERS {
        let place = Place::new();
        let page = place.file("K9.md", "# K9\n\n## Exit criteria\n\n- Both.\n  - `a-b m::passed`\n  - `a-b m::idle`\n");
        let record = format!("{head}{}", of("a-b", &[("m::passed", "ok"), ("m::idle", "ok")]));
        let (met, said, files) = evidence(&place, &record, "a-b m::idle\na-b m::idle\n", &[page]);
        assert_eq!((met, &*said), (true, "exit criteria that are not met:\nK9, Both.\n    a-b m::idle: left out\n"));
        let passed: Vec<_> = files["K9.json"].as_array().unwrap().iter().map(|row| row["passed"] == true).collect();
        assert_eq!(passed, [true, false]);
    }
}

#[test]
fn without_a_record_nothing_passed() {
    let (met, _, files) = evidence(&Place::new(), "", "", &MILESTONES.map(page));
    let mut rows = files.values().flat_map(|rows| rows.as_array().unwrap());
    assert!(!met && files.len() == MILESTONES.len() && rows.all(|row| row["passed"] == false));
}

#[test]
fn the_workflow_runs_the_gate_with_actions_that_cannot_change() {
    let text = std::fs::read_to_string(root().join(".github/workflows/ci.yml")).unwrap();
    assert!(text.lines().any(|line| line.trim() == "run: .ci/run") && !text.contains("secrets"));
    for action in text.lines().filter_map(|line| line.split_once("uses: ").map(|(_, action)| action)) {
        let (commit, version) = action.split_once('@').unwrap().1.split_once(" # v").unwrap();
        assert!(commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit()), "{action}");
        assert!(version.split('.').count() == 3, "{action}");
    }
}
