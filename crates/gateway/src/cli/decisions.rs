//! The options that say which decisions of the screen are shown.

#[derive(Debug, clap::Args)]
pub(super) struct Decisions {
    /// Of this account
    #[arg(long)]
    account: Option<String>,
    /// Sent with a live or a test key: live or test
    #[arg(long)]
    mode: Option<String>,
    /// blocked or flagged
    #[arg(long)]
    outcome: Option<String>,
    /// Reviewed, or not reviewed yet: true or false
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
