//! What the operator looks into of a carrier, beside its status. It belongs to the name of the carrier, and stays when
//! another connection takes its place.

use std::sync::Arc;
use std::time::Duration;

use model::Timestamp;
use runtime::Runtime;

use crate::codes::Codes;
use crate::trace::{KEPT, TRACE_MAX, Trace};

/// What the operator looks into.
#[derive(Debug, Default)]
pub struct Insight {
    /// The codes with which the carrier answers, since the start.
    pub codes: Codes,
    /// Its PDUs, while the operator has them traced.
    pub trace: Trace,
}

impl Insight {
    /// Traces for so long, at most [`TRACE_MAX`], and forgets what was traced before. A trace that goes on is replaced.
    /// Returns its end.
    pub fn begin_trace(self: &Arc<Self>, time: Duration, texts: bool, runtime: &Arc<dyn Runtime>) -> Timestamp {
        let time = time.min(TRACE_MAX);
        let until = runtime.now() + time;
        let run = self.trace.begin(until, texts);
        let (insight, on) = (Arc::clone(self), Arc::clone(runtime));
        let ending = async move {
            on.sleep(time).await;
            insight.trace.end(run);
            on.sleep(KEPT).await;
            insight.trace.forget(run);
        };
        drop(runtime.spawn("end of a trace", Box::pin(ending)));
        until
    }
}
