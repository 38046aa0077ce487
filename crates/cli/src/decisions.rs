//! The filters for decisions of the compliance screen.

use super::choices;

#[derive(Debug, clap::Args)]
pub(super) struct Decisions {
    /// Only texts of this account
    #[arg(long)]
    account: Option<String>,
    /// Only texts of keys of this mode
    #[arg(long, value_parser = choices::modes())]
    mode: Option<String>,
    /// Only texts with this outcome
    #[arg(long, value_parser = choices::outcomes())]
    outcome: Option<String>,
    /// Only decisions that an operator has reviewed, or only the others
    #[arg(long, value_name = "BOOL")]
    reviewed: Option<bool>,
}

impl Decisions {
    /// The parameters of the request.
    pub(super) fn parameters(self) -> [(&'static str, Option<String>); 4] {
        let reviewed = self.reviewed.map(|reviewed| reviewed.to_string());
        [("accountId", self.account), ("mode", self.mode), ("outcome", self.outcome), ("reviewed", reviewed)]
    }
}
