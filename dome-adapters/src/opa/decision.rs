//! What the result of a policy says: allowed, denied, or neither.

use serde_json::Value;

/// By the names that policies are asked by: `allow` and `allowed` are true or false; `deny` and
/// `violation` are true, or hold something, where the policy denies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Said {
    Allowed,
    /// With the texts of the policy.
    Denied(Option<String>),
    /// It is undefined, or is no decision.
    Nothing,
}

const DENYING: [&str; 4] = ["deny", "denied", "violation", "violations"];

impl Said {
    pub(super) fn of(policy: &str, result: Option<&Value>) -> Self {
        let Some(result) = result else { return Self::Nothing };
        let rule = policy.rsplit(['/', '.']).next().unwrap_or_default();
        if DENYING.contains(&rule) {
            return Self::of_denials(result);
        }
        match result {
            Value::Bool(true) => Self::Allowed,
            Value::Bool(false) => Self::Denied(None),
            Value::Object(_) => Self::of_object(result),
            _ => Self::Nothing,
        }
    }

    fn of_object(result: &Value) -> Self {
        let mut said = Self::Nothing;
        for denials in DENYING.iter().filter_map(|name| result.get(name)) {
            match Self::of_denials(denials) {
                denied @ Self::Denied(_) => return denied,
                Self::Allowed => said = Self::Allowed,
                Self::Nothing => {}
            }
        }
        // An admission review answers in `response`.
        let allow = ["/allow", "/allowed", "/response/allowed"].iter().find_map(|name| result.pointer(name)?.as_bool());
        match allow {
            Some(true) => Self::Allowed,
            Some(false) => Self::Denied(result.pointer("/response/status/message").and_then(text)),
            None => said,
        }
    }

    fn of_denials(denials: &Value) -> Self {
        match denials {
            Value::Bool(false) => Self::Allowed,
            Value::Bool(true) => Self::Denied(None),
            Value::Array(denials) if denials.is_empty() => Self::Allowed,
            Value::Object(denials) if denials.is_empty() => Self::Allowed,
            Value::Array(denials) => Self::Denied(texts(denials.iter())),
            Value::Object(denials) => Self::Denied(texts(denials.values())),
            _ => Self::Nothing,
        }
    }
}

/// The texts of denials: themselves, or their `msg`; one a line, sorted, as they are a set.
fn texts<'v>(denials: impl Iterator<Item = &'v Value>) -> Option<String> {
    let mut texts: Vec<_> =
        denials.filter_map(|denial| text(denial).or_else(|| denial.get("msg").and_then(text))).collect();
    texts.sort();
    (!texts.is_empty()).then(|| texts.join("\n"))
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_result_is_a_decision_by_the_names_that_policies_are_asked_by() {
        let denied = |text: &str| Said::Denied(Some(text.to_owned()));
        for (policy, result, said) in [
            ("authz/allow", json!(true), Said::Allowed),
            ("authz/allow", json!(false), Said::Denied(None)),
            ("authz", json!({"allow": true}), Said::Allowed),
            ("authz", json!({"allow": false, "x": 1}), Said::Denied(None)),
            ("envoy", json!({"allowed": false, "http_status": 403}), Said::Denied(None)),
            ("k8s/main", json!({"response": {"allowed": false, "status": {"message": "m"}}}), denied("m")),
            ("main/deny", json!(["b", {"msg": "a"}]), denied("a\nb")),
            ("main/deny", json!([]), Said::Allowed),
            ("data.main.deny", json!(true), Said::Denied(None)),
            ("main", json!({"deny": [], "warn": ["w"]}), Said::Allowed),
            ("main", json!({"deny": ["no"], "allow": true}), denied("no")),
            ("main/violation", json!({}), Said::Allowed),
            ("main", json!("Go ask the white rabbit!"), Said::Nothing),
            ("main", json!({"users": []}), Said::Nothing),
        ] {
            assert_eq!(Said::of(policy, Some(&result)), said, "{policy} {result}");
        }
        assert_eq!(Said::of("authz/allow", None), Said::Nothing, "undefined");
    }
}
