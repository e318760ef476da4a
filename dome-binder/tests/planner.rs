//! The planner of the examples, run: the loop closes, and the next answer shows it.

#[path = "../examples/planner.rs"]
#[expect(dead_code, reason = "its `main` prints")]
mod example;

#[test]
fn m84_what_a_planner_applies_shows_in_the_next_answer() {
    let told = example::told().unwrap_or_default();
    assert_eq!(
        told,
        [
            "Prescriptive: resolved 4 x, confirmed 0 x",
            "Prescriptive: resolved 5 x, confirmed 1 x",
            "Prescriptive: resolved 6 x, confirmed 2 x",
        ]
    );
}
