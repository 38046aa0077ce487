//! Tells the program the commit that it is built from.
//!
//! `SMSFACTORY_COMMIT` names it where there is no work tree, such as in the build of a package. An optimised build of a
//! work tree asks git, and is repeated after each commit. A development build does not ask: a commit would rebuild it
//! for nothing.

use std::env;
use std::io::{self, Write};
use std::path::Path;
use std::process::Command;

/// So many digits of a commit are told.
const DIGITS: usize = 12;

fn main() -> io::Result<()> {
    tell("rerun-if-env-changed=SMSFACTORY_COMMIT")?;
    let given = env::var("SMSFACTORY_COMMIT").ok().filter(|commit| !commit.is_empty());
    let asked =
        if given.is_none() && env::var("PROFILE").is_ok_and(|kind| kind == "release") { of_work_tree()? } else { None };
    let commit: String = given.or(asked).unwrap_or_default().chars().take(DIGITS).collect();
    let version = env!("CARGO_PKG_VERSION");
    let line = if commit.is_empty() { version.to_owned() } else { format!("{version} ({commit})") };
    tell(&format!("rustc-env=SMSFACTORY_BUILT_FROM={commit}"))?;
    tell(&format!("rustc-env=SMSFACTORY_VERSION_LINE={line}"))
}

/// The commit of the work tree; none in a tarball, even if that was unpacked into the work tree of something else.
fn of_work_tree() -> io::Result<Option<String>> {
    if git(&["ls-files", "--error-unmatch", "build.rs"]).is_none() {
        return Ok(None);
    }
    if let Some(log) = git(&["rev-parse", "--git-path", "logs/HEAD"]).filter(|log| Path::new(log).exists()) {
        tell(&format!("rerun-if-changed={log}"))?;
    }
    Ok(git(&["rev-parse", "HEAD"]))
}

/// What git answers; none where there is no git, or it refuses.
fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}

fn tell(cargo: &str) -> io::Result<()> {
    writeln!(io::stdout(), "cargo::{cargo}")
}
