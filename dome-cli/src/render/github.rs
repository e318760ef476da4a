//! Annotations of a GitHub workflow step: one workflow command a problem.

use dome_core::escaped;

/// Where a problem stands; a place without a file cannot be annotated, so the message says it.
pub(crate) struct Annotated<'p> {
    pub(crate) file: Option<&'p str>,
    pub(crate) line: u64,
    pub(crate) column: usize,
}

/// `::error file=F,line=N,col=C,title=CODE::POINTER: MESSAGE`
pub(crate) fn annotation(place: &Annotated<'_>, code: &str, pointer: &str, message: &str) -> String {
    let Annotated { file, line, column } = place;
    let said = if pointer.is_empty() { message.to_owned() } else { format!("{pointer}: {message}") };
    // Ends of lines come through, as `data` writes them.
    let shown = |line: &str| line.split('\r').map(escaped).collect::<Vec<_>>().join("\r");
    let said = said.split('\n').map(shown).collect::<Vec<_>>().join("\n");
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

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
