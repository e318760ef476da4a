//! Logs of runs of GitHub Actions, as `gh run view --log` prints them.
//! `docs/formats/github-actions.md` has the mapping.

mod codes;
mod line;
mod step;

use crate::finding::{Finding, FindingCode};
use crate::format::{Converts, Descriptor};
use crate::head::Head;
use crate::out::Out;
use crate::reading::Reading;
use line::LogLine;
use step::Job;

/// The room.
pub(crate) const FORMAT: Descriptor = Descriptor {
    name: "github-actions",
    summary: "logs of runs of GitHub Actions (`gh run view --log`)",
    endings: &[".txt", ".log"],
    codes: codes::CODES,
    sniff: |head: &Head<'_>| LogLine::of(head.first_line()).is_some(),
    converts: Converts::Each(convert),
};

fn convert(reading: &mut Reading<'_>, out: &mut Out<'_>) -> Result<(), Finding> {
    let expected = "lines of `JOB`, a tab, `STEP`, a tab, a time, a space and text";
    let (mut buffer, mut job) = (Vec::new(), None::<Job>);
    while let Some(line) = reading.line(&mut buffer)? {
        if line.is_blank() {
            continue;
        }
        let place = line.number.to_string();
        // What a program printed need not be text, and what is not read of it changes nothing.
        let text = String::from_utf8_lossy(line.bytes);
        let Some(line) = LogLine::of(&text) else {
            if job.is_none() {
                return Err(out.at(&place).found(FindingCode::WrongFormat, "not a line of a run's log", expected));
            }
            // A text of several lines has its time in the first one.
            let goes_on = job.as_ref().is_some_and(|job| text.starts_with(&format!("{}\t", job.name)));
            if !goes_on {
                let message = "the line has no job, step and time and was passed over";
                out.note(FindingCode::LinePassedOver, &place, message);
            }
            continue;
        };
        if let Some(other) = job.take_if(|job| job.name != line.job) {
            other.end(out);
        }
        job.get_or_insert_with(|| Job::new(line.job)).take(&line, &place, out);
    }
    match job {
        Some(job) => job.end(out),
        None => return Err(out.at("").found(FindingCode::WrongFormat, "the file has no line", expected)),
    }
    Ok(())
}
