//! The options that say which decisions of the screen are shown.

#[derive(Debug, clap::Args)]
pub(super) struct Decisions {
    /// Of this account
    #[arg(long)]
    account: Option<String>,
    /// live or test: sent with keys of this mode
    #[arg(long)]
    mode: Option<String>,
    /// blocked or flagged
    #[arg(long)]
    outcome: Option<String>,
    /// Reviewed already: true or false
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
