//! What the crate promises, held through its public names: part of the library's own test binary.

mod attempts;
mod cedar;
mod ci;
mod cloudevents;
mod docs;
mod github_actions;
mod junit;
mod mutations;
mod opa;
mod otlp;
mod real_bad;
mod real_json;
mod real_xml;
mod reports;
mod sarif;
mod support;
mod swe_bench;
mod tau_bench;
mod terminal_bench;
mod terminal_bench_real;
mod terminal_bench_shipped;
mod trx;
