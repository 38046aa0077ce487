//! Shows what the screen sees in each line of standard input.

#![allow(clippy::print_stdout, reason = "a command for the terminal")]

use screening::Screen;
use std::io::BufRead;

fn main() -> std::io::Result<()> {
    let screen = Screen::builtin();
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let verdict = screen.screen(&line);
        println!("{line}");
        for finding in &verdict.findings {
            println!(
                "  {} {:.3} at {:?}",
                finding.category,
                finding.score,
                finding.spans.iter().map(|span| (span.start, span.end)).collect::<Vec<_>>()
            );
            for reason in &finding.reasons {
                println!("    {reason:?}");
            }
        }
    }
    Ok(())
}
