//! The recorded instruction counts, and what a count is against its recorded figure.

use std::fmt::Write;

/// Instructions per envelope that a stage takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figure {
    /// The name of the stage.
    pub stage: String,
    /// All but SHA-256.
    pub own: u64,
    /// SHA-256, in software.
    pub sha256: u64,
}

/// The figures of all stages, and with what they were counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// The compiler's name and version.
    pub compiler: String,
    /// The figures, in the order of the stages.
    pub figures: Vec<Figure>,
}

/// How many hundredths of its recorded figure a count may be.
pub const LIMIT_HUNDREDTHS: u64 = 110;
/// What a figure may grow by in any case: the layout of code alone moves a small stage by as much, and it
/// is a quarter of a percent of a replay.
const SLACK: u64 = 200;

/// `now` in hundredths of `recorded`.
#[must_use]
pub fn hundredths(now: u64, recorded: u64) -> u64 {
    (now * 100).checked_div(recorded).unwrap_or(100)
}

/// Whether a count is more than its recorded figure allows.
///
/// ```
/// use dome_benches::recorded::grew;
/// assert!(!grew(11_000, 10_000) && grew(11_001, 10_000));
/// assert!(!grew(1_200, 1_000) && grew(1_201, 1_000));
/// ```
#[must_use]
pub const fn grew(now: u64, recorded: u64) -> bool {
    now * 100 > recorded * LIMIT_HUNDREDTHS && now > recorded + SLACK
}

impl Recorded {
    /// Reads a table of figures; what is no figure is passed over.
    #[must_use]
    pub fn parse(table: &str) -> Self {
        let compiler = table.lines().find_map(|line| line.strip_prefix("# compiler: ")).unwrap_or_default().to_owned();
        let figure = |line: &str| {
            let mut cells = line.split('\t');
            let (stage, own, sha256) = (cells.next()?, cells.next()?, cells.next()?);
            Some(Figure { stage: stage.to_owned(), own: own.parse().ok()?, sha256: sha256.parse().ok()? })
        };
        let figures = table.lines().filter(|line| !line.starts_with('#')).filter_map(figure).collect();
        Self { compiler, figures }
    }

    /// The figures as a table.
    #[must_use]
    pub fn to_table(&self) -> String {
        let mut table = String::from(
            "# Instructions an envelope, counted by callgrind. Made by:\n\
             # cargo bench -p dome-benches --bench instructions -- --record\n",
        );
        let _infallible = writeln!(table, "# compiler: {}", self.compiler);
        table.push_str("stage\tinstructions_without_sha256\tsha256\n");
        for Figure { stage, own, sha256 } in &self.figures {
            let _infallible = writeln!(table, "{stage}\t{own}\t{sha256}");
        }
        table
    }

    /// The figure of a stage.
    #[must_use]
    pub fn of(&self, stage: &str) -> Option<&Figure> {
        self.figures.iter().find(|figure| figure.stage == stage)
    }
}

#[cfg(test)]
mod tests {
    use super::{Figure, Recorded};
    use crate::counted::STAGES;

    #[test]
    fn a_table_is_read_as_it_was_written() {
        let figures = vec![Figure { stage: "read".to_owned(), own: 33_670, sha256: 0 }];
        let recorded = Recorded { compiler: "rustc 1.95.0".to_owned(), figures };
        assert_eq!(Recorded::parse(&recorded.to_table()), recorded);
    }

    #[test]
    fn every_stage_has_a_recorded_figure() {
        let recorded = Recorded::parse(include_str!("../instructions.tsv"));
        let [named, recorded] = [
            STAGES.iter().map(|stage| stage.name).collect::<Vec<_>>(),
            recorded.figures.iter().map(|figure| figure.stage.as_str()).collect(),
        ];
        assert_eq!(named, recorded);
    }
}
