//! The walker: whether everything that one schema accepts is accepted by another.
//!
//! [`SchemaWalker::check`] looks for *obstacles*: constraints of NEW that what is known of an OLD instance
//! does not imply. No obstacle is a proof. An obstacle is not yet a refutation: that takes an
//! instance, and each obstacle carries candidates which the validator then judges.
//!
//! OLD may be read as weaker than it is (a `oneOf` as an `anyOf`, a keyword left out): the proof
//! stays sound. NEW may not.

use std::cell::LazyCell;
use std::cmp::Ordering;
use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::decimal::{Decimal, Type, Types};
use crate::evaluate::Evaluator;
use crate::keywords::{ANNOTATIONS, MANY, NAMED, ONE, OPAQUE};
use crate::known::{NumberBound, Premise, PremiseKey, SchemaNode, SchemaPlace, count};
use crate::pattern;
use crate::report::SchemaRule;
use crate::sample::{Sampler, with_member};

const STEPS_MAX: u32 = 20_000;
const CANDIDATES_MAX: usize = 6;
const DEPTH_MAX: u32 = 5;
const RANGE_MAX: i64 = 256;
const PREFIX_MAX: usize = 64;
const BASES_MAX: usize = 12;

/// A constraint of NEW that OLD does not imply.
#[derive(Clone, Debug)]
pub(crate) struct Obstacle {
    pub(crate) rule: SchemaRule,
    pub(crate) old: String,
    pub(crate) new: String,
    pub(crate) detail: String,
    /// Instances, of the place where it was found, that may show it.
    pub(crate) candidates: Vec<Value>,
}

pub(crate) struct SchemaWalker<'a> {
    pub(crate) evaluator: &'a Evaluator,
    pub(crate) sampler: Sampler<'a>,
    assumed: BTreeSet<(PremiseKey, SchemaPlace)>,
    steps: u32,
    depth: u32,
    /// Above zero, only whether there is an obstacle counts, not what it looks like.
    quiet: u32,
}

impl<'a> SchemaWalker<'a> {
    pub(crate) fn new(evaluator: &'a Evaluator, sampler: Sampler<'a>) -> Self {
        Self { evaluator, sampler, assumed: BTreeSet::new(), steps: 0, depth: 0, quiet: 0 }
    }

    fn is_exhausted(&self) -> bool {
        self.steps >= STEPS_MAX
    }

    /// What keeps an instance that `known` describes from being accepted by `new`.
    pub(crate) fn check(&mut self, known: &Premise<'a>, new: &SchemaNode<'a>) -> Vec<Obstacle> {
        self.steps = self.steps.saturating_add(1);
        if self.is_exhausted() {
            return vec![obstacle(SchemaRule::LimitReached, known, new, "", "the limit of steps")];
        }
        // Met again below itself, that is for a smaller instance: what is being proven by
        // induction over the size of instances holds there.
        let key = (known.key(), new.place());
        if !self.assumed.insert(key.clone()) {
            return Vec::new();
        }
        let obstacles = self.check_parts(known, &new.flatten());
        self.assumed.remove(&key);
        obstacles
    }

    fn check_parts(&mut self, known: &Premise<'a>, parts: &[SchemaNode<'a>]) -> Vec<Obstacle> {
        if parts.is_empty() || self.is_empty(known) {
            return Vec::new();
        }
        if let Some(values) = self.listed(known) {
            return self.check_values(known, parts, values);
        }
        let Some(branches) = known.branches() else {
            return self.check_whole(known, parts);
        };
        if self.quietly(|walker| walker.check_whole(known, parts)).is_empty() {
            return Vec::new();
        }
        let mut obstacles = Vec::new();
        for branch in &branches {
            obstacles.extend(self.check_parts(branch, parts));
            if self.is_settled(&obstacles) {
                break;
            }
        }
        obstacles
    }

    /// The check without taking what is known apart, but by types and, at last, value by value.
    fn check_whole(&mut self, known: &Premise<'a>, parts: &[SchemaNode<'a>]) -> Vec<Obstacle> {
        let mut obstacles = Vec::new();
        for kind in known.types.iter() {
            obstacles.extend(self.check_type(&known.with_types(Types::only(kind)), kind, parts));
            if self.is_settled(&obstacles) {
                break;
            }
        }
        if !obstacles.is_empty()
            && let Some(values) = self.range(known)
            && values.iter().all(|value| self.evaluator.passes(parts, value) == Some(true))
        {
            return Vec::new();
        }
        obstacles
    }

    fn quietly<R>(&mut self, ask: impl FnOnce(&mut Self) -> R) -> R {
        self.quiet += 1;
        let answer = ask(self);
        self.quiet -= 1;
        answer
    }

    fn implies(&mut self, known: &Premise<'a>, new: &SchemaNode<'a>) -> bool {
        self.quietly(|walker| walker.check(known, new)).is_empty()
    }

    /// Whether more obstacles would change nothing.
    fn is_settled(&self, obstacles: &[Obstacle]) -> bool {
        self.is_exhausted() || (self.quiet > 0 && !obstacles.is_empty())
    }

    fn check_values(&mut self, known: &Premise<'a>, parts: &[SchemaNode<'a>], values: Vec<Value>) -> Vec<Obstacle> {
        let mut obstacles = Vec::new();
        for part in parts {
            let lost = values.iter().filter(|value| self.evaluator.accepts(part, value) != Some(true));
            let lost = lost.take(CANDIDATES_MAX).cloned().collect::<Vec<_>>();
            if let Some(first) = lost.first() {
                let typed = part.types().has(Type::of(first));
                let (rule, keyword) = match part.keyword("const") {
                    _ if !typed => (SchemaRule::TypeRemoved, "type"),
                    Some(_) => (SchemaRule::ValueRemoved, "const"),
                    None => (SchemaRule::ValueRemoved, "enum"),
                };
                let detail = format!("`{first}` is not accepted any more");
                obstacles.push(Obstacle { candidates: lost, ..obstacle(rule, known, part, keyword, detail) });
            }
        }
        obstacles
    }

    fn check_type(&mut self, known: &Premise<'a>, kind: Type, parts: &[SchemaNode<'a>]) -> Vec<Obstacle> {
        if self.is_empty(known) {
            return Vec::new();
        }
        let mut obstacles = Vec::new();
        for part in parts {
            if known.nodes.iter().any(|node| same_nodes(node, part)) {
                continue;
            }
            let mut found = self.check_part(known, kind, part);
            self.illustrate(known, part, &mut found);
            obstacles.extend(found);
            if self.is_settled(&obstacles) {
                break;
            }
        }
        obstacles
    }

    fn check_part(&mut self, known: &Premise<'a>, kind: Type, part: &SchemaNode<'a>) -> Vec<Obstacle> {
        if part.value == &Value::Bool(false) {
            return vec![obstacle(SchemaRule::SchemaClosed, known, part, "", "nothing is accepted any more")];
        }
        if !part.types().has(kind) {
            let detail = format!("type `{}` is not accepted any more", kind.name());
            return vec![obstacle(SchemaRule::TypeRemoved, known, part, "type", detail)];
        }
        let mut obstacles = Vec::new();
        let listed = ["const", "enum"].map(|name| (name, SchemaRule::ValueRemoved, "the values are listed now"));
        let opaque = OPAQUE.iter().map(|name| (*name, SchemaRule::KeywordOpaque, "this keyword cannot be compared"));
        for (keyword, rule, detail) in listed.into_iter().chain(opaque) {
            if part.keyword(keyword).is_some() {
                obstacles.push(obstacle(rule, known, part, keyword, detail));
            }
        }
        obstacles.extend(match kind {
            Type::Integer | Type::Fraction => self.check_number(known, kind, part),
            Type::String => self.check_string(known, part),
            Type::Array => self.check_array(known, part),
            Type::Object => self.check_object(known, part),
            Type::Null | Type::Boolean => Vec::new(),
        });
        obstacles.extend(self.check_combinators(known, part));
        obstacles
    }

    /// Gives obstacles without candidates some: instances of OLD that this part of NEW refuses.
    fn illustrate(&self, known: &Premise<'a>, part: &SchemaNode<'a>, obstacles: &mut [Obstacle]) {
        if self.quiet > 0 {
            return;
        }
        for obstacle in obstacles.iter_mut() {
            obstacle.candidates.retain(|value| self.evaluator.fits(known, value) == Some(true));
        }
        if obstacles.iter().all(|obstacle| !obstacle.candidates.is_empty()) {
            return;
        }
        let mut samples = self.sampler.samples(known);
        samples.retain(|value| self.evaluator.accepts(part, value) == Some(false));
        for obstacle in obstacles.iter_mut().filter(|obstacle| obstacle.candidates.is_empty()) {
            let keyword = obstacle.new.rsplit_once('/').map_or("", |(_, keyword)| keyword);
            let own = |value: &&Value| self.evaluator.accepts_by(part, keyword, value) != Some(true);
            obstacle.candidates = samples.iter().filter(own).take(CANDIDATES_MAX).cloned().collect();
        }
    }

    /// Turns candidates for a part of an instance into candidates for the instance that `known` describes.
    fn lift(
        &self,
        known: &Premise<'a>,
        mut obstacles: Vec<Obstacle>,
        build: impl Fn(&Value) -> Vec<Value>,
    ) -> Vec<Obstacle> {
        if self.quiet == 0 {
            for obstacle in &mut obstacles {
                let built = obstacle.candidates.iter().flat_map(&build);
                let fitting = built.filter(|value| self.evaluator.fits(known, value) == Some(true));
                obstacle.candidates = fitting.take(CANDIDATES_MAX).collect();
            }
        }
        obstacles
    }

    fn check_combinators(&mut self, known: &Premise<'a>, part: &SchemaNode<'a>) -> Vec<Obstacle> {
        let mut obstacles = Vec::new();
        if part.keyword("anyOf").is_some() && !said(known, part, &["anyOf"]) {
            obstacles.extend(self.check_any_of(known, part));
        }
        if part.keyword("oneOf").is_some() && !said(known, part, &["oneOf"]) {
            obstacles.extend(self.check_one_of(known, part));
        }
        if let Some(not) = part.child("not")
            && !said(known, part, &["not"])
        {
            obstacles.extend(self.check_not(known, part, &not));
        }
        if let Some(condition) = part.child("if")
            && !said(known, part, &["if", "then", "else"])
        {
            obstacles.extend(self.check_condition(known, part, &condition));
        }
        obstacles
    }

    fn check_any_of(&mut self, known: &Premise<'a>, part: &SchemaNode<'a>) -> Vec<Obstacle> {
        let mut possible = Vec::new();
        for branch in part.list("anyOf") {
            if !self.is_disjoint(known, &branch) {
                if self.implies(known, &branch) {
                    return Vec::new();
                }
                possible.push(branch);
            }
        }
        match possible.as_slice() {
            // The others cannot accept anything: what this one requires is what is missing.
            [only] => self.check(known, only),
            _ => {
                let detail = "no branch accepts all that was accepted";
                vec![obstacle(SchemaRule::AnyOfNarrowed, known, part, "anyOf", detail)]
            }
        }
    }

    fn check_one_of(&mut self, known: &Premise<'a>, part: &SchemaNode<'a>) -> Vec<Obstacle> {
        let mut open = part.list("oneOf");
        open.retain(|branch| !self.is_disjoint(known, branch));
        if let [only] = open.as_slice() {
            return self.check(known, only);
        }
        let detail = "not exactly one branch accepts all that was accepted";
        vec![obstacle(SchemaRule::OneOfNarrowed, known, part, "oneOf", detail)]
    }

    fn check_not(&mut self, known: &Premise<'a>, part: &SchemaNode<'a>, not: &SchemaNode<'a>) -> Vec<Obstacle> {
        if self.is_disjoint(known, not) || self.is_known_not(known, not) {
            return Vec::new();
        }
        if let ([only], Some(inner)) = (not.flatten().as_slice(), not.child("not"))
            && only.value.as_object().is_some_and(|members| members.len() == 1)
        {
            return self.check(known, &inner);
        }
        vec![obstacle(SchemaRule::NotAdded, known, part, "not", "something that was accepted may be excluded now")]
    }

    /// What is excluded now is within what was excluded before.
    fn is_known_not(&mut self, known: &Premise<'a>, not: &SchemaNode<'a>) -> bool {
        let excluded = Premise::of([not.clone()]);
        let mut before = known.nodes.iter().filter_map(|node| node.child("not"));
        before.any(|before| self.implies(&excluded, &before))
    }

    fn check_condition(
        &mut self,
        known: &Premise<'a>,
        part: &SchemaNode<'a>,
        condition: &SchemaNode<'a>,
    ) -> Vec<Obstacle> {
        let mut obstacles = Vec::new();
        if let Some(then) = part.child("then") {
            let holds = known.clone().and(condition);
            obstacles.extend(self.check(&holds, &then));
        }
        if let Some(otherwise) = part.child("else")
            && !self.implies(known, condition)
        {
            obstacles.extend(self.check(known, &otherwise));
        }
        under(SchemaRule::ConditionNarrowed, obstacles)
    }

    /// Whether it is proven that nothing is as `known` says. `false` says nothing.
    fn is_empty(&mut self, known: &Premise<'a>) -> bool {
        if self.depth >= DEPTH_MAX {
            return false;
        }
        self.depth += 1;
        let empty = self.is_empty_here(known);
        self.depth -= 1;
        empty
    }

    fn is_empty_here(&mut self, known: &Premise<'a>) -> bool {
        if let Some(values) = self.listed(known) {
            return values.is_empty();
        }
        if known.types.iter().all(|kind| self.is_empty_type(known, kind)) || self.is_excluded(known) {
            return true;
        }
        known.branches().is_some_and(|branches| branches.iter().all(|branch| self.is_empty(branch)))
    }

    fn is_disjoint(&mut self, known: &Premise<'a>, node: &SchemaNode<'a>) -> bool {
        self.is_empty(&known.clone().and(node))
    }

    fn is_excluded(&mut self, known: &Premise<'a>) -> bool {
        known.nodes.iter().any(|node| {
            let mut open = known.clone();
            let not = node.child("not").filter(|_| open.spent.insert((node.place(), "not")));
            not.is_some_and(|not| self.implies(&open, &not))
        })
    }

    fn is_empty_type(&mut self, known: &Premise<'a>, kind: Type) -> bool {
        let typed = known.with_types(Types::only(kind));
        match kind {
            Type::Null | Type::Boolean => self.listed(&typed).is_some_and(|values| values.is_empty()),
            Type::Integer => {
                let (lower, upper) = known.whole_bounds();
                lower.zip(upper).is_some_and(|(lower, upper)| lower > upper)
                    || self.range(&typed).is_some_and(|values| values.is_empty())
            }
            Type::Fraction => is_empty_fraction(known),
            Type::String => contradict(known, "minLength", "maxLength"),
            Type::Array => contradict(known, "minItems", "maxItems") || self.is_empty_array(known),
            Type::Object => contradict(known, "minProperties", "maxProperties") || self.is_empty_object(known),
        }
    }

    fn is_empty_array(&mut self, known: &Premise<'a>) -> bool {
        let needed = usize::try_from(known.at_least("minItems")).unwrap_or(usize::MAX);
        let checked = needed.min(known.prefix_len().saturating_add(1));
        (0..checked).any(|index| self.is_empty(&known.item(index)))
    }

    fn is_empty_object(&mut self, known: &Premise<'a>) -> bool {
        let required = known.required();
        let max = known.at_most("maxProperties");
        if max.is_some_and(|max| u64::try_from(required.len()).is_ok_and(|needed| needed > max)) {
            return true;
        }
        required.iter().any(|name| self.is_empty(&known.member(self.evaluator, name)))
    }

    /// All instances, where they are listed: by `enum`, `const`, or a type that has but a few.
    fn listed(&self, known: &Premise<'a>) -> Option<Vec<Value>> {
        let few = known.types.iter().all(|kind| matches!(kind, Type::Null | Type::Boolean));
        let mut values = match known.listed() {
            Some(values) => values,
            None if few => vec![Value::Null, Value::Bool(false), Value::Bool(true)],
            None => return None,
        };
        values.retain(|value| known.types.has(Type::of(value)) && self.evaluator.fits(known, value) != Some(false));
        Some(values)
    }

    fn range(&self, known: &Premise<'a>) -> Option<Vec<Value>> {
        if known.types.single() != Some(Type::Integer) {
            return None;
        }
        let (lower, upper) = known.whole_bounds();
        let (lower, upper) = lower.zip(upper)?;
        let count = upper.minus(lower)?.quotient(Decimal::ONE)?;
        if count > RANGE_MAX {
            return None;
        }
        let values = (0..=count).map(|step| lower.plus(Decimal::whole(step))?.to_value());
        let mut values = values.collect::<Option<Vec<_>>>()?;
        values.retain(|value| self.evaluator.fits(known, value) != Some(false));
        Some(values)
    }

    fn check_number(&self, known: &Premise<'a>, kind: Type, part: &SchemaNode<'a>) -> Vec<Obstacle> {
        let (lower, upper) = if kind == Type::Integer {
            let (lower, upper) = known.whole_bounds();
            (lower.map(|value| (value, false)), upper.map(|value| (value, false)))
        } else {
            known.bounds()
        };
        let implied = |bound: Option<NumberBound>, inside: Ordering, open: bool| {
            move |wanted: Decimal| {
                let order = bound.map(|(value, known_open)| (value.cmp(&wanted), known_open));
                order.is_some_and(|(order, known_open)| {
                    order == inside || (order == Ordering::Equal && (known_open || !open))
                })
            }
        };
        let mut obstacles = Vec::new();
        let mut require = |rule, keyword, is_implied: &dyn Fn(Decimal) -> bool| {
            if let Some(wanted) = part.keyword(keyword)
                && !Decimal::of(wanted).is_some_and(is_implied)
            {
                obstacles.push(obstacle(rule, known, part, keyword, format!("`{keyword}` is {wanted} now")));
            }
        };
        require(SchemaRule::MinimumRaised, "minimum", &implied(lower, Ordering::Greater, false));
        require(SchemaRule::MinimumRaised, "exclusiveMinimum", &implied(lower, Ordering::Greater, true));
        require(SchemaRule::MaximumLowered, "maximum", &implied(upper, Ordering::Less, false));
        require(SchemaRule::MaximumLowered, "exclusiveMaximum", &implied(upper, Ordering::Less, true));
        require(SchemaRule::MultipleOfChanged, "multipleOf", &|wanted| divides(known, kind, wanted));
        obstacles
    }

    fn check_string(&self, known: &Premise<'a>, part: &SchemaNode<'a>) -> Vec<Obstacle> {
        let lengths = [(SchemaRule::MinLengthRaised, "minLength"), (SchemaRule::MaxLengthLowered, "maxLength")];
        let mut obstacles = self.check_counts(known, part, lengths, 0, None);
        for (rule, keyword) in [
            (SchemaRule::PatternChanged, "pattern"),
            (SchemaRule::FormatChanged, "format"),
            (SchemaRule::FormatChanged, "contentEncoding"),
            (SchemaRule::FormatChanged, "contentMediaType"),
        ] {
            if let Some(wanted) = part.keyword(keyword)
                && !known.keyword(keyword).any(|value| value == wanted)
            {
                let lost = if keyword == "pattern" { lost(known, wanted) } else { Some(Vec::new()) };
                let detail = format!("`{keyword}` {wanted} was not asked for");
                obstacles.extend(
                    lost.map(|candidates| Obstacle { candidates, ..obstacle(rule, known, part, keyword, detail) }),
                );
            }
        }
        obstacles
    }

    /// The keywords limit a count, from below and from above; `least` and `most` are known of it by other keywords.
    fn check_counts(
        &self,
        known: &Premise<'a>,
        part: &SchemaNode<'a>,
        [(raised, least_name), (lowered, most_name)]: [(SchemaRule, &'static str); 2],
        least: u64,
        most: Option<u64>,
    ) -> Vec<Obstacle> {
        let mut obstacles = Vec::new();
        let least = known.at_least(least_name).max(least);
        if let Some(wanted) = part.keyword(least_name)
            && count(wanted).is_none_or(|wanted| least < wanted)
        {
            let detail = format!("at least {wanted} now, {least} before");
            obstacles.push(obstacle(raised, known, part, least_name, detail));
        }
        let stated = known.at_most(most_name);
        let most = stated.into_iter().chain(most).min();
        if let Some(wanted) = part.keyword(most_name)
            && count(wanted).is_none_or(|wanted| most.is_none_or(|most| most > wanted))
        {
            let before = most.map_or_else(|| "any number".to_owned(), |most| most.to_string());
            let detail = format!("at most {wanted} now, {before} before");
            obstacles.push(obstacle(lowered, known, part, most_name, detail));
        }
        obstacles
    }

    fn check_array(&mut self, known: &Premise<'a>, part: &SchemaNode<'a>) -> Vec<Obstacle> {
        let counts = [(SchemaRule::MinItemsRaised, "minItems"), (SchemaRule::MaxItemsLowered, "maxItems")];
        let most = self.items_most(known);
        let mut obstacles = self.check_counts(known, part, counts, 0, most);
        obstacles.extend(self.check_items(known, part));
        obstacles.extend(self.check_unique(known, part));
        obstacles.extend(self.check_contains(known, part));
        obstacles
    }

    /// The length that closed items leave: the first place where nothing fits ends the array.
    fn items_most(&mut self, known: &Premise<'a>) -> Option<u64> {
        let last = known.prefix_len().min(PREFIX_MAX);
        let closed = (0..=last).find(|index| self.is_empty(&known.item(*index)))?;
        let stated = known.at_most("maxItems");
        stated.into_iter().chain(u64::try_from(closed).ok()).min()
    }

    fn check_items(&mut self, known: &Premise<'a>, part: &SchemaNode<'a>) -> Vec<Obstacle> {
        let (first, rest) = part.items();
        if first.is_empty() && rest.is_none() {
            return Vec::new();
        }
        let stated = known.at_most("maxItems");
        let most = self.items_most(known).or(stated);
        let most = most.map_or(usize::MAX, |most| usize::try_from(most).unwrap_or(usize::MAX));
        let places = known.prefix_len().max(first.len());
        if places > PREFIX_MAX {
            let detail = "too many items have schemas of their own";
            return vec![obstacle(SchemaRule::LimitReached, known, part, "items", detail)];
        }
        let mut obstacles = Vec::new();
        for index in (0..=places).take_while(|index| *index < most) {
            let Some(wanted) = first.get(index).or(rest.as_ref()) else {
                break;
            };
            let mut found = self.check(&known.item(index), wanted);
            if wanted.value == &Value::Bool(false) {
                found = under(SchemaRule::ItemsClosed, found);
            }
            let bases = LazyCell::new(|| self.sampler.arrays(known));
            obstacles.extend(self.lift(known, found, |item| {
                let bases = bases.iter().take(BASES_MAX);
                bases.filter_map(|base| self.sampler.with_item(known, base, index, item)).collect()
            }));
        }
        obstacles
    }

    fn check_unique(&mut self, known: &Premise<'a>, part: &SchemaNode<'a>) -> Vec<Obstacle> {
        let asks = part.keyword("uniqueItems") == Some(&Value::Bool(true));
        let mut said = known.keyword("uniqueItems");
        let most = known.at_most("maxItems").is_some_and(|most| most <= 1);
        if !asks || most || said.any(|value| value == &Value::Bool(true)) {
            return Vec::new();
        }
        vec![obstacle(SchemaRule::UniqueItemsAdded, known, part, "uniqueItems", "items must differ now")]
    }

    fn check_contains(&mut self, known: &Premise<'a>, part: &SchemaNode<'a>) -> Vec<Obstacle> {
        let Some(wanted) = part.child("contains") else {
            return Vec::new();
        };
        let said = said(known, part, &["contains", "minContains", "maxContains"]);
        let limit = part.keyword("maxContains").and_then(count);
        let few = limit.is_none_or(|limit| known.at_most("maxItems").is_some_and(|most| most <= limit));
        if said || (few && self.contains_enough(known, part, &wanted)) {
            return Vec::new();
        }
        vec![obstacle(SchemaRule::ContainsNarrowed, known, part, "contains", "arrays must contain something else now")]
    }

    /// Whether enough items are known to fit: all of them do, or OLD requires as many.
    fn contains_enough(&mut self, known: &Premise<'a>, part: &SchemaNode<'a>, wanted: &SchemaNode<'a>) -> bool {
        let least = contains_least(part);
        if least == 0 {
            return true;
        }
        let all_alike = known.at_least("minItems") >= least && known.prefix_len() == 0;
        if all_alike && self.implies(&known.item(0), wanted) {
            return true;
        }
        known.nodes.iter().any(|node| {
            let inner = node.child("contains").filter(|_| contains_least(node) >= least);
            inner.is_some_and(|inner| self.implies(&Premise::of([inner]), wanted))
        })
    }

    fn check_object(&mut self, known: &Premise<'a>, part: &SchemaNode<'a>) -> Vec<Obstacle> {
        let required = known.required();
        let mut obstacles = self.check_required(known, part, &required);
        let counts =
            [(SchemaRule::MinPropertiesRaised, "minProperties"), (SchemaRule::MaxPropertiesLowered, "maxProperties")];
        let least = u64::try_from(required.len()).unwrap_or(u64::MAX);
        let most = closed_names(known).and_then(|names| u64::try_from(names.len()).ok());
        obstacles.extend(self.check_counts(known, part, counts, least, most));
        obstacles.extend(self.check_named(known, part));
        obstacles.extend(self.check_others(known, part));
        obstacles.extend(self.check_names(known, part));
        obstacles.extend(self.check_dependencies(known, part));
        obstacles
    }

    fn check_required(&self, known: &Premise<'a>, part: &SchemaNode<'a>, required: &BTreeSet<String>) -> Vec<Obstacle> {
        let wanted = part.keyword("required").and_then(Value::as_array).into_iter().flatten();
        let missing = wanted.filter_map(Value::as_str).filter(|name| !required.contains(*name));
        let found = missing.map(|name| {
            let detail = format!("member `{name}` is required now");
            let mut candidates = if self.quiet > 0 { Vec::new() } else { self.sampler.objects(known) };
            candidates.iter_mut().filter_map(Value::as_object_mut).for_each(|members| {
                members.remove(name);
            });
            candidates.retain(|object| self.evaluator.fits(known, object) == Some(true));
            Obstacle { candidates, ..obstacle(SchemaRule::RequiredAdded, known, part, "required", detail) }
        });
        found.collect()
    }

    fn check_named(&mut self, known: &Premise<'a>, part: &SchemaNode<'a>) -> Vec<Obstacle> {
        let mut obstacles = Vec::new();
        for name in named(known, part) {
            let member = known.member(self.evaluator, &name);
            let wanted = part.member(self.evaluator, &name).unwrap_or_else(|| {
                // A pattern cannot be asked: the member may have to pass any of them.
                let patterns = part.map("patternProperties").into_iter().map(|(_, schema)| schema);
                patterns.chain(part.child("additionalProperties")).collect()
            });
            obstacles.extend(self.check_member(known, &member, &wanted, part, &name));
        }
        obstacles
    }

    /// One member, or one kind of members, that `name` stands for.
    fn check_member(
        &mut self,
        known: &Premise<'a>,
        member: &Premise<'a>,
        wanted: &[SchemaNode<'a>],
        part: &SchemaNode<'a>,
        name: &str,
    ) -> Vec<Obstacle> {
        let mut obstacles = Vec::new();
        for schema in wanted {
            let mut found = self.check(member, schema);
            let bases = LazyCell::new(|| self.sampler.bases(known));
            let additional = *schema.at == part.keyword_at("additionalProperties");
            for obstacle in found.iter_mut().filter(|obstacle| obstacle.new == *schema.at) {
                if obstacle.rule == SchemaRule::SchemaClosed {
                    obstacle.rule = SchemaRule::PropertyClosed;
                    obstacle.detail = format!("member `{name}` is not accepted any more");
                }
            }
            if additional && schema.value != &Value::Bool(false) {
                found = under(SchemaRule::AdditionalNarrowed, found);
            }
            let lifted =
                self.lift(known, found, |value| bases.iter().map(|base| with_member(base, name, value)).collect());
            obstacles.extend(lifted);
        }
        obstacles
    }

    /// Members that no schema names: by the patterns of both sides.
    fn check_others(&mut self, known: &Premise<'a>, part: &SchemaNode<'a>) -> Vec<Obstacle> {
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

    fn check_names(&mut self, known: &Premise<'a>, part: &SchemaNode<'a>) -> Vec<Obstacle> {
        let Some(wanted) = part.child("propertyNames") else {
            return Vec::new();
        };
        let accepts = |name: &String| self.evaluator.accepts(&wanted, &Value::from(name.as_str())) == Some(true);
        if closed_names(known).is_some_and(|names| names.iter().all(accepts)) {
            return Vec::new();
        }
        let names = known.names().with_types(Types::only(Type::String));
        let found = under(SchemaRule::PropertyNamesNarrowed, self.check(&names, &wanted));
        let bases = LazyCell::new(|| self.sampler.bases(known));
        self.lift(known, found, |name| {
            let Some(name) = name.as_str() else { return Vec::new() };
            let value = self.sampler.member(known, name).into_iter().next();
            value.map_or_else(Vec::new, |value| bases.iter().map(|base| with_member(base, name, &value)).collect())
        })
    }

    fn check_dependencies(&mut self, known: &Premise<'a>, part: &SchemaNode<'a>) -> Vec<Obstacle> {
        if said(known, part, &["dependencies", "dependentRequired", "dependentSchemas"]) {
            return Vec::new();
        }
        let mut obstacles = Vec::new();
        for (trigger, wanted) in part.dependent_names() {
            let with = having(known, trigger);
            let has = with.required();
            if !self.is_empty(&with) && !wanted.iter().all(|name| has.contains(name)) {
                let detail = format!("member `{trigger}` asks for others now");
                let keyword = part.dependencies("dependentRequired");
                obstacles.push(obstacle(SchemaRule::DependencyAdded, known, part, keyword, detail));
            }
        }
        for (trigger, schema) in part.dependent_schemas() {
            let with = having(known, trigger);
            let found = self.check(&with, &schema);
            obstacles.extend(under(SchemaRule::DependencyAdded, found));
        }
        obstacles
    }
}

/// An obstacle at a keyword of NEW, or at the schema itself if `keyword` is empty.
fn obstacle(
    rule: SchemaRule,
    known: &Premise<'_>,
    new: &SchemaNode<'_>,
    keyword: &str,
    detail: impl Into<String>,
) -> Obstacle {
    let at = if keyword.is_empty() { new.at.to_string() } else { new.keyword_at(keyword) };
    Obstacle { rule, old: known.pointer_to(keyword), new: at, detail: detail.into(), candidates: Vec::new() }
}

fn under(rule: SchemaRule, obstacles: Vec<Obstacle>) -> Vec<Obstacle> {
    obstacles.into_iter().map(|obstacle| Obstacle { rule, ..obstacle }).collect()
}

fn said(known: &Premise<'_>, part: &SchemaNode<'_>, keywords: &[&str]) -> bool {
    known.nodes.iter().any(|node| keywords.iter().all(|name| same_keyword(node, part, name)))
}

fn is_empty_fraction(known: &Premise<'_>) -> bool {
    let (lower, upper) = known.bounds();
    let crossed = lower.zip(upper).is_some_and(|((lower, lower_open), (upper, upper_open))| {
        lower > upper || (lower == upper && (lower_open || upper_open || lower.is_whole()))
    });
    let whole = known.keyword("multipleOf").filter_map(Decimal::of).any(Decimal::is_whole);
    crossed || whole
}

fn contradict(known: &Premise<'_>, least: &'static str, most: &'static str) -> bool {
    known.at_most(most).is_some_and(|most| known.at_least(least) > most)
}

fn divides(known: &Premise<'_>, kind: Type, wanted: Decimal) -> bool {
    let divisors = known.keyword("multipleOf").filter_map(Decimal::of);
    let whole = (kind == Type::Integer).then_some(Decimal::ONE);
    divisors.chain(whole).any(|divisor| divisor.is_multiple_of(wanted) == Some(true))
        || (kind == Type::Integer && divides_together(known, wanted))
}

/// Whole numbers that are multiples of 2 and of 3 are multiples of 6.
fn divides_together(known: &Premise<'_>, wanted: Decimal) -> bool {
    let divisors = known.keyword("multipleOf").filter_map(Decimal::of);
    let mut whole = divisors.filter_map(|divisor| divisor.quotient(Decimal::ONE).filter(|_| divisor.is_whole()));
    let least = whole.try_fold(1_i64, |all, one| all.checked_div(gcd(all, one))?.checked_mul(one));
    least.is_some_and(|least| Decimal::whole(least).is_multiple_of(wanted) == Some(true))
}

fn gcd(left: i64, right: i64) -> i64 {
    let (mut left, mut right) = (left, right);
    while right != 0 {
        (left, right) = (right, left.wrapping_rem(right));
    }
    left.max(1)
}

/// Texts that are lost by a pattern, as far as some are known; `None` if it is proven that none are.
fn lost(known: &Premise<'_>, wanted: &Value) -> Option<Vec<Value>> {
    let wanted = wanted.as_str()?;
    if pattern::matches_all(wanted) {
        return None;
    }
    let mut texts = Vec::new();
    for before in known.keyword("pattern").filter_map(Value::as_str) {
        match pattern::lost_text(before, wanted) {
            Some(None) => return None,
            Some(Some(text)) => texts.push(Value::String(text)),
            None => {}
        }
    }
    Some(texts)
}

fn contains_least(node: &SchemaNode<'_>) -> u64 {
    node.keyword("minContains").and_then(count).unwrap_or(1)
}

fn having<'a>(known: &Premise<'a>, name: &str) -> Premise<'a> {
    let mut with = known.clone();
    with.has.insert(name.to_owned());
    with
}

fn named(known: &Premise<'_>, part: &SchemaNode<'_>) -> BTreeSet<String> {
    let old = known.nodes.iter().flat_map(|node| node.map("properties"));
    let both = old.chain(part.map("properties")).map(|(name, _)| name.to_owned());
    both.chain(known.required()).collect()
}

/// What is known of members whose names match `case`, or no pattern of OLD at all.
fn other_member<'a>(known: &Premise<'a>, case: Option<&str>) -> Premise<'a> {
    let nodes = known.nodes.iter().filter_map(|node| {
        let patterns = node.map("patternProperties");
        match case {
            Some(case) if patterns.iter().any(|(pattern, _)| *pattern == case) => node.entry("patternProperties", case),
            // With patterns of its own the name may match one of those instead.
            Some(_) if !patterns.is_empty() => None,
            _ => node.child("additionalProperties"),
        }
    });
    Premise::of(nodes)
}

/// All names that members can have, where OLD is closed and has no patterns.
fn closed_names(known: &Premise<'_>) -> Option<Vec<String>> {
    let closed = known.nodes.iter().find(|node| {
        node.keyword("additionalProperties") == Some(&Value::Bool(false)) && node.map("patternProperties").is_empty()
    })?;
    let open = closed.map("properties").into_iter();
    let open = open.filter(|(_, schema)| schema.value != &Value::Bool(false));
    Some(open.map(|(name, _)| name.to_owned()).collect())
}

/// What a value is, which decides what its members are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    /// Its members are keywords.
    Schema,
    /// Its members are schemas.
    Map,
    Plain,
}

impl Level {
    fn below(self, name: &str) -> Self {
        match self {
            Self::Map => Self::Schema,
            Self::Plain => Self::Plain,
            Self::Schema if NAMED.contains(&name) => Self::Map,
            Self::Schema if ONE.contains(&name) || MANY.contains(&name) => Self::Schema,
            Self::Schema => Self::Plain,
        }
    }
}

/// Whether two schemas are equal but for annotations.
fn same_nodes(left: &SchemaNode<'_>, right: &SchemaNode<'_>) -> bool {
    if left.place() == right.place() {
        return true;
    }
    let mut pair = SameWords { left, right, seen: BTreeSet::new() };
    left.dialect() == right.dialect() && pair.values(left.value, right.value, Level::Schema)
}

fn same_keyword(left: &SchemaNode<'_>, right: &SchemaNode<'_>, name: &str) -> bool {
    let mut pair = SameWords { left, right, seen: BTreeSet::new() };
    match (left.keyword(name), right.keyword(name)) {
        (None, None) => true,
        (Some(one), Some(other)) => {
            left.dialect() == right.dialect() && pair.values(one, other, Level::Schema.below(name))
        }
        _ => false,
    }
}

struct SameWords<'n> {
    left: &'n SchemaNode<'n>,
    right: &'n SchemaNode<'n>,
    seen: BTreeSet<(String, String)>,
}

impl SameWords<'_> {
    fn values(&mut self, one: &Value, other: &Value, level: Level) -> bool {
        match (one, other) {
            (Value::Object(one), Value::Object(other)) => self.objects(one, other, level),
            (Value::Array(one), Value::Array(other)) => {
                let mut pairs = one.iter().zip(other);
                one.len() == other.len() && pairs.all(|(one, other)| self.values(one, other, level))
            }
            _ => one == other,
        }
    }

    fn objects(&mut self, one: &Map<String, Value>, other: &Map<String, Value>, level: Level) -> bool {
        let counts = |name: &&String| {
            let says_nothing =
                ANNOTATIONS.contains(&name.as_str()) || ["$defs", "definitions"].contains(&name.as_str());
            level != Level::Schema || !says_nothing
        };
        let mut names = one.keys().filter(counts).collect::<BTreeSet<_>>();
        names.extend(other.keys().filter(counts));
        names.into_iter().all(|name| match (one.get(name), other.get(name)) {
            (Some(Value::String(one)), Some(Value::String(other))) if level == Level::Schema && name == "$ref" => {
                self.references(one, other)
            }
            (Some(one), Some(other)) => self.values(one, other, level.below(name)),
            _ => false,
        })
    }

    fn references(&mut self, one: &str, other: &str) -> bool {
        if !self.seen.insert((one.to_owned(), other.to_owned())) {
            return true;
        }
        let targets = self.left.document.target(one).zip(self.right.document.target(other));
        targets.is_some_and(|((_, one), (_, other))| self.values(one, other, Level::Schema))
    }
}
