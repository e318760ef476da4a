//! The numbers and words that two schemas mention.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::compat::decimal::Decimal;
use crate::compat::keywords::each_schema;

const HINTS_MAX: usize = 40;

/// The numbers and words that two schemas mention.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hints {
    pub(crate) numbers: BTreeSet<Decimal>,
    pub(crate) texts: BTreeSet<String>,
    pub(crate) names: BTreeSet<String>,
    pub(crate) patterns: BTreeSet<String>,
    pub(crate) formats: BTreeSet<String>,
}

impl Hints {
    pub(crate) fn of(schemas: &[&Value]) -> Self {
        let mut hints = Self::default();
        for schema in schemas {
            each_schema(schema, "", &mut |_, schema| hints.read(schema));
        }
        hints
    }

    fn read(&mut self, schema: &Value) {
        for (keyword, value) in schema.as_object().into_iter().flatten() {
            match keyword.as_str() {
                "enum" | "const" => self.read_values(value),
                "pattern" => self.patterns.extend(value.as_str().map(str::to_owned)),
                "format" => self.formats.extend(value.as_str().map(str::to_owned)),
                "required" => self.read_names(value),
                "patternProperties" => {
                    let patterns = value.as_object().into_iter().flat_map(|members| members.keys());
                    self.patterns.extend(patterns.cloned());
                }
                "properties" | "dependencies" | "dependentRequired" | "dependentSchemas" => {
                    let names = value.as_object().into_iter().flat_map(|members| members.keys());
                    self.names.extend(names.take(HINTS_MAX).cloned());
                }
                _ if self.numbers.len() < HINTS_MAX => self.numbers.extend(Decimal::of(value)),
                _ => {}
            }
        }
    }

    fn read_names(&mut self, value: &Value) {
        let names = value.as_array().into_iter().flatten().filter_map(Value::as_str);
        self.names.extend(names.take(HINTS_MAX).map(str::to_owned));
    }

    fn read_values(&mut self, value: &Value) {
        let single = std::slice::from_ref(value);
        let values = value.as_array().map_or(single, Vec::as_slice);
        self.numbers.extend(values.iter().filter_map(Decimal::of).take(HINTS_MAX));
        let texts = values.iter().filter_map(Value::as_str).take(HINTS_MAX);
        self.texts.extend(texts.map(str::to_owned));
    }

    /// Small counts near those that the schemas mention.
    pub(crate) fn counts(&self, most: usize) -> BTreeSet<usize> {
        let near = self.numbers.iter().filter(|number| number.is_whole());
        let near = near.filter_map(|number| number.to_string().parse::<usize>().ok());
        near.flat_map(|count| [count.saturating_sub(1), count, count.saturating_add(1)])
            .filter(|count| *count <= most)
            .collect()
    }
}
