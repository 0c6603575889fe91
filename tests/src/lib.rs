//! The whole product as a black box: what the product tests share.

use std::path::PathBuf;
use std::process::Command;

/// The `tabi` binary under test: `TABI_BIN`, else the one beside this test, built first where it is missing.
///
/// # Panics
/// When it is missing and cannot be built.
pub fn tabi() -> PathBuf {
    if let Some(path) = std::env::var_os("TABI_BIN") {
        return path.into();
    }
    let test = std::env::current_exe().expect("a running test has a path");
    let profile = test.ancestors().nth(2).expect("tests lie in <target>/<profile>/deps");
    let binary = profile.join(format!("tabi{}", std::env::consts::EXE_SUFFIX));
    if !binary.exists() {
        let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
        let built = Command::new(cargo).args(["build", "--quiet", "-p", "cli"]).status();
        assert!(built.is_ok_and(|status| status.success()), "`cargo build -p cli` failed; run it to see why");
    }
    binary
}
