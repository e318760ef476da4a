//! TRX, the test results of Visual Studio, `dotnet test` and vstest. `docs/formats/trx.md` has the
//! mapping.

mod outcome;
mod read;

use crate::finding::{Finding, FindingCode};
use crate::format::{Converts, Descriptor};
use crate::head::Head;
use crate::out::Out;
use crate::reading::Reading;
use read::Run;

/// The room.
pub(crate) const FORMAT: Descriptor = Descriptor {
    name: "trx",
    summary: "TRX test results of `dotnet test` and Visual Studio (`TestRun`)",
    endings: &[".trx"],
    codes: crate::report::CODES,
    sniff: |head: &Head<'_>| head.root() == Some("TestRun") && head.text().contains("/VisualStudio/TeamTest/"),
    converts: Converts::Each(convert),
};

/// What classes tests are of may stand behind the results, so the results wait for the end. Where
/// the file breaks off before it, those that were whole stand without a class.
fn convert(reading: &mut Reading<'_>, out: &mut Out<'_>) -> Result<(), Finding> {
    let mut xml = reading.xml()?;
    let root = xml.root(FORMAT.summary)?;
    if root.name != "TestRun" {
        let message = format!("the root element is `<{}>`", root.name);
        return Err(xml.found(FindingCode::WrongFormat, message, "`<TestRun>`"));
    }
    let mut run = Run::of(&root);
    let ended = run.read(&mut xml);
    if ended.is_ok() && !run.known {
        let expected = "`<Results>`, as the test results of Visual Studio have them";
        return Err(xml.found(FindingCode::WrongFormat, "`<TestRun>` of another tool", expected));
    }
    outcome::push(run, out);
    ended
}
