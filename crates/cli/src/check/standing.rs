//! The store's pepper and its hold: whether a server could start, and whether it would send.

use std::sync::Arc;

use model::key::Pepper;
use runtime::Runtime;
use store::contract::peppers::Adopted;

use config::Config;
use server::admin::held;

/// Whether the pepper is the store's, and whether the store is held. `offline` asks no database.
pub(super) async fn look(
    config: &Config,
    runtime: &Arc<dyn Runtime>,
    offline: bool,
) -> Vec<(Option<Result<String, String>>, Option<String>)> {
    let url = &config.store.url;
    let is_database = store::path_of(url).is_ok_and(|path| path.is_none());
    let (false, Ok(peppers)) = (offline && is_database, config.keys.read()) else { return Vec::new() };
    // A store that cannot be used is a mistake already.
    let Ok(standing) = store::standing(url, runtime.now(), Arc::clone(runtime)).await else { return Vec::new() };
    let previous = peppers.previous.as_ref().map(Pepper::verifier);
    let judged = standing.judge(peppers.current.verifier(), previous);
    let found = judged.map_err(|error| error.to_string()).map(|adopted| {
        match adopted {
            Adopted::Known => "keys: the pepper is that of the store",
            Adopted::First { .. } => "keys: the store has no pepper yet, and will use this one",
            Adopted::Rotated => "keys: the pepper will replace the previous one at the next start",
        }
        .to_owned()
    });
    let outdated = standing.keys_of_other_peppers;
    let outdated = (outdated > 0).then(|| match previous {
        Some(_) => {
            format!("keys that still need `keys.previous_pepper`: {outdated}; each changes over at its next use")
        }
        None => format!("keys that do not work, because they belong to an earlier pepper: {outdated}"),
    });
    vec![(Some(found), outdated), (None, standing.hold.map(held))]
}
