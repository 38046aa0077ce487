//! What several tests of messages of handsets use.

use std::sync::Arc;
use std::time::Duration;

use model::{Entropy, Mint};
use runtime::Runtime;
use wire::inbound::{Coding, UserData};

use super::{Interpreting, Replies};
use crate::admit::{AdmissionLimits, InForce, References};
use crate::dispatch::Dispatchers;
use crate::tenants::TenantBook;

/// A short text.
pub(super) fn plain(text: &str) -> UserData {
    UserData::new(Coding::Gsm7, text.bytes().collect())
}

/// An interpreter for these tenants. No carrier takes its answers.
pub(crate) fn interpreting(
    tenants: &Arc<TenantBook>,
    runtime: &Arc<dyn Runtime>,
    entropy: Arc<dyn Entropy>,
) -> Arc<Interpreting> {
    let mint = Arc::new(Mint::default());
    let limits = AdmissionLimits { validity: Duration::from_secs(86_400), ..AdmissionLimits::SMALLEST };
    let replies = Replies {
        tenants: Arc::clone(tenants),
        routes: Arc::default(),
        dispatchers: Dispatchers::default(),
        references: Arc::new(References::new(&*entropy)),
        limits: Arc::new(InForce::new(limits)),
        mint: Arc::clone(&mint),
        runtime: Arc::clone(runtime),
        entropy: Arc::clone(&entropy),
    };
    let (tenants, runtime) = (Arc::clone(tenants), Arc::clone(runtime));
    Arc::new(Interpreting { tenants, replies, mint, runtime, entropy })
}
