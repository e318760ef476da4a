//! Members: what they hold, which must be there, how they are called.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Obstacle, Walker, same};
use crate::known::{self, Known};
use crate::node::Node;
use crate::pattern;
use crate::rule::Rule;
use crate::types::{Type, Types};

impl<'a> Walker<'a> {
    pub(super) fn check_object(&mut self, known: &Known<'a>, part: &Node<'a>) -> Vec<Obstacle> {
        let required = known::required(known);
        let mut obstacles = self.check_required(known, part, &required);
        let counts = [(Rule::MinPropertiesRaised, "minProperties"), (Rule::MaxPropertiesLowered, "maxProperties")];
        let least = u64::try_from(required.len()).unwrap_or(u64::MAX);
        let most = closed_names(known).and_then(|names| u64::try_from(names.len()).ok());
        obstacles.extend(self.check_counts(known, part, counts, least, most));
        obstacles.extend(self.check_named(known, part));
        obstacles.extend(self.check_others(known, part));
        obstacles.extend(self.check_names(known, part));
        obstacles.extend(self.check_dependencies(known, part));
        obstacles
    }

    fn check_required(&self, known: &Known<'a>, part: &Node<'a>, required: &BTreeSet<String>) -> Vec<Obstacle> {
        let wanted = part.keyword("required").and_then(Value::as_array).into_iter().flatten();
        let missing = wanted.filter_map(Value::as_str).filter(|name| !required.contains(*name));
        let found = missing.map(|name| {
            let detail = format!("member `{name}` is required now");
            let mut obstacle = self.obstacle(Rule::RequiredAdded, known, part, "required", detail);
            if self.quiet > 0 {
                return obstacle;
            }
            let mut without = self.sampler.objects(known);
            without.iter_mut().filter_map(Value::as_object_mut).for_each(|members| {
                members.remove(name);
            });
            without.retain(|object| self.evaluator.fits(known, object) == Some(true));
            obstacle.candidates = without;
            obstacle
        });
        found.collect()
    }

    /// Members that some schema names.
    fn check_named(&mut self, known: &Known<'a>, part: &Node<'a>) -> Vec<Obstacle> {
        let mut obstacles = Vec::new();
        for name in named(known, part) {
            let member = known::member(self.evaluator, known, &name);
            let wanted = known::member_nodes(self.evaluator, part, &name);
            let wanted = wanted.unwrap_or_else(|| every_member_node(part));
            obstacles.extend(self.check_member(known, &member, &wanted, part, &name));
        }
        obstacles
    }

    /// One member, or one kind of members, that `name` stands for.
    fn check_member(
        &mut self,
        known: &Known<'a>,
        member: &Known<'a>,
        wanted: &[Node<'a>],
        part: &Node<'a>,
        name: &str,
    ) -> Vec<Obstacle> {
        let mut obstacles = Vec::new();
        for schema in wanted {
            let mut found = self.check(member, schema);
            let additional = *schema.at == part.keyword_at("additionalProperties");
            for obstacle in found.iter_mut().filter(|obstacle| obstacle.new == *schema.at) {
                if obstacle.rule == Rule::SchemaClosed {
                    obstacle.rule = Rule::PropertyClosed;
                    obstacle.detail = format!("member `{name}` is not accepted any more");
                }
            }
            if additional && schema.schema != &Value::Bool(false) {
                found.iter_mut().for_each(|obstacle| obstacle.rule = Rule::AdditionalNarrowed);
            }
            obstacles.extend(self.lift_member(known, name, found));
        }
        obstacles
    }

    fn lift_member(&self, known: &Known<'a>, name: &str, found: Vec<Obstacle>) -> Vec<Obstacle> {
        if found.is_empty() || self.quiet > 0 {
            return found;
        }
        let bases = self.sampler.bases(known);
        self.lift(found, |value| {
            let with = bases.iter().filter_map(|base| {
                let mut object = base.clone();
                object.as_object_mut()?.insert(name.to_owned(), value.clone());
                Some(object)
            });
            with.filter(|object| self.evaluator.fits(known, object) == Some(true)).collect()
        })
    }

    /// Members that no schema names: by the patterns of both sides.
    fn check_others(&mut self, known: &Known<'a>, part: &Node<'a>) -> Vec<Obstacle> {
        let asked = part.map("patternProperties");
        if asked.is_empty() && part.keyword("additionalProperties").is_none() {
            return Vec::new();
        }
        let taken = named(known, part);
        let said = known.nodes.iter().flat_map(|node| node.map("patternProperties"));
        let patterns = said.map(|(pattern, _)| pattern).collect::<BTreeSet<_>>();
        let mut obstacles = Vec::new();
        for case in patterns.iter().copied().map(Some).chain([None]) {
            let member = other_member(known, case);
            for (pattern, schema) in &asked {
                // A name that matches no pattern of OLD does not match one that both have.
                if case.is_some() || !patterns.contains(pattern) {
                    let name = self.fresh_name(&taken, &[Some(*pattern), case]);
                    obstacles.extend(self.check_member(known, &member, std::slice::from_ref(schema), part, &name));
                }
            }
            let matched = case.is_some_and(|case| asked.iter().any(|(pattern, _)| *pattern == case));
            if let Some(rest) = part.child("additionalProperties").filter(|_| !matched) {
                let name = self.fresh_name(&taken, &[case]);
                obstacles.extend(self.check_member(known, &member, &[rest], part, &name));
            }
        }
        obstacles
    }

    /// A name that no schema names and that matches the patterns, as far as one is found.
    fn fresh_name(&self, taken: &BTreeSet<String>, patterns: &[Option<&str>]) -> String {
        let patterns = patterns.iter().flatten().copied().collect::<Vec<_>>();
        let made = patterns.iter().flat_map(|pattern| pattern::names(pattern));
        let fits = |name: &String| {
            let matches = |pattern: &&str| self.evaluator.matches(pattern, name) == Some(true);
            !taken.contains(name) && patterns.iter().all(matches)
        };
        let plain = ["other".to_owned(), "zz".to_owned(), "x1".to_owned(), "another_member".to_owned()];
        made.chain(plain).find(fits).unwrap_or_else(|| "other".to_owned())
    }

    fn check_names(&mut self, known: &Known<'a>, part: &Node<'a>) -> Vec<Obstacle> {
        let Some(wanted) = part.child("propertyNames") else {
            return Vec::new();
        };
        let place = wanted.place();
        if let Some(names) = closed_names(known) {
            let accepts = |name: &String| self.evaluator.accepts(&place, &Value::String(name.clone())) == Some(true);
            if names.iter().all(accepts) {
                return Vec::new();
            }
        }
        let names = known::names(known).with_types(Types::only(Type::String));
        let mut found = self.check(&names, &wanted);
        found.iter_mut().for_each(|obstacle| obstacle.rule = Rule::PropertyNamesNarrowed);
        if self.quiet > 0 {
            return found;
        }
        let bases = self.sampler.bases(known);
        self.lift(found, |name| {
            let with = bases.iter().filter_map(|base| {
                let mut object = base.clone();
                let name = name.as_str()?;
                let member = known::member(self.evaluator, known, name);
                let value = self.sampler.samples(&member).into_iter().next()?;
                object.as_object_mut()?.insert(name.to_owned(), value);
                Some(object)
            });
            with.filter(|object| self.evaluator.fits(known, object) == Some(true)).collect()
        })
    }

    fn check_dependencies(&mut self, known: &Known<'a>, part: &Node<'a>) -> Vec<Obstacle> {
        let keywords = ["dependencies", "dependentRequired", "dependentSchemas"];
        let said = |node: &Node<'_>| keywords.iter().all(|name| same::keyword(node, part, name));
        if known.nodes.iter().any(said) {
            return Vec::new();
        }
        let mut obstacles = Vec::new();
        for (trigger, wanted) in known::dependent_names(part) {
            let with = self.with_member(known, &trigger);
            let has = known::required(&with);
            if !self.is_empty(&with) && !wanted.iter().all(|name| has.contains(name)) {
                let detail = format!("member `{trigger}` asks for others now");
                obstacles.push(self.obstacle(
                    Rule::DependencyAdded,
                    known,
                    part,
                    dependency_keyword(part, "dependentRequired"),
                    detail,
                ));
            }
        }
        for (trigger, schema) in known::dependent_schemas(part) {
            let with = self.with_member(known, trigger);
            let mut found = self.check(&with, &schema);
            found.iter_mut().for_each(|obstacle| obstacle.rule = Rule::DependencyAdded);
            obstacles.extend(found);
        }
        obstacles
    }

    fn with_member(&self, known: &Known<'a>, name: &str) -> Known<'a> {
        let mut with = known.clone();
        with.has.insert(name.to_owned());
        with
    }
}

fn dependency_keyword(part: &Node<'_>, modern: &'static str) -> &'static str {
    if part.keyword("dependencies").is_some() { "dependencies" } else { modern }
}

/// The names that `properties` on either side, or `required`, mention.
fn named(known: &Known<'_>, part: &Node<'_>) -> BTreeSet<String> {
    let old = known.nodes.iter().flat_map(|node| node.map("properties"));
    let both = old.chain(part.map("properties")).map(|(name, _)| name.to_owned());
    both.chain(known::required(known)).collect()
}

/// Every schema that a member may have to pass.
fn every_member_node<'a>(part: &Node<'a>) -> Vec<Node<'a>> {
    let named = part.map("patternProperties").into_iter().map(|(_, schema)| schema);
    named.chain(part.child("additionalProperties")).collect()
}

/// What is known of members whose names match `case`, or no pattern of OLD at all.
fn other_member<'a>(known: &Known<'a>, case: Option<&str>) -> Known<'a> {
    let nodes = known.nodes.iter().filter_map(|node| {
        let patterns = node.map("patternProperties");
        match case {
            Some(case) if patterns.iter().any(|(pattern, _)| *pattern == case) => node.entry("patternProperties", case),
            // With patterns of its own the name may match one of those instead.
            Some(_) if !patterns.is_empty() => None,
            _ => node.child("additionalProperties"),
        }
    });
    Known::of(nodes.collect::<Vec<_>>())
}

/// All names that members can have, where OLD is closed and has no patterns.
fn closed_names(known: &Known<'_>) -> Option<Vec<String>> {
    let closed = known.nodes.iter().find(|node| {
        node.keyword("additionalProperties") == Some(&Value::Bool(false)) && node.map("patternProperties").is_empty()
    })?;
    let open = closed.map("properties").into_iter();
    let open = open.filter(|(_, schema)| schema.schema != &Value::Bool(false));
    Some(open.map(|(name, _)| name.to_owned()).collect())
}
