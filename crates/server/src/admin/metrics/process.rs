//! The process itself, under the names that every Prometheus client has for it.

use std::fs;

use model::Timestamp;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use rustix::param::{clock_ticks_per_second, page_size};

use crate::files;

/// What the system says about this process. What it does not say is left out.
#[derive(Debug)]
pub(super) struct Process {
    usage: Option<Usage>,
    open_files: Option<u64>,
    /// How many it may have open; none for no limit.
    open_files_max: Option<u64>,
    started_at: Timestamp,
}

/// What a process has taken of the machine.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Usage {
    cpu_secs: f64,
    threads: u64,
    virtual_bytes: u64,
    resident_bytes: u64,
}

impl Process {
    /// Asks the system.
    pub(super) fn look(started_at: Timestamp) -> Self {
        let stat = fs::read_to_string("/proc/self/stat").ok();
        // The directory's own descriptor is among them.
        let open_files = fs::read_dir("/proc/self/fd").map(|files| files.count().saturating_sub(1) as u64).ok();
        Self {
            usage: stat.and_then(|stat| Usage::read(&stat, clock_ticks_per_second(), page_size() as u64)),
            open_files,
            open_files_max: files::limit(),
            started_at,
        }
    }
}

impl Usage {
    /// Reads `/proc/PID/stat`, see `proc(5)`.
    fn read(stat: &str, ticks_per_second: u64, page_bytes: u64) -> Option<Self> {
        // The name of the program may have blanks and parentheses in it.
        let (_, fields) = stat.rsplit_once(')')?;
        let fields: Vec<&str> = fields.split_whitespace().collect();
        // The state, which comes first here, is the third field of that page.
        let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
        Some(Self {
            cpu_secs: (field(14)? + field(15)?) as f64 / ticks_per_second as f64,
            threads: field(20)?,
            virtual_bytes: field(23)?,
            resident_bytes: field(24)? * page_bytes,
        })
    }
}

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> std::fmt::Result {
        if let Some(usage) = self.usage {
            let help = "Time that the process had on processors, in seconds";
            let cpu = ConstCounter::new(usage.cpu_secs);
            cpu.encode(encoder.encode_descriptor("process_cpu_seconds", help, None, cpu.metric_type())?)?;
        }
        let of_usage = |read: fn(&Usage) -> u64| self.usage.as_ref().map(read);
        let started_secs = u64::try_from(self.started_at.as_millis() / 1_000).ok();
        let gauges = [
            ("process_resident_memory_bytes", "Memory that the process has", of_usage(|usage| usage.resident_bytes)),
            ("process_virtual_memory_bytes", "Addresses that the process has", of_usage(|usage| usage.virtual_bytes)),
            ("process_threads", "Threads of the process", of_usage(|usage| usage.threads)),
            ("process_open_fds", "Files and connections that the process has open", self.open_files),
            ("process_max_fds", "Files and connections that the process may have open", self.open_files_max),
            ("process_start_time_seconds", "When the platform started, in seconds since 1970", started_secs),
        ];
        for (name, help, value) in gauges {
            let Some(value) = value else { continue };
            let gauge = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_proc_is_read_whatever_the_program_is_called() {
        let rest = "S 1 1 1 0 -1 4194304 9000 0 0 0 250 50 7 8 20 0 12 0 3000 1000000 2000 18446744073709551615 1";
        let read = |name: &str| Usage::read(&format!("42 ({name}) {rest}"), 100, 4_096);
        let expected = Usage { cpu_secs: 3.0, threads: 12, virtual_bytes: 1_000_000, resident_bytes: 8_192_000 };
        assert_eq!((read("smsfactory"), read("a (b) c")), (Some(expected), Some(expected)));
        assert_eq!(Usage::read("42 (smsfactory) S 1 1", 100, 4_096), None);
    }
}
