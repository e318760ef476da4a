//! The smallest document that still shows it.

use serde_json::Value;

use super::assertion::Assertion;
use super::manifest::Manifest;
use super::sample::Judges;

/// Goes from a document to smaller ones. Whoever runs the tool says of each whether it still shows it.
///
/// ```
/// use dome_contracts::conform::{Assertion, Class, Manifest, Shrink};
/// # use serde_json::json;
/// # let manifest = Manifest::parse(serde_json::to_string(&json!({
/// #   "manifest_version": "1", "tool": {"name": "t", "version": "1"}, "target_kinds": ["a"], "action_kinds": ["b"],
/// #   "schema_version": "1", "entry": "t.py", "schemas": {"input": {"type": "object"}, "config": {}, "output": {}},
/// #   "side_effects": {"mode": "none"},
/// #   "fixtures": [{"name": "a", "input": {}, "config": {}, "expect": {"output": 1}}]
/// # })).unwrap().as_bytes()).unwrap();
/// let input = json!({"a": [1, 2, 3], "b": "long", "c": {"d": true}});
/// let start = Assertion { class: Class::Valid, config: json!({}), input, valid: true, what: "".into() };
/// let mut shrink = Shrink::of(start, &manifest, 100);
/// while let Some(candidate) = shrink.next() {
///     let shows_it = candidate.input.get("c").is_some();
///     shrink.told(candidate, shows_it);
/// }
/// assert_eq!(shrink.smallest().input, json!({"c": {}}));
/// ```
pub struct Shrink {
    smallest: Assertion,
    waiting: Vec<Assertion>,
    judges: Option<Judges>,
    budget: usize,
}

impl Shrink {
    /// Starts at a document; at most `budget` candidates are offered.
    #[must_use]
    pub fn of(start: Assertion, manifest: &Manifest, budget: usize) -> Self {
        let mut shrink = Self { smallest: start, waiting: Vec::new(), judges: Judges::of(manifest), budget };
        shrink.refill();
        shrink
    }

    /// The next document to try: smaller, and as valid or invalid as the first.
    #[expect(clippy::should_implement_trait, reason = "what comes next depends on what is told in between")]
    pub fn next(&mut self) -> Option<Assertion> {
        self.budget = self.budget.checked_sub(1)?;
        self.waiting.pop()
    }

    /// Says whether a candidate still shows it.
    pub fn told(&mut self, candidate: Assertion, shows_it: bool) {
        if shows_it {
            self.smallest = candidate;
            self.refill();
        }
    }

    /// The smallest document that was said to show it.
    #[must_use]
    pub fn smallest(self) -> Assertion {
        self.smallest
    }

    fn refill(&mut self) {
        let here = &self.smallest;
        let inputs = smaller(&here.input).into_iter().map(|input| Assertion { input, ..here.clone() });
        let configs = smaller(&here.config).into_iter().map(|config| Assertion { config, ..here.clone() });
        let size = here.size();
        let accept = |candidate: &Assertion| {
            self.judges.as_ref().map(|judges| judges.accept(&candidate.config, &candidate.input))
        };
        let mut waiting: Vec<Assertion> = inputs.chain(configs).filter(|candidate| candidate.size() < size).collect();
        waiting.retain(|candidate| accept(candidate) == Some(here.valid));
        // The smallest is tried first, and that is the last.
        waiting.sort_by_cached_key(|candidate| std::cmp::Reverse(candidate.size()));
        waiting.dedup();
        self.waiting = waiting;
    }
}

/// Values that are simpler than a value, one step away.
fn smaller(value: &Value) -> Vec<Value> {
    match value {
        Value::Null => Vec::new(),
        Value::Bool(_) => vec![Value::Null],
        Value::Number(number) => {
            let half = number.as_i64().map(|number| Value::from(number / 2));
            [Value::Null, Value::from(0)].into_iter().chain(half).collect()
        }
        Value::String(text) => {
            let half: String = text.chars().take(text.chars().count() / 2).collect();
            let fewer: String = text.chars().skip(1).collect();
            vec![Value::Null, Value::from(""), Value::from(half), Value::from(fewer)]
        }
        Value::Array(items) => {
            let mut found = vec![Value::Null, Value::Array(Vec::new())];
            for (index, item) in items.iter().enumerate() {
                let mut fewer = items.clone();
                fewer.remove(index);
                found.push(Value::Array(fewer));
                found.extend(smaller(item).into_iter().map(|inner| {
                    let mut changed = items.clone();
                    changed.splice(index..=index, [inner]);
                    Value::Array(changed)
                }));
            }
            found
        }
        Value::Object(members) => {
            let mut found = vec![Value::Null, Value::Object(serde_json::Map::new())];
            for (name, member) in members {
                let mut fewer = members.clone();
                fewer.remove(name);
                found.push(Value::Object(fewer));
                found.extend(smaller(member).into_iter().map(|inner| {
                    let mut changed = members.clone();
                    changed.insert(name.clone(), inner);
                    Value::Object(changed)
                }));
            }
            found
        }
    }
}
