//! `dome memory`: what an owner promotes, and the layers that answers name.

use clap::{Args, Subcommand};
use dome_binder::priors::Promotion;
use dome_store::memory::{self, MemoryChange, ShownMemory};

use super::store::StoreAt;
use crate::exit::Exit;
use crate::output::{Printer, Watching, grouped};

/// Promote what a store knows, take that back, and look at its layers
///
/// A store has three layers: what a run said, what was derived, what an owner promoted. `dome priors` names the layer of
/// every prior, and only the owner's lets a prescription have side effects. What is said here stands beside the log and
/// shapes answers only, which name it (`store_holds`).
#[derive(Debug, Subcommand)]
pub(crate) enum MemoryVerb {
    Promote(PromoteArgs),
    Retract(RetractArgs),
    /// How much there is in each layer, and what was promoted and taken back
    #[command(after_help = "Example:\n    dome memory list --store memory")]
    List(StoreAt),
}

/// Promote a capsule or concept: the remedy that comes first there may have side effects where it is prescribed
///
/// Nothing that holds it back is lifted. Once another remedy comes first there, nothing is granted any more.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n    dome memory promote 7ab9b547fec3 --store memory --by 'Ada, release team' --why 'reviewed; it only clears a cache'"
)]
pub(crate) struct PromoteArgs {
    #[command(flatten)]
    said: Said,
}

/// Take a promotion back; it stays listed, with who took it back and why
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n    dome memory retract 7ab9b547fec3 --store memory --by 'Ada, release team' --why 'the cache is shared now'"
)]
pub(crate) struct RetractArgs {
    #[command(flatten)]
    said: Said,
}

#[derive(Debug, Args)]
struct Said {
    /// A derived or concept key, as `dome priors` and `dome explain` show it: whole, or its first 8 digits or more
    #[arg(value_name = "KEY")]
    key: String,
    #[command(flatten)]
    at: StoreAt,
    /// Who says so
    #[arg(long, value_name = "NAME")]
    by: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    why: String,
}

pub(crate) fn run(verb: &MemoryVerb, output: &mut Printer) -> anyhow::Result<Exit> {
    let watch = Watching::new("reading");
    let change = match verb {
        MemoryVerb::Promote(PromoteArgs { said }) => {
            memory::promote(&said.at.store, &said.key, (&said.by, &said.why), &watch)?
        }
        MemoryVerb::Retract(RetractArgs { said }) => memory::retract(&said.at.store, &said.key, (&said.by, &said.why))?,
        MemoryVerb::List(at) => {
            output.show(&memory::show(&at.store, &watch)?, print_layers)?;
            return Ok(Exit::Done);
        }
    };
    output.show(&change, |MemoryChange { promotions, .. }, output| {
        promotions.iter().try_for_each(|promotion| print(promotion, output))
    })?;
    Ok(Exit::Done)
}

fn print_layers(shown: &ShownMemory, output: &mut Printer) -> anyhow::Result<()> {
    let layers = [("run", shown.layers.run, "facts"), ("derived", shown.layers.derived, "capsules and concepts")];
    for (layer, count, of) in layers.into_iter().chain([("owner", shown.layers.owner, "promotions")]) {
        writeln!(output, "{layer:<8} {} {of}", grouped(count))?;
    }
    shown.promotions.iter().try_for_each(|promotion| print(promotion, output))
}

fn print(promotion: &Promotion, output: &mut Printer) -> anyhow::Result<()> {
    let Promotion { key, promoted, remedy, retracted } = promotion;
    writeln!(output, "{key}")?;
    writeln!(output, "    remedy {remedy}")?;
    writeln!(output, "    promoted by {promoted}")?;
    retracted.iter().try_for_each(|retracted| writeln!(output, "    taken back by {retracted}"))
}
