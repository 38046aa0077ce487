//! Everything that an MMSC can be told to do, right or wrong.
#![expect(clippy::doc_markdown, reason = "what stands here is the help of the command line")]

use std::net::SocketAddr;
use std::path::PathBuf;

use hyper::Uri;
use wire::mm4::RequestStatus;
use wire::mm7::MmStatus;

use super::handset::InboundOptions;
use super::reply::{Mm4Reply, Mm7Reply, smtp_code};
use super::rule::Rule;
use crate::delay::DelayMs;
use crate::distribution::Distribution;
use crate::random::probability;

/// The behaviour of an MMSC. Probabilities are from 0 to 1. A rule is CONDITION=EFFECT, and the condition is a
/// probability (`0.01`), the last digits of the recipient (`to:99`) or the number of the message (`nr:1`, of its
/// protocol); the first rule that applies counts.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// The address to listen on for MM4 (SMTP).
    #[arg(long, default_value = "127.0.0.1:2525")]
    pub listen_mm4: SocketAddr,
    /// The address to listen on for MM7 (HTTP).
    #[arg(long, default_value = "127.0.0.1:7007")]
    pub listen_mm7: SocketAddr,
    /// The address for MM4 answers, reports and inbound messages: `127.0.0.1:2526`. Without it, they wait.
    #[arg(long, value_parser = host_and_port)]
    pub reply_to: Option<String>,
    /// The URL for MM7 reports and inbound messages: `http://127.0.0.1:8082/mm7`. Without it, they wait.
    #[arg(long, value_parser = http_uri)]
    pub report_to: Option<Uri>,
    /// The domain of this MMSC.
    #[arg(long, default_value = "mms.simulator.example")]
    pub domain: String,
    /// The only user that may submit over MM7; by default any.
    #[arg(long, requires = "mm7_password")]
    pub mm7_user: Option<String>,
    /// The password of that user.
    #[arg(long, env = "SMSFACTORY_SIMULATOR_PASSWORD", hide_env_values = true)]
    pub mm7_password: Option<String>,
    /// The user name sent with MM7 reports.
    #[arg(long, requires = "report_password")]
    pub report_user: Option<String>,
    /// The password of that user.
    #[arg(long, env = "SMSFACTORY_SIMULATOR_REPORT_PASSWORD", hide_env_values = true)]
    pub report_password: Option<String>,
    /// MM4 sessions at once; more are refused with 421.
    #[arg(long, default_value_t = 1000)]
    pub mm4_sessions_max: u64,
    /// The largest message, in octets on the wire.
    #[arg(long, default_value_t = 4_194_304)]
    pub message_bytes_max: usize,
    /// The first id of an MM7 message.
    #[arg(long, default_value_t = 1_000_000_001)]
    pub first_id: u64,

    /// Delay of the reply to a message (SMTP after the final dot, the answer of MM7), in ms: `5`, or `5..50`.
    #[arg(long, default_value = "0")]
    pub response_delay_ms: DelayMs,
    /// Delay of MM4_forward.RES after that reply, in ms.
    #[arg(long, default_value = "0")]
    pub answer_delay_ms: DelayMs,
    /// Delay of a delivery report after the answer, in ms.
    #[arg(long, default_value = "0")]
    pub report_delay_ms: DelayMs,
    /// The states in delivery reports, by weight: `retrieved=95,expired=4,none=1`.
    #[arg(long, default_value = "retrieved=1")]
    pub reports: Distribution<MmStatus>,
    /// A rule for delivery reports: `to:13=rejected`, `to:14=none`. May be given more than once.
    #[arg(long)]
    pub report: Vec<Rule<Option<MmStatus>>>,
    /// Probability that a delivery report is sent before the answer.
    #[arg(long, default_value_t = 0.0, value_parser = probability)]
    pub report_first: f64,
    /// Probability that a delivery report is sent twice.
    #[arg(long, default_value_t = 0.0, value_parser = probability)]
    pub duplicate_report: f64,
    /// The wait before an answer or report that was not accepted is sent again: the first wait, and the longest; each
    /// is twice the previous one.
    #[arg(long, default_value = "200..10000")]
    pub retry_ms: DelayMs,

    /// A rule for the SMTP reply to a message: `0.01=451`, `nr:1=close-before`, `to:13=close-after`, `to:14=silence`.
    /// May be given more than once.
    #[arg(long)]
    pub mm4_reply: Vec<Rule<Mm4Reply>>,
    /// A rule for the SMTP reply to a recipient: `to:13=550`. May be given more than once.
    #[arg(long, value_parser = recipient_rule)]
    pub mm4_recipient: Vec<Rule<Mm4Reply>>,
    /// A rule for MM4_forward.RES: `0.01=network-problem`, `to:13=content-not-accepted`, `to:14=none`. May be given
    /// more than once.
    #[arg(long)]
    pub mm4_answer: Vec<Rule<Option<RequestStatus>>>,
    /// Refuses every MM4 session with this code, as 421 or 554.
    #[arg(long, value_parser = smtp_code)]
    pub mm4_refuse: Option<u16>,
    /// A rule for the answer to an MM7 submission: `to:13=2004`, `0.01=fault-3000`, `0.01=http-503`, or with `blank`,
    /// `garbage`, `close-before`, `close-after` or `silence`. May be given more than once.
    #[arg(long)]
    pub mm7_reply: Vec<Rule<Mm7Reply>>,
    /// Inbound messages.
    #[command(flatten)]
    pub inbound: InboundOptions,

    /// Accepts connections and stays silent: a dead peer.
    #[arg(long)]
    pub silent: bool,
    /// The seed of all faults: the same seed repeats them.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,

    /// Writes a JSON line for each event to this file, or to standard output for `-`.
    #[arg(long)]
    pub log: Option<PathBuf>,
    /// Includes the texts and subjects of messages in the log.
    #[arg(long)]
    pub log_text: bool,
    /// Keeps files in this directory, each under its SHA-256.
    #[arg(long)]
    pub keep: Option<PathBuf>,
    /// The interval of JSON summaries, in seconds; 0 for only one at the end.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u64).range(..=86_400))]
    pub summary_secs: u64,
}

impl Default for Options {
    fn default() -> Self {
        #[derive(clap::Parser)]
        struct Defaults {
            #[command(flatten)]
            options: Options,
        }
        <Defaults as clap::Parser>::parse_from(["mmsc"]).options
    }
}

fn host_and_port(text: &str) -> Result<String, String> {
    let has_both = text.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
    if has_both { Ok(text.to_owned()) } else { Err(format!("`{text}` is not HOST:PORT")) }
}

fn http_uri(text: &str) -> Result<Uri, String> {
    let uri: Uri = text.parse().map_err(|_| format!("`{text}` is no URL"))?;
    if uri.scheme_str() == Some("http") && uri.host().is_some() {
        Ok(uri)
    } else {
        Err(format!("`{text}` is not http://HOST:PORT/PATH"))
    }
}

fn recipient_rule(text: &str) -> Result<Rule<Mm4Reply>, String> {
    let rule: Rule<Mm4Reply> = text.parse()?;
    if matches!(rule.then, Mm4Reply::Refuse(_)) {
        Ok(rule)
    } else {
        Err("a recipient is refused with a code, as to:13=550".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        options: Options,
    }

    #[test]
    fn what_cannot_be_meant_is_wrong_usage() {
        for (option, value, is_right) in [
            ("--reply-to", "127.0.0.1:2526", true),
            ("--reply-to", "[::1]:2526", true),
            ("--reply-to", "localhost", false),
            ("--reply-to", ":25", false),
            ("--report-to", "http://127.0.0.1:8082/mm7", true),
            ("--report-to", "https://127.0.0.1/", false),
            ("--report-to", "127.0.0.1:8082", false),
            ("--mm4-recipient", "to:13=550", true),
            ("--mm4-recipient", "to:13=silence", false),
            ("--mm4-refuse", "421", true),
            ("--mm4-refuse", "250", false),
            ("--mm4-answer", "0.5=none", true),
            ("--mm7-reply", "nr:1=fault-3000", true),
            ("--reports", "retrieved=9,none=1", true),
            ("--reports", "delivrd=9", false),
            ("--report-first", "2", false),
        ] {
            assert_eq!(Line::try_parse_from(["mmsc", option, value]).is_ok(), is_right, "{option} {value}");
        }
    }
}
