//! A schema: read alone or with the files that it refers to, checked, and compiled to judge instances.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jsonschema::canonical::{CanonicalSchema, Satisfiability, options};
use jsonschema::{Draft, Registry, Retrieve, Uri, Validator};
use serde_json::{Map, Value, json};

use crate::evaluate::Evaluator;
use crate::json;
use crate::keywords::{OPAQUE, Reference, ReferenceTarget, children, each_schema, meant_by, of_fragment, pointer};
use crate::known::{Premise, SchemaNode, SchemaSide};
use crate::sample::{Mentioned, Sampler};

/// A dialect of JSON Schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dialect {
    /// `http://json-schema.org/draft-07/schema#`
    Draft07,
    /// `https://json-schema.org/draft/2020-12/schema`
    Draft202012,
}

impl Dialect {
    /// The dialect's own URI, as `$schema` names it.
    #[must_use]
    pub fn uri(self) -> &'static str {
        match self {
            Self::Draft07 => "http://json-schema.org/draft-07/schema#",
            Self::Draft202012 => "https://json-schema.org/draft/2020-12/schema",
        }
    }

    /// The dialect that a URI names, with or without the empty fragment.
    #[must_use]
    pub fn from_uri(uri: &str) -> Option<Self> {
        let bare = uri.trim_end_matches('#');
        [Self::Draft07, Self::Draft202012].into_iter().find(|dialect| dialect.uri().trim_end_matches('#') == bare)
    }

    fn draft(self) -> Draft {
        match self {
            Self::Draft07 => Draft::Draft7,
            Self::Draft202012 => Draft::Draft202012,
        }
    }

    fn definitions(self) -> &'static str {
        match self {
            Self::Draft07 => "definitions",
            Self::Draft202012 => "$defs",
        }
    }
}

/// A document that is no schema, or one that cannot be compared.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a schema at `{file}#{pointer}`: {reason}")]
pub struct SchemaError {
    /// The file, as the caller named it; empty for a schema that was given without a name.
    pub file: String,
    /// The place inside it, as a JSON Pointer.
    pub pointer: String,
    /// What is wrong there.
    pub reason: String,
}

impl SchemaError {
    fn new(file: &str, pointer: &str, reason: impl Into<String>) -> Self {
        Self { file: file.to_owned(), pointer: pointer.to_owned(), reason: reason.into() }
    }
}

/// One thing that is wrong with an instance.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[error("{pointer}: {message}")]
pub struct InstanceProblem {
    /// The place inside the instance, as a JSON Pointer (RFC 6901).
    pub pointer: String,
    /// What is wrong there.
    pub message: String,
}

/// A schema that was checked against its meta-schema, and that can judge instances and be compared.
///
/// ```
/// use schema_compat::{Dialect, Schema};
///
/// let schema = Schema::parse(br#"{"type": "string"}"#, Dialect::Draft07)?;
/// assert!(schema.is_valid(&"text".into()) && !schema.is_valid(&1.into()));
/// let error = Schema::parse(br#"{"type": "strong"}"#, Dialect::Draft07).unwrap_err();
/// assert_eq!(error.pointer, "/type");
/// # Ok::<(), schema_compat::SchemaError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Schema {
    /// One document, whose references are all local pointers.
    root: Arc<Value>,
    dialect: Dialect,
    /// Places that cannot be compared, and why.
    pub(crate) opaque: BTreeMap<String, String>,
    /// Where files were put: pointer to file.
    files: BTreeMap<String, String>,
    registry: Registry<'static>,
    validator: Validator,
}

/// Two schemas are equal if they are the same documents, files that they refer to included.
impl PartialEq for Schema {
    fn eq(&self, other: &Self) -> bool {
        self.root == other.root && self.dialect == other.dialect
    }
}

impl Schema {
    /// Reads a schema from bytes. `default` is its dialect if it declares none.
    ///
    /// # Errors
    ///
    /// [`SchemaError`] with the place, if the bytes are not JSON or not a schema of the dialect, or if a
    /// reference leaves the document or leads back to itself without a step into the instance.
    pub fn parse(bytes: &[u8], default: Dialect) -> Result<Self, SchemaError> {
        Self::from_value(parse_file("", bytes)?, default)
    }

    /// Reads a schema from a value. `default` is its dialect if it declares none.
    ///
    /// # Errors
    ///
    /// As [`parse`](Self::parse).
    pub fn from_value(value: Value, default: Dialect) -> Result<Self, SchemaError> {
        bundle("", default, &|_| Ok(value.clone()))
    }

    /// Reads the schema at `path` and all the files that it refers to. `file` gives the bytes of a file by
    /// its path: relative, separated by `/`.
    ///
    /// ```
    /// use schema_compat::{Dialect, Schema};
    ///
    /// let file = |path: &str| match path {
    ///     "schemas/a.json" => Some(br#"{"$ref": "../common.json#/definitions/name"}"#.as_slice()),
    ///     "common.json" => Some(br#"{"definitions": {"name": {"type": "string"}}}"#.as_slice()),
    ///     _ => None,
    /// };
    /// let schema = Schema::in_files("schemas/a.json", Dialect::Draft07, file)?;
    /// assert!(schema.is_valid(&"text".into()));
    /// # Ok::<(), schema_compat::SchemaError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`parse`](Self::parse); references may lead to files that `file` gives, and nowhere else.
    pub fn in_files<'f>(
        path: &str,
        default: Dialect,
        file: impl Fn(&str) -> Option<&'f [u8]>,
    ) -> Result<Self, SchemaError> {
        bundle(path, default, &|name| {
            parse_file(name, file(name).ok_or_else(|| SchemaError::new(name, "", "the folder has no such file"))?)
        })
    }

    /// Checks and compiles a document whose references are all local.
    fn new(root: Value, dialect: Dialect, files: BTreeMap<String, String>) -> Result<Self, SchemaError> {
        let located = |(at, reason): (String, String)| {
            let shown = display(&files, &at);
            let (file, pointer) = shown.split_once('#').unwrap_or(("", &shown));
            SchemaError::new(file, pointer, reason)
        };
        check_meta_schema(&root, dialect).map_err(located)?;
        check_references(&root, dialect).map_err(located)?;
        let root = Arc::new(root);
        let (registry, validator) = compile(&root, dialect).map_err(|why| located((String::new(), why)))?;
        Ok(Self { opaque: opaque(&root), root, dialect, files, registry, validator })
    }

    /// The dialect that the schema is read by.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The schema as one document: files that it refers to lie under `$defs` or `definitions`.
    #[must_use]
    pub fn root(&self) -> &Value {
        &self.root
    }

    /// A pointer into [`root`](Self::root) as a reader would write it: with its file, if there are several.
    #[must_use]
    pub fn display(&self, pointer: &str) -> String {
        display(&self.files, pointer)
    }

    /// Whether the schema accepts an instance; `format` is an assertion.
    #[must_use]
    pub fn is_valid(&self, instance: &Value) -> bool {
        self.validator.is_valid(instance)
    }

    /// What is wrong with an instance; nothing if it is valid.
    ///
    /// ```
    /// use schema_compat::{Dialect, Schema};
    ///
    /// let schema = Schema::parse(br#"{"required": ["a"]}"#, Dialect::Draft07)?;
    /// let problems: Vec<_> = schema.problems(&serde_json::json!({})).collect();
    /// assert_eq!(problems[0].to_string(), ": \"a\" is a required property");
    /// # Ok::<(), schema_compat::SchemaError>(())
    /// ```
    pub fn problems<'i>(&'i self, instance: &'i Value) -> impl Iterator<Item = InstanceProblem> + 'i {
        self.validator
            .iter_errors(instance)
            .map(|error| InstanceProblem { pointer: error.instance_path().to_string(), message: error.to_string() })
    }

    pub(crate) fn validator_at(&self, pointer: &str) -> Option<Validator> {
        validator_at(&self.registry, self.dialect, pointer).ok()
    }

    pub(crate) fn target(&self, reference: &str) -> Option<(String, &Value)> {
        let at = local(reference)?;
        let schema = self.root.pointer(&at)?;
        Some((at, schema))
    }

    /// The canonical form, on which `jsonschema` may work without limit: `None` too where the document is too large.
    pub(crate) fn canonical(&self) -> Option<CanonicalSchema> {
        const SCHEMAS_MAX: usize = 5_000;
        let mut schemas = 0_usize;
        each_schema(&self.root, "", &mut |_, _| schemas = schemas.saturating_add(1));
        if schemas > SCHEMAS_MAX {
            return None;
        }
        let options = options().with_draft(self.dialect.draft()).with_retriever(Offline);
        options.should_validate_formats(true).canonicalize(&self.root).ok()
    }

    /// Some instances that the schema accepts, the simplest first; none if none were found.
    #[must_use]
    pub fn samples(&self) -> Vec<Value> {
        let evaluator = Evaluator::default();
        let sampler = Sampler::new(&evaluator, Mentioned::of(&[&self.root]));
        sampler.samples(&Premise::of([SchemaNode::root(SchemaSide::Old, self)]))
    }

    /// The whole numbers that the schema mentions: bounds, lengths, listed values.
    #[must_use]
    pub fn whole_numbers(&self) -> BTreeSet<i64> {
        let numbers = Mentioned::of(&[&self.root]).numbers;
        numbers.iter().filter_map(|number| number.to_string().parse().ok()).collect()
    }

    /// Whether the schema accepts anything; `None` if neither was established.
    #[must_use]
    pub fn is_satisfiable(&self) -> Option<bool> {
        // An instance that the validator accepts proves more than any reasoning.
        if !self.samples().is_empty() {
            return Some(true);
        }
        match self.canonical()?.satisfiability() {
            Satisfiability::Yes => Some(true),
            Satisfiability::No => Some(false),
            Satisfiability::Unknown => None,
        }
    }

    /// Keywords that no dialect knows and that were probably meant to be others: the pointer of each, and
    /// the keyword that was meant.
    ///
    /// ```
    /// use schema_compat::{Dialect, Schema};
    ///
    /// let schema = Schema::parse(br#"{"requird": ["a"]}"#, Dialect::Draft07)?;
    /// assert_eq!(schema.misspelt(), [("/requird".to_owned(), "required")]);
    /// # Ok::<(), schema_compat::SchemaError>(())
    /// ```
    #[must_use]
    pub fn misspelt(&self) -> Vec<(String, &'static str)> {
        let mut found = Vec::new();
        each_keyword(&self.root, |at, keyword, _| found.extend(meant_by(keyword).map(|known| (at, known))));
        found
    }
}

fn each_keyword(root: &Value, mut visit: impl FnMut(String, &str, &Value)) {
    each_schema(root, "", &mut |at, schema| {
        for (keyword, value) in schema.as_object().into_iter().flatten() {
            visit(pointer(at, keyword), keyword, value);
        }
    });
}

fn parse_file(file: &str, bytes: &[u8]) -> Result<Value, SchemaError> {
    json::parse(bytes).map_err(|error| SchemaError::new(file, "", format!("not JSON: {error}")))
}

/// The schema at `path` as one document, with all files that it reaches under its definitions.
fn bundle(
    path: &str,
    default: Dialect,
    read: &dyn Fn(&str) -> Result<Value, SchemaError>,
) -> Result<Schema, SchemaError> {
    let mut root = read(path)?;
    let dialect = declared(&root, path)?.unwrap_or(default);
    let place =
        |file: &str| if file == path { String::new() } else { pointer(&format!("/{}", dialect.definitions()), file) };
    let mut waiting = localize(&mut root, path, &place)?;
    let mut parts = BTreeMap::new();
    while let Some(file) = waiting.pop() {
        if file == path || parts.contains_key(&file) {
            continue;
        }
        let mut part = read(&file)?;
        if declared(&part, &file)?.is_some_and(|own| own != dialect) {
            let reason = "the files that refer to each other are of different dialects";
            return Err(SchemaError::new(&file, "/$schema", reason));
        }
        waiting.extend(localize(&mut part, &file, &place)?);
        if let Some(members) = part.as_object_mut() {
            members.remove("$schema");
        }
        parts.insert(file, part);
    }
    let mut files: BTreeMap<_, _> = parts.keys().map(|file| (place(file), file.clone())).collect();
    if !path.is_empty() {
        files.insert(String::new(), path.to_owned());
    }
    if !parts.is_empty()
        && let Some(members) = root.as_object_mut()
        && let Value::Object(held) = members.entry(dialect.definitions()).or_insert_with(|| Value::Object(Map::new()))
    {
        held.extend(parts);
    }
    Schema::new(root, dialect, files)
}

fn declared(value: &Value, file: &str) -> Result<Option<Dialect>, SchemaError> {
    if !value.is_object() && !value.is_boolean() {
        return Err(SchemaError::new(file, "", "a schema is an object or a boolean"));
    }
    let Some(uri) = value.get("$schema") else { return Ok(None) };
    let uri = uri.as_str().map_or_else(|| uri.to_string(), str::to_owned);
    let unknown = || SchemaError::new(file, "/$schema", format!("`{uri}` is neither draft-07 nor 2020-12"));
    Dialect::from_uri(&uri).map(Some).ok_or_else(unknown)
}

/// Points all references of a file at where their targets end up in the one document; the files that they name.
fn localize(value: &mut Value, file: &str, place: &dyn Fn(&str) -> String) -> Result<Vec<String>, SchemaError> {
    let mut named = Vec::new();
    for Reference { at, text, target } in Reference::all(value, file) {
        let target = match target {
            ReferenceTarget::Inside(pointer) => format!("#{}{pointer}", place(file)),
            ReferenceTarget::File { file, pointer } => {
                let target = format!("#{}{pointer}", place(&file));
                named.push(file);
                target
            }
            ReferenceTarget::Outside(_) => {
                let why = if file.is_empty() { "leaves the document" } else { "names no file of the folder" };
                let reason = format!("`$ref` to `{text}` {why}, and nothing is fetched");
                return Err(SchemaError::new(file, &at, reason));
            }
        };
        if let Some(members) = value.pointer_mut(&at).and_then(Value::as_object_mut) {
            members.insert("$ref".to_owned(), Value::String(target.replace('%', "%25")));
        }
    }
    if let Some(members) = value.as_object_mut() {
        members.remove("$id");
    }
    Ok(named)
}

fn display(files: &BTreeMap<String, String>, at: &str) -> String {
    let inside = |prefix: &str| at.strip_prefix(prefix).filter(|rest| rest.is_empty() || rest.starts_with('/'));
    let mut files = files.iter().rev();
    files.find_map(|(prefix, file)| Some(format!("{file}#{}", inside(prefix)?))).unwrap_or_else(|| at.to_owned())
}

type LocatedResult = Result<(), (String, String)>;

fn check_meta_schema(root: &Value, dialect: Dialect) -> LocatedResult {
    let result = match dialect {
        Dialect::Draft07 => jsonschema::draft7::meta::validate(root),
        Dialect::Draft202012 => jsonschema::draft202012::meta::validate(root),
    };
    result.map_err(|error| (error.instance_path().to_string(), error.to_string()))
}

fn check_references(root: &Value, dialect: Dialect) -> LocatedResult {
    let mut places = Vec::new();
    each_schema(root, "", &mut |at, schema| places.push((at.to_owned(), schema)));
    for (at, schema) in &places {
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            let found = local(reference).and_then(|target| root.pointer(&target));
            if !found.is_some_and(|found| found.is_object() || found.is_boolean()) {
                return Err((at.clone(), format!("`$ref` to `{reference}` names no schema")));
            }
        }
    }
    let mut done = BTreeSet::new();
    places.iter().try_for_each(|(at, _)| check_cycle(root, dialect, at, &mut Vec::new(), &mut done))
}

fn local(reference: &str) -> Option<String> {
    of_fragment(reference.strip_prefix('#')?)
}

/// A chain of references and combinators without a step into the instance says nothing, and may be followed forever.
fn check_cycle(
    root: &Value,
    dialect: Dialect,
    at: &str,
    path: &mut Vec<String>,
    done: &mut BTreeSet<String>,
) -> LocatedResult {
    if done.contains(at) {
        return Ok(());
    }
    if path.iter().any(|seen| seen == at) {
        return Err((at.to_owned(), "the schema refers to itself without a step into the instance".to_owned()));
    }
    path.push(at.to_owned());
    for next in same_instance(root, dialect, at) {
        check_cycle(root, dialect, &next, path, done)?;
    }
    path.pop();
    done.insert(at.to_owned());
    Ok(())
}

/// The schemas that judge the same instance as the one at `at`, because that one says so.
fn same_instance(root: &Value, dialect: Dialect, at: &str) -> Vec<String> {
    const SAME: &[&str] = &["allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependencies", "dependentSchemas"];
    let Some(schema) = root.pointer(at) else {
        return Vec::new();
    };
    let reference = schema.get("$ref").and_then(Value::as_str);
    let mut found = reference.and_then(local).into_iter().collect::<Vec<_>>();
    // In draft-07, nothing counts beside a `$ref`.
    if reference.is_none() || dialect != Dialect::Draft07 {
        let keyword = |inner: &str| inner.strip_prefix(at).and_then(|rest| rest.split('/').nth(1)).map(str::to_owned);
        let inner = children(schema, at).into_iter().map(|(pointer, _)| pointer);
        found.extend(inner.filter(|inner| keyword(inner).is_some_and(|keyword| SAME.contains(&keyword.as_str()))));
    }
    found
}

fn opaque(root: &Value) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    each_keyword(root, |at, keyword, value| {
        // Those of whole files are left out of the one document.
        let is_embedded_id = keyword == "$id" && value.as_str().is_some_and(|id| !id.starts_with('#'));
        let reason = if OPAQUE.contains(&keyword) {
            format!("`{keyword}` cannot be compared")
        } else if let Some(known) = meant_by(keyword) {
            format!("unknown keyword `{keyword}`: `{known}` was probably meant")
        } else if is_embedded_id {
            "an `$id` inside a schema moves what references mean".to_owned()
        } else {
            return;
        };
        found.insert(at, reason);
    });
    found
}

const BASE: &str = "schema-compat:/schema";

fn compile(root: &Arc<Value>, dialect: Dialect) -> Result<(Registry<'static>, Validator), String> {
    let builder = Registry::new().draft(dialect.draft()).retriever(Offline);
    let registry = builder.add(BASE, Arc::clone(root)).and_then(|builder| builder.prepare());
    let registry = registry.map_err(|error| error.to_string())?;
    let validator = validator_at(&registry, dialect, "")?;
    Ok((registry, validator))
}

fn validator_at(registry: &Registry<'_>, dialect: Dialect, pointer: &str) -> Result<Validator, String> {
    let entry = json!({"$schema": dialect.uri(), "$ref": format!("{BASE}#{}", fragment(pointer))});
    let options = jsonschema::options().with_registry(registry).with_retriever(Offline);
    options.should_validate_formats(true).build(&entry).map_err(|error| error.to_string())
}

fn fragment(pointer: &str) -> String {
    let mut text = String::new();
    for byte in pointer.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Offline;

impl Retrieve for Offline {
    fn retrieve(&self, uri: &Uri<String>) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        Err(format!("`{uri}` is not at hand, and nothing is fetched").into())
    }
}
