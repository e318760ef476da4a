//! The house stays tidy: sizes, roots without logic, imports that run one way, criteria that tests hold.

mod milestones;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use syn::spanned::Spanned;
use syn::visit::Visit;

/// Lines of a function, at most and in the median.
const FUNCTION_LINES: (usize, usize) = (70, 10);

/// What each crate may build upon inside the project: imports run one way.
const DIRECTION: [(&str, &[&str]); 12] = [
    ("xtrlv2-fixtures", &[]),
    ("schema-compat", &[]),
    ("dome-core", &[]),
    ("dome-arbitrary", &["dome-core"]),
    ("dome-binder", &["dome-core"]),
    ("dome-contracts", &["dome-core", "schema-compat"]),
    ("dome-conform", &["dome-contracts", "dome-core", "dome-patterns"]),
    ("dome-adapters", &["dome-core"]),
    ("dome-patterns", &["dome-core"]),
    ("dome-replay", &["dome-binder", "dome-core", "xtrlv2-fixtures"]),
    ("dome-store", &["dome-binder", "dome-core", "dome-replay"]),
    (
        "dome-cli",
        &[
            "dome-adapters",
            "dome-binder",
            "dome-conform",
            "dome-contracts",
            "dome-core",
            "dome-patterns",
            "dome-replay",
            "dome-store",
        ],
    ),
];

/// Crates that do no I/O.
const PURE: [&str; 6] =
    ["schema-compat", "dome-core", "dome-binder", "dome-contracts", "dome-adapters", "dome-patterns"];

/// What the source of a pure crate does not even name.
const IMPURE: [&str; 11] = [
    "std::fs",
    "std::env",
    "std::net",
    "std::process",
    "std::thread",
    "std::time",
    "HashMap",
    "HashSet",
    "RandomState",
    "print!",
    "println!",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Every Rust file of the project, with its path from the root.
fn sources() -> BTreeMap<String, String> {
    let hidden = |entry: &walkdir::DirEntry| {
        let name = entry.file_name().to_string_lossy();
        name == "target" || (entry.depth() > 0 && name.starts_with('.'))
    };
    walkdir::WalkDir::new(root())
        .into_iter()
        .filter_entry(|entry| !hidden(entry))
        .map(Result::unwrap)
        .filter(|entry| entry.path().extension().is_some_and(|extension| extension == "rs"))
        .map(|entry| {
            let name = entry.path().strip_prefix(root()).unwrap().to_string_lossy().into_owned();
            (name, std::fs::read_to_string(entry.path()).unwrap())
        })
        .collect()
}

fn median(mut sizes: Vec<usize>) -> usize {
    sizes.sort_unstable();
    sizes.get(sizes.len() / 2).copied().unwrap()
}

#[derive(Default)]
struct Functions {
    lines: Vec<(String, usize)>,
}

impl<'ast> Functions {
    fn add(&mut self, name: &syn::Ident, block: &'ast syn::Block) {
        let span = block.span();
        self.lines.push((name.to_string(), span.end().line - span.start().line + 1));
    }
}

impl<'ast> Visit<'ast> for Functions {
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.add(&function.sig.ident, &function.block);
        syn::visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.add(&function.sig.ident, &function.block);
        syn::visit::visit_impl_item_fn(self, function);
    }
}

#[test]
fn functions_are_small() {
    let mut all = Vec::new();
    for (name, text) in sources() {
        let mut functions = Functions::default();
        functions.visit_file(&syn::parse_file(&text).unwrap());
        let large: Vec<_> = functions.lines.iter().filter(|(_, lines)| *lines > FUNCTION_LINES.0).collect();
        assert!(large.is_empty(), "{name}: functions over {} lines: {large:?}", FUNCTION_LINES.0);
        all.extend(functions.lines.into_iter().map(|(_, lines)| lines));
    }
    assert!(median(all) <= FUNCTION_LINES.1);
}

/// Whoever reads a name need not know which of several types it is. A crate's own `Result` says what it is.
#[test]
fn a_type_name_stands_for_one_thing() {
    let mut named: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (file, text) in
        sources().into_iter().filter(|(file, _)| file.contains("/src/") && !file.starts_with("benches/"))
    {
        for item in syn::parse_file(&text).unwrap().items {
            let name = match item {
                syn::Item::Struct(item) => item.ident,
                syn::Item::Enum(item) => item.ident,
                syn::Item::Trait(item) => item.ident,
                syn::Item::Type(item) => item.ident,
                _ => continue,
            };
            named.entry(name.to_string()).or_default().push(file.clone());
        }
    }
    named.retain(|name, files| name != "Result" && files.len() > 1);
    assert!(named.is_empty(), "{named:#?}");
}

#[test]
fn crate_roots_hold_no_logic() {
    for (name, text) in sources().into_iter().filter(|(name, _)| name.ends_with("/src/lib.rs")) {
        let file = syn::parse_file(&text).unwrap();
        let logic = |item: &syn::Item| matches!(item, syn::Item::Fn(_) | syn::Item::Impl(_) | syn::Item::Trait(_));
        assert!(!file.items.iter().any(logic), "{name} holds logic");
    }
}

#[test]
fn imports_run_one_way() {
    for (krate, allowed) in DIRECTION {
        let manifest = std::fs::read_to_string(root().join(krate).join("Cargo.toml")).unwrap();
        let manifest: toml::Table = manifest.parse().unwrap();
        let dependencies = manifest.get("dependencies").and_then(toml::Value::as_table);
        for name in dependencies.into_iter().flat_map(toml::Table::keys) {
            let ours = DIRECTION.iter().any(|(known, _)| known == name);
            assert!(!ours || allowed.contains(&name.as_str()), "{krate} may not build upon {name}");
        }
    }
}

/// The sources of the command, by top-level module.
fn command() -> BTreeMap<String, Vec<String>> {
    let mut modules: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, text) in sources() {
        if let Some(path) = name.strip_prefix("dome-cli/src/") {
            let module = path.split(['/', '.']).next().unwrap();
            modules.entry(module.to_owned()).or_default().push(text);
        }
    }
    modules
}

#[test]
fn modules_of_the_command_run_in_no_circle() {
    let modules = command();
    let uses = |texts: &[String]| -> BTreeSet<String> {
        let named = texts.iter().flat_map(|text| text.split("crate::").skip(1));
        let named = named.filter_map(|rest| rest.split(|character: char| !is_of_a_name(character)).next());
        named.filter(|name| modules.contains_key(*name)).map(str::to_owned).collect()
    };
    let mut left: BTreeMap<&String, BTreeSet<String>> =
        modules.iter().map(|(name, texts)| (name, uses(texts))).collect();
    for (name, used) in &mut left {
        used.remove(*name);
    }
    // What uses nothing that is left stands on its own; in a circle nothing does.
    while let Some(free) = left.iter().find(|(_, used)| used.is_empty()).map(|(name, _)| (*name).clone()) {
        left.remove(&free);
        for used in left.values_mut() {
            used.remove(&free);
        }
    }
    assert!(left.is_empty(), "these use each other: {left:?}");
}

fn is_of_a_name(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

#[derive(Default)]
struct Types(Vec<String>);

impl<'ast> Visit<'ast> for Types {
    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        self.0.push(item.ident.to_string());
        syn::visit::visit_item_struct(self, item);
    }

    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        self.0.push(item.ident.to_string());
        syn::visit::visit_item_enum(self, item);
    }

    fn visit_item_type(&mut self, item: &'ast syn::ItemType) {
        self.0.push(item.ident.to_string());
        syn::visit::visit_item_type(self, item);
    }
}

#[test]
fn a_type_of_the_command_is_defined_once() {
    let mut types = Types::default();
    for text in command().into_values().flatten() {
        types.visit_file(&syn::parse_file(&text).unwrap());
    }
    let Types(mut names) = types;
    names.sort_unstable();
    let twice: Vec<_> = names.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| &pair[0]).collect();
    assert!(twice.is_empty(), "defined more than once: {twice:?}");
}

#[test]
fn pure_crates_do_not_name_the_world() {
    for (name, text) in sources() {
        if !PURE.iter().any(|krate| name.starts_with(&format!("{krate}/src/"))) {
            continue;
        }
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        for line in code {
            let named = IMPURE.iter().find(|word| line.contains(**word));
            assert_eq!(named, None, "{name}: {line}");
        }
    }
}
