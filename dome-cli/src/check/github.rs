//! Annotations of a GitHub workflow step: one workflow command a problem.

/// Where a problem stands; a place without a file cannot be annotated, so the message says it.
pub(crate) struct Place<'p> {
    pub(crate) file: Option<&'p str>,
    pub(crate) line: u64,
    pub(crate) column: usize,
}

/// `::error file=F,line=N,col=C,title=CODE::POINTER: MESSAGE`
pub(crate) fn annotation(place: &Place<'_>, code: &str, pointer: &str, message: &str) -> String {
    let Place { file, line, column } = place;
    let said = if pointer.is_empty() { message.to_owned() } else { format!("{pointer}: {message}") };
    match file {
        Some(file) => {
            let [file, title] = [file, code].map(property);
            format!("::error file={file},line={line},col={column},title={title}::{}", data(&said))
        }
        None => format!("::error title={}::{}", property(code), data(&format!("line {line}:{column}: {said}"))),
    }
}

/// What stands behind the second `::`.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The value of a property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_a_property_or_a_command_is_escaped() {
        let place = Place { file: Some("a,b:c%\n.jsonl"), line: 7, column: 3 };
        assert_eq!(
            annotation(&place, "wrong_type", "/env/a,b", "50 %: x\r\n::error::y"),
            "::error file=a%2Cb%3Ac%25%0A.jsonl,line=7,col=3,title=wrong_type::/env/a,b: 50 %25: x%0D%0A::error::y"
        );
        let nowhere = Place { file: None, line: 7, column: 3 };
        assert_eq!(annotation(&nowhere, "json_invalid", "", "no"), "::error title=json_invalid::line 7:3: no");
    }
}
