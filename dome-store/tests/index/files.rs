//! Files of indexes: what is not the index that was written is never answered from.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use dome_arbitrary::history;
use dome_binder::query::{Filters, Limit, Question, View};
use dome_store::index::{Explained, Index, IndexError, Result};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::support::{Told, basis, course, derive, keys, rules};

/// Everything that an index answers to some questions; or that it does not fit.
fn answers(index: &Index, told: &mut Told, names: &[String]) -> Result<Vec<Value>> {
    let mut all = Vec::new();
    index.capsules(|capsule| Ok(all.push(serde_json::to_value(capsule)?)))?;
    index.concepts(|concept| Ok(all.push(serde_json::to_value(concept)?)))?;
    for view in [View::GateRollup, View::GuardDenials, View::RecentFailures] {
        let question = Question::new(view, Filters::default()).unwrap();
        let page = index.query(&question, Limit::default(), None)?;
        all.push(json!([page.header, String::from_utf8(page.rows).unwrap()]));
    }
    for name in names {
        all.push(match index.explain(name, (0, 0), &mut told.lines)? {
            Explained::Told(story) => serde_json::to_value(story)?,
            Explained::Many(candidates) => serde_json::to_value(candidates)?,
            Explained::Nothing { near } => serde_json::to_value(near)?,
        });
    }
    Ok(all)
}

/// Changes one row that is sealed.
fn forge(path: &Path, (table, column): (&str, &str), at: usize) -> bool {
    let db = rusqlite::Connection::open(path).unwrap();
    let rows: i64 = db.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap();
    if rows == 0 {
        return false;
    }
    let sql = format!(
        "UPDATE {table} SET {column} = CAST({column} || x'20' AS BLOB)
         WHERE key IN (SELECT key FROM {table} LIMIT 1 OFFSET {})",
        i64::try_from(at).unwrap() % rows
    );
    db.execute(&sql, []).unwrap() == 1
}

proptest! {
    #[test]
    fn a_row_that_was_changed_is_noticed_and_never_believed(
        history in history(), course in course(), rules in rules(), at in 0_usize..100,
        changed in prop::sample::select(vec![
            ("meta", "row"), ("entries", "row"), ("runs", "row"), ("sums", "row"), ("lines", "row"), ("lines", "line"),
            ("facts", "row"), ("keys", "row"), ("keys", "rank"), ("keys", "concept"), ("applied", "row"),
            ("concepts", "row"), ("concepts", "fingerprint"), ("rejected", "row"), ("rejected", "sha256"), ("sources", "row"),
        ]),
    ) {
        let mut told = course.tell(&history.lines);
        let folder = super::super::support::folder();
        let path = folder.path().join("index.sqlite");
        Index::build(&path, basis(&rules, None), |index| {
            derive(index, &mut told);
            Ok(())
        }).unwrap();
        let replay = told.replay(&rules, None);
        let names: Vec<String> = keys(&replay, &told.quarantine(&replay)).into_iter().step_by(9).collect();
        let truth = answers(&Index::read(&path, basis(&rules, None)).unwrap(), &mut told, &names).unwrap();
        if forge(&path, changed, at) {
            let whole = Index::read(&path, basis(&rules, None)).and_then(|index| index.check());
            prop_assert!(whole.is_err_and(|error| error.is_unfit()));
            match Index::read(&path, basis(&rules, None)).and_then(|index| answers(&index, &mut told, &names)) {
                // A rejected line that its hash does not find any more is as good as gone to whoever asks by a hash, which
                // only looking at all rows shows. Every other answer is what it was.
                Ok(found) if changed == ("rejected", "sha256") => {
                    prop_assert_eq!(found.len(), truth.len());
                    let (all, named) = (found.iter().zip(&truth), truth.len() - names.len());
                    for (number, (found, truth)) in all.enumerate() {
                        let by_hash = number >= named && names[number - named].bytes().all(|byte| byte.is_ascii_hexdigit());
                        prop_assert!(by_hash || found == truth, "{number}");
                    }
                }
                Ok(found) => prop_assert_eq!(found, truth, "what was changed was not looked at"),
                Err(error) => prop_assert!(error.is_unfit(), "{error}"),
            }
        }
    }
}

proptest! {
    #[test]
    fn a_row_that_is_gone_is_missed(
        history in history(), course in course(), rules in rules(), at in 0_i64..100,
        table in prop::sample::select(vec![
            "entries", "runs", "sums", "lines", "keys", "concepts", "facts", "spans", "digests", "outcomes", "events",
            "places",
        ]),
    ) {
        let mut told = course.tell(&history.lines);
        let folder = super::super::support::folder();
        let path = folder.path().join("index.sqlite");
        Index::build(&path, basis(&rules, None), |index| {
            derive(index, &mut told);
            Ok(())
        }).unwrap();
        let db = rusqlite::Connection::open(&path).unwrap();
        let rows: i64 = db.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap();
        let first = match table {
            "spans" => "first",
            "digests" | "outcomes" | "events" | "places" => "id",
            _ => "key",
        };
        // Stretches without a fact say nothing.
        let some = match table {
            "spans" => "WHERE facts > 0",
            "concepts" => "WHERE listed",
            _ => "",
        };
        let at = at % rows.max(1);
        let gone = db.execute(
            &format!("DELETE FROM {table} WHERE {first} IN (SELECT {first} FROM {table} {some} LIMIT 1 OFFSET {at})"), [],
        ).unwrap();
        let whole = Index::read(&path, basis(&rules, None)).unwrap().check();
        prop_assert_eq!(whole.is_err(), gone > 0);
    }
}

fn some_index(path: &Path) {
    let rules = dome_binder::Rules {
        policy: dome_binder::Policy::default(),
        codes: super::support::codes(),
        mode: None,
        contracts: None,
    };
    Index::build(path, basis(&rules, None), |_| Ok(())).unwrap();
}

fn opened(path: &Path) -> Result<Index> {
    let rules = dome_binder::Rules {
        policy: dome_binder::Policy::default(),
        codes: super::support::codes(),
        mode: None,
        contracts: None,
    };
    Index::read(path, basis(&rules, None))
}

#[test]
fn a_file_that_others_may_write_is_not_believed() {
    let folder = super::super::support::folder();
    let path = folder.path().join("index.sqlite");
    some_index(&path);
    assert!(opened(&path).is_ok());
    for mode in [0o664, 0o646, 0o666] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        assert!(matches!(opened(&path).err(), Some(IndexError::Unfit(_))), "{mode:o}");
    }
}

#[test]
fn a_link_is_not_believed() {
    let folder = super::super::support::folder();
    let (path, link) = (folder.path().join("index.sqlite"), folder.path().join("link"));
    some_index(&path);
    std::os::unix::fs::symlink(&path, &link).unwrap();
    assert!(matches!(opened(&link).err(), Some(IndexError::Unfit(_))));
}

#[test]
fn a_file_with_other_tables_is_not_believed() {
    let folder = super::super::support::folder();
    for sql in [
        "DROP TABLE applied",
        "CREATE TABLE more (a)",
        "CREATE TRIGGER t AFTER INSERT ON kinds BEGIN DELETE FROM facts; END",
        "DELETE FROM meta WHERE key = CAST('standing' AS BLOB)",
    ] {
        let path = folder.path().join("index.sqlite");
        some_index(&path);
        rusqlite::Connection::open(&path).unwrap().execute_batch(sql).unwrap();
        assert!(opened(&path).err().unwrap().is_unfit(), "{sql}");
    }
    let path = folder.path().join("garbage");
    std::fs::write(&path, b"this is no database, and never was one").unwrap();
    assert!(opened(&path).err().unwrap().is_unfit());
    assert!(opened(&folder.path().join("none")).err().unwrap().is_unfit());
}

#[test]
fn an_index_of_something_else_does_not_fit() {
    let folder = super::super::support::folder();
    let path = folder.path().join("index.sqlite");
    some_index(&path);
    let mut rules = dome_binder::Rules {
        policy: dome_binder::Policy::default(),
        codes: super::support::codes(),
        mode: None,
        contracts: None,
    };
    let other = dome_store::index::Basis { identity: "another store".to_owned(), ..basis(&rules, None) };
    assert!(Index::read(&path, other).err().unwrap().is_unfit());
    rules.policy.min_support += 1;
    assert!(Index::read(&path, basis(&rules, None)).err().unwrap().is_unfit());
}

/// Everything that two indexes of one layout are told apart by, but for their rows.
fn filled(path: &Path, identity: &str, secret: &[u8], lines: &[Vec<u8>]) -> dome_store::index::Basis {
    let rules = dome_binder::Rules {
        policy: dome_binder::Policy::default(),
        codes: super::support::codes(),
        mode: None,
        contracts: None,
    };
    let of = dome_store::index::Basis {
        identity: identity.to_owned(),
        seal: dome_core::Sha256Hash::of(secret),
        ..basis(&rules, None)
    };
    Index::build(path, of.clone(), |index| {
        derive(index, &mut super::support::Course::default().tell(lines));
        Ok(())
    })
    .unwrap();
    of
}

#[test]
fn an_index_of_another_store_or_by_another_hand_is_not_believed_in_its_place() {
    let folder = super::super::support::folder();
    let [own, other, forged] = ["own", "other", "forged"].map(|name| folder.path().join(name));
    let line = dome_core::EXAMPLE_LINE.to_vec();
    let passing = String::from_utf8(line.clone()).unwrap().replace("FAIL", "PASS").into_bytes();
    let of = filled(&own, "store 1", b"secret", std::slice::from_ref(&line));
    // Of another store with the same secret, as far along; and of this one by who does not know its secret.
    filled(&other, "store 2", b"secret", std::slice::from_ref(&passing));
    filled(&forged, "store 1", b"guess", std::slice::from_ref(&passing));
    for stranger in [&other, &forged] {
        std::fs::copy(stranger, folder.path().join("placed")).unwrap();
        assert!(Index::read(&folder.path().join("placed"), of.clone()).err().unwrap().is_unfit());
    }
    assert!(Index::read(&own, of).unwrap().check().is_ok());
}

#[test]
fn a_row_of_another_index_is_not_believed_although_it_was_sealed_there() {
    let folder = super::super::support::folder();
    let [own, other] = ["own", "other"].map(|name| folder.path().join(name));
    let line = dome_core::EXAMPLE_LINE.to_vec();
    let later = String::from_utf8(line.clone()).unwrap().replace("\"e1\"", "\"e9\"").into_bytes();
    for table in ["entries", "runs", "sums", "lines", "facts", "keys", "concepts", "meta"] {
        let of = filled(&own, "result 1", b"secret", std::slice::from_ref(&line));
        filled(&other, "result 2", b"secret", &[line.clone(), later.clone()]);
        let db = rusqlite::Connection::open(&own).unwrap();
        let from = other.to_str().unwrap();
        db.execute_batch(&format!(
            "ATTACH '{from}' AS other; DELETE FROM main.{table}; INSERT INTO main.{table} SELECT * FROM other.{table};"
        ))
        .unwrap();
        drop(db);
        let whole = Index::read(&own, of).and_then(|index| index.check());
        assert!(whole.err().unwrap().is_unfit(), "{table}");
    }
}
