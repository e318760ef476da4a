//! From bytes to a result directory, a question to it, and its verification, with the libraries alone:
//!
//! ```sh
//! cargo run -p library-user -- night.jsonl result
//! ```

use std::error::Error;
use std::path::Path;

use dome_binder::priors::{Memory, PriorsQuery, priors};
use dome_replay::{
    CodeSources, Destined, ENVELOPES, Input, Limits, Masking, ResultDir, Spec, input, load_rules, replay_into, verify,
};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [input, out] = arguments.as_slice() else { return Err("usage: library-user INPUT OUT".into()) };
    let (rules, masking) = (load_rules(None, CodeSources::default(), None)?, Masking::off());
    let spec = Spec {
        rules: &rules,
        binder: Default::default(),
        not_after: None,
        masking: &masking,
        threads: std::thread::available_parallelism()?.get(),
        limits: Limits::within(256 << 20),
    };
    let sources = input::find(&[input.into()], ENVELOPES, &())?;
    let to = Destined { out: out.into(), force: true };
    let written = replay_into(&to, spec, None, Input::Sources(&sources), &())?;
    println!("{} facts, {} capsules", written.summary.totals.facts, written.summary.totals.capsules);

    let result = ResultDir::open(Path::new(out))?;
    let replay = result.replay()?;
    if let Some(fact) = replay.ledger.facts.iter().find(|fact| fact.is_failing()) {
        let query = PriorsQuery::of(fact.keys.task_line.clone());
        let answer = priors(&Memory::of(&replay, result.rules()), &query);
        println!("{} priors for {}", answer.priors.len(), fact.keys.task_line.target_id);
    }
    let verification = verify::verify(Path::new(out), 10)?;
    println!("verified: {}", verification.verified);
    if verification.verified { Ok(()) } else { Err("the result does not reproduce".into()) }
}
