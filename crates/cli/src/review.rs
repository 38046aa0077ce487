//! `smsfactory screening groups` and `smsfactory screening review`.

use axum::http::Method;
use serde_json::json;

use super::client::{Door, escaped, query};
use super::decisions::Decisions;
use super::{Failed, output};

#[derive(Debug, clap::Args)]
pub(super) struct Groups {
    #[command(flatten)]
    decisions: Decisions,
}

#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("judgement").required(true))]
pub(super) struct Review {
    /// The id of the decision, from `screening log`
    id: String,
    /// The decision was wrong: the command prints a template that lets such texts pass
    #[arg(long, group = "judgement")]
    wrong: bool,
    /// The decision was right
    #[arg(long, group = "judgement", conflicts_with_all = ["approve", "template"])]
    right: bool,
    /// Approve the printed template
    #[arg(long)]
    approve: bool,
    /// Approve this template instead
    #[arg(long, value_name = "TEXT", requires = "approve")]
    template: Option<String>,
    /// A note
    #[arg(long)]
    note: Option<String>,
}

const COLUMNS: [(&str, &str); 8] = [
    ("COUNT", "/count"),
    ("FIRST", "/firstAt"),
    ("LAST", "/lastAt"),
    ("ACCOUNT", "/accountId"),
    ("CATEGORIES", "/categories"),
    ("SAMPLE", "/sampleId"),
    ("PASSES", "/templatePasses"),
    ("TEMPLATE", "/template"),
];

impl Groups {
    pub(super) async fn run(self, door: &Door) -> Result<(), Failed> {
        let query = query(&self.decisions.parameters());
        let answer = door.ask(Method::GET, &format!("/screening/groups{query}"), None).await?;
        output::list(&answer, &COLUMNS, door.json);
        if !door.json {
            let decisions = output::counted(output::count_in(&answer, "of"), "newest decision");
            output::say(format!("\nThe groups are of the {decisions}."));
        }
        Ok(())
    }
}

impl Review {
    pub(super) async fn run(self, door: &Door) -> Result<(), Failed> {
        let review = json!({
            "correct": self.right && !self.wrong, "note": self.note, "approve": self.approve, "template": self.template,
        });
        let path = format!("/screening/{}/review", escaped(&self.id));
        output::one(&door.ask(Method::POST, &path, Some(&review)).await?, door.json);
        Ok(())
    }
}
