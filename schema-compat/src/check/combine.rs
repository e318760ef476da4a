//! `anyOf`, `oneOf`, `not`, `if`.

use super::{Obstacle, Walker, same};
use crate::known::Known;
use crate::node::Node;
use crate::rule::Rule;

impl<'a> Walker<'a> {
    pub(super) fn check_combinators(&mut self, known: &Known<'a>, part: &Node<'a>) -> Vec<Obstacle> {
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

    fn check_any_of(&mut self, known: &Known<'a>, part: &Node<'a>) -> Vec<Obstacle> {
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
            // The others are out of the question: what this one asks for is what is missing.
            [only] => self.check(known, only),
            _ => vec![self.obstacle(
                Rule::AnyOfNarrowed,
                known,
                part,
                "anyOf",
                "no branch accepts all that was accepted",
            )],
        }
    }

    fn check_one_of(&mut self, known: &Known<'a>, part: &Node<'a>) -> Vec<Obstacle> {
        let branches = part.list("oneOf");
        let mut open = Vec::new();
        for branch in &branches {
            if !self.is_disjoint(known, branch) {
                open.push(branch.clone());
            }
        }
        if let [only] = open.as_slice() {
            return self.check(known, only);
        }
        vec![self.obstacle(
            Rule::OneOfNarrowed,
            known,
            part,
            "oneOf",
            "not exactly one branch accepts all that was accepted",
        )]
    }

    fn check_not(&mut self, known: &Known<'a>, part: &Node<'a>, not: &Node<'a>) -> Vec<Obstacle> {
        if self.is_disjoint(known, not) || self.is_known_not(known, not) {
            return Vec::new();
        }
        if let ([only], Some(inner)) = (not.flatten().as_slice(), not.child("not"))
            && only.schema.as_object().is_some_and(|members| members.len() == 1)
        {
            return self.check(known, &inner);
        }
        vec![self.obstacle(Rule::NotAdded, known, part, "not", "something that was accepted may be excluded now")]
    }

    /// What is excluded now is within what was excluded before.
    fn is_known_not(&mut self, known: &Known<'a>, not: &Node<'a>) -> bool {
        let excluded = Known::of([not.clone()]);
        known.nodes.iter().any(|node| {
            let before = node.child("not");
            before.is_some_and(|before| self.implies(&excluded, &before))
        })
    }

    fn check_condition(&mut self, known: &Known<'a>, part: &Node<'a>, condition: &Node<'a>) -> Vec<Obstacle> {
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
        for obstacle in &mut obstacles {
            obstacle.rule = Rule::ConditionNarrowed;
        }
        obstacles
    }
}

/// Whether OLD asks for the same, in the same words.
fn said(known: &Known<'_>, part: &Node<'_>, keywords: &[&str]) -> bool {
    known.nodes.iter().any(|node| keywords.iter().all(|name| same::keyword(node, part, name)))
}
