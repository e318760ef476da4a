//! Lines that are events: one JSON object each, and now and then what another program printed.

use serde::de::DeserializeOwned;

use super::Reading;
use crate::finding::{Finding, FindingCode};
use crate::out::Out;

impl Reading<'_> {
    /// Reads every line as an event and hands it on with its number. A line that does not begin like
    /// an object is passed over with a note; one that does and is no event is a record left out. A
    /// file without an event is not of the format, and `what` says what was expected.
    pub(crate) fn events<E: DeserializeOwned>(
        &mut self,
        out: &mut Out<'_>,
        what: &str,
        mut each: impl FnMut(E, u64, &mut Out<'_>),
    ) -> Result<(), Finding> {
        let (mut buffer, mut found) = (Vec::new(), false);
        while let Some(line) = self.line(&mut buffer)? {
            if line.is_blank() {
                continue;
            }
            let place = line.number.to_string();
            let text = match line.text(out.at(&place)) {
                Ok(text) => text.trim(),
                Err(problem) => {
                    out.left_out(problem);
                    continue;
                }
            };
            if !text.starts_with('{') {
                out.note(FindingCode::LinePassedOver, &place, "the line is no event and was passed over");
                continue;
            }
            match serde_json::from_str(text) {
                Ok(event) => {
                    found = true;
                    each(event, line.number, out);
                }
                Err(error) => {
                    let problem = out.at(&place).found(FindingCode::JsonInvalid, format!("no event: {error}"), what);
                    out.left_out(problem);
                }
            }
        }
        if found { Ok(()) } else { Err(self.at("").found(FindingCode::WrongFormat, "no line of it is an event", what)) }
    }
}
