//! Taking what is known of an instance apart: by the branches of a disjunction, or value by value.

use serde_json::Value;

use super::node::{Known, Node};

const BRANCHES_MAX: usize = 64;

/// The cases of the first disjunction that was not taken apart yet; each knows more than `known`.
pub(crate) fn branches<'a>(known: &Known<'a>) -> Option<Vec<Known<'a>>> {
    for node in &known.nodes {
        for keyword in ["oneOf", "anyOf"] {
            let nodes = node.list(keyword);
            if let Some(open) = unspent(known, node, keyword, nodes.len()) {
                return Some(nodes.iter().map(|branch| open.clone().and(branch)).collect());
            }
        }
        let conditional = node.child("if").filter(|_| node.keyword("then").is_some() || node.keyword("else").is_some());
        if let Some(condition) = conditional
            && let Some(open) = unspent(known, node, "if", 2)
        {
            return Some(cases(&open, node, &condition));
        }
    }
    None
}

fn unspent<'a>(known: &Known<'a>, node: &Node<'a>, keyword: &'static str, branches: usize) -> Option<Known<'a>> {
    if branches == 0 || branches > BRANCHES_MAX {
        return None;
    }
    let mut open = known.clone();
    open.spent.insert((node.place(), keyword)).then_some(open)
}

fn cases<'a>(open: &Known<'a>, node: &Node<'a>, condition: &Node<'a>) -> Vec<Known<'a>> {
    let mut holds = open.clone().and(condition);
    if let Some(then) = node.child("then") {
        holds = holds.and(&then);
    }
    let fails = match node.child("else") {
        Some(otherwise) => open.clone().and(&otherwise),
        None => open.clone(),
    };
    vec![holds, fails]
}

/// The values that `enum` or `const` list, where one of them stands.
pub(crate) fn listed(known: &Known<'_>) -> Option<Vec<Value>> {
    let constant = known.keyword("const").next().map(|value| vec![value.clone()]);
    constant.or_else(|| known.keyword("enum").find_map(Value::as_array).cloned())
}
