//! Writes the manual pages and the completions of shells that packages have, from the command line's own definition:
//! `manual DIRECTORY`.

use std::io::{self, Error};
use std::path::PathBuf;

use clap_complete::Shell;

fn main() -> io::Result<()> {
    let directory = std::env::args_os().nth(1).ok_or_else(|| Error::other("usage: manual DIRECTORY"))?;
    let directory = PathBuf::from(directory);
    let mut command = cli::command();
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        let place = directory.join(shell.to_string());
        std::fs::create_dir_all(&place)?;
        clap_complete::generate_to(shell, &mut command, "smsfactory", place)?;
    }
    let pages = directory.join("man");
    std::fs::create_dir_all(&pages)?;
    // The pages themselves are the help.
    clap_mangen::generate_to(cli::command().disable_help_subcommand(true), pages)
}
