//! The failure codes: those of tests that `go test` tells apart, and those of packages.

use dome_core::CodeClass::{self, Repairable};

use crate::codes::means;
use crate::format::CodeMeaning;

/// The package did not compile.
pub(super) const BUILD_FAILED: &str = "PACKAGE.BUILD_FAILED";
/// The package failed, and none of its tests did.
pub(super) const FAILED: &str = "PACKAGE.FAILED";
/// Tests of the package failed.
pub(super) const TESTS_FAILED: &str = "PACKAGE.TESTS_FAILED";

/// What the codes mean, by code.
pub(super) const CODES: &[CodeMeaning] = &[
    means(BUILD_FAILED, Repairable, "the package or one that it needs did not compile"),
    means(FAILED, Repairable, "the package failed, and none of its tests did: its main, its exit code, its set-up"),
    means(TESTS_FAILED, Repairable, "tests of the package failed"),
    means("TEST.ABORTED", Repairable, "the package ended with a failure while the test was running"),
    means("TEST.FAILED", Repairable, "the test failed"),
];

/// A code with its class.
pub(super) fn coded(code: &str) -> (String, CodeClass) {
    (code.to_owned(), Repairable)
}
