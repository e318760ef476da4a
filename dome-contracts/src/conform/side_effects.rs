//! Whether a tool touches what it declares, and nothing else; and what keeps it from more.

use std::collections::BTreeSet;

use super::event::{Effect, EffectKind, effects, resolved};
use super::manifest::Policy;
use super::run::Run;
use super::verdict::{Check, CheckName, FOUND_MAX, Outcome, Part};

/// What the machine enforced in every run, each by name (such as `landlock`); nothing, where it did not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Enforcement {
    /// Changes of modes, owners, times.
    pub attributes: Vec<String>,
    /// Connections of any kind.
    pub connections: Vec<String>,
    /// Programs and processes.
    pub processes: Vec<String>,
    /// Writes.
    pub writes: Vec<String>,
    /// Why something is not enforced, by the name of its part.
    pub reasons: Vec<(&'static str, String)>,
}

/// The sub-check, over all runs.
#[must_use]
pub fn side_effects(policy: &Policy, runs: &[&Run], enforced: &Enforcement) -> Check {
    let (mut seen, mut undeclared, mut blind) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for run in runs {
        let observation = &run.observation;
        for effect in effects(&observation.events, &observation.cwd) {
            if !allows(policy, &effect, &observation.cwd) {
                undeclared.insert(placeless(&effect, &observation.cwd));
            }
            seen.insert(placeless(&effect, &observation.cwd));
        }
        for path in &observation.changed {
            let effect = Effect { kind: EffectKind::Write, what: path.clone(), by: "changed".to_owned() };
            if !allows(policy, &effect, &observation.cwd) {
                undeclared.insert(placeless(&effect, &observation.cwd));
            }
        }
        if !observation.complete && is_judged(run) {
            blind.insert("a run left the interpreter, or the observation, before its end".to_owned());
        }
    }
    let of = |kind: EffectKind, set: &BTreeSet<Effect>| -> Vec<String> {
        set.iter().filter(|effect| effect.kind == kind).map(ToString::to_string).collect()
    };
    let part = |name: &'static str, kind, declared: &BTreeSet<String>, by: &[String]| {
        let reason = enforced.reasons.iter().find(|(part, _)| *part == name).map(|(_, why)| why.as_str());
        enforceable(name, declared, by, of(kind, &seen), &of(kind, &undeclared), reason)
    };
    let mut observed = of(EffectKind::Tampering, &undeclared);
    observed.extend(of(EffectKind::NativeCode, &undeclared));
    observed.extend(of(EffectKind::UnnamedFile, &undeclared));
    observed.extend(blind);
    let parts = vec![
        part("write", EffectKind::Write, &policy.allow_paths, &enforced.writes),
        part("attributes", EffectKind::Attributes, &BTreeSet::new(), &enforced.attributes),
        part("connection", EffectKind::Connection, &policy.allow_domains, &enforced.connections),
        part("process", EffectKind::Process, &policy.allow_commands, &enforced.processes),
        Part::by("observation", &observed),
    ];
    Check::of(CheckName::SideEffects, parts)
}

/// A run that was ended from outside cannot report its end.
fn is_judged(run: &Run) -> bool {
    matches!(run.ending, super::run::Ending::Exited(_))
}

fn enforceable(
    name: &str,
    declared: &BTreeSet<String>,
    by: &[String],
    seen: Vec<String>,
    undeclared: &[String],
    reason: Option<&str>,
) -> Part {
    let mut part = match (undeclared.is_empty(), by.is_empty()) {
        (false, _) => {
            let problems: Vec<String> = undeclared.iter().map(|effect| format!("undeclared: {effect}")).collect();
            Part::by(name, &problems)
        }
        (true, true) => Part::of(name, Outcome::Unenforced, reason.unwrap_or("nothing here keeps it from it")),
        (true, false) => Part::pass(name),
    };
    part.declared = declared.iter().cloned().collect();
    part.enforced_by = by.to_vec();
    part.found = seen.into_iter().take(FOUND_MAX).collect();
    part
}

/// The same effect is the same in every run, wherever that ran.
fn placeless(effect: &Effect, cwd: &str) -> Effect {
    let what = match effect.what.strip_prefix(cwd) {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => format!("./{}", rest.trim_start_matches('/')),
        _ => effect.what.clone(),
    };
    Effect { what, ..effect.clone() }
}

fn allows(policy: &Policy, effect: &Effect, cwd: &str) -> bool {
    let what = effect.what.as_str();
    match effect.kind {
        EffectKind::Tampering | EffectKind::UnnamedFile => false,
        EffectKind::NativeCode => policy.allow_native_code,
        _ if policy.is_unrestricted() => true,
        EffectKind::Write => what == "/dev/null" || within(policy, what, cwd),
        // The kernel cannot tell by path, so there is nothing to allow.
        EffectKind::Attributes => false,
        EffectKind::Connection => {
            is_local_resource(what) || policy.allow_domains.iter().any(|host| is_host(what, host))
        }
        EffectKind::Process => policy.allow_commands.contains(what) || is_fork_of(policy, effect),
    }
}

/// A pair of sockets inside the process has no address.
fn is_local_resource(address: &str) -> bool {
    address.is_empty()
}

fn is_fork_of(policy: &Policy, effect: &Effect) -> bool {
    effect.by == "os.fork" && !policy.allow_commands.is_empty()
}

fn within(policy: &Policy, path: &str, cwd: &str) -> bool {
    policy.allow_paths.iter().any(|allowed| {
        let allowed = resolved(cwd, allowed);
        path.strip_prefix(&allowed).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

/// Addresses are written `HOST:PORT`, or `HOST` where it is looked up.
fn is_host(address: &str, host: &str) -> bool {
    address.strip_prefix(host).is_some_and(|rest| {
        rest.is_empty() || rest.strip_prefix(':').is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conform::{Ending, Event, Observation};
    use dome_core::SideEffectsMode;

    fn policy() -> Policy {
        let set = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        Policy {
            allow_commands: set(&["/bin/true"]),
            allow_domains: set(&["example.org"]),
            allow_native_code: false,
            allow_paths: set(&["out", "/var/cache/a"]),
            mode: SideEffectsMode::Scoped,
        }
    }

    fn run(name: &str, args: &[&str], complete: bool) -> Run {
        let event = Event { args: args.iter().map(|arg| (*arg).to_owned()).collect(), name: name.to_owned() };
        let observation = Observation { changed: Vec::new(), events: vec![event], complete, cwd: "/w".to_owned() };
        Run { ending: Ending::Exited(0), observation, stderr: String::new(), stdout: Vec::new() }
    }

    fn outcome(run: &Run, part: usize) -> Option<Outcome> {
        let by = vec!["landlock".to_owned()];
        let enforced = Enforcement {
            attributes: by.clone(),
            connections: by.clone(),
            processes: by.clone(),
            writes: by,
            reasons: Vec::new(),
        };
        side_effects(&policy(), &[run], &enforced).parts.get(part).map(|part| part.outcome)
    }

    #[test]
    fn what_is_declared_passes_and_its_neighbour_fails() {
        for (name, declared, neighbour, part) in [
            ("open", ["out/a"], ["output/a"], 0),
            ("open", ["/var/cache/a/b"], ["/var/cache/ab"], 0),
            ("open", ["/dev/null"], ["/w/out/../a"], 0),
            ("socket.getaddrinfo", ["example.org"], ["example.org.evil"], 2),
            ("os.system", ["/bin/true"], ["/bin/true; x"], 3),
        ] {
            assert_eq!(outcome(&run(name, &declared, true), part), Some(Outcome::Pass), "{declared:?}");
            assert_eq!(outcome(&run(name, &neighbour, true), part), Some(Outcome::Fail), "{neighbour:?}");
        }
    }

    #[test]
    fn a_run_that_blinds_the_observation_fails() {
        assert_eq!(outcome(&run("open", &["out/a"], false), 4), Some(Outcome::Fail));
        assert_eq!(outcome(&run("ctypes.dlopen", &["libc.so.6"], true), 4), Some(Outcome::Fail));
        assert_eq!(outcome(&run("dome.tamper", &["gc.get_objects"], true), 4), Some(Outcome::Fail));
        assert_eq!(outcome(&run("open", &["out/a"], true), 4), Some(Outcome::Pass));
    }

    #[test]
    fn what_nothing_enforces_is_never_a_pass() {
        let check = side_effects(&policy(), &[&run("open", &["out/a"], true)], &Enforcement::default());
        assert_eq!(check.outcome, Outcome::Unenforced);
        assert!(check.parts.iter().take(4).all(|part| part.outcome == Outcome::Unenforced));
    }
}
