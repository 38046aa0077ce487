//! Metrics of the launches of scheduled messages.

use pipeline::Counters;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

pub(super) fn encode(encoder: &mut DescriptorEncoder<'_>, counters: &Counters) -> std::fmt::Result {
    let launches = &counters.launches;
    let observed = launches.late.get();
    let help = "Time from the `sendAt` of a message until this node queued or failed it";
    let mut late = encoder.encode_descriptor("launch_delay_seconds", help, None, MetricType::Histogram)?;
    late.encode_histogram::<NoLabelSet>(observed.sum_secs, observed.count, &observed.buckets, None)?;
    let failed = ConstCounter::new(launches.failed.get());
    let help = "Launches of scheduled messages that failed and are repeated";
    failed.encode(encoder.encode_descriptor("launches_failed", help, None, failed.metric_type())?)?;
    let overdue = ConstGauge::new(i64::try_from(launches.overdue_by().as_secs()).unwrap_or(i64::MAX));
    let help = "Age of the `sendAt` of the scheduled message that is overdue longest; 0 without one";
    overdue.encode(encoder.encode_descriptor("launch_overdue_seconds", help, None, overdue.metric_type())?)
}
