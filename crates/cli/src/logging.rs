//! Log lines on standard error, for people or for programs.

use std::io::{self, Write};

use tracing::Subscriber;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::{self, MakeWriter};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::{registry, reload};
use wire::terminal::escape;

use config::{LogFormat, log_filter};
use server::reload::SetLogLevel;

/// Starts logging. `filter` is a level, or a list such as `info,carrier=debug`. Returns a function that changes it.
///
/// # Errors
/// A sentence for the operator when the filter cannot be read.
pub(super) fn start(format: LogFormat, filter: &str) -> Result<SetLogLevel, String> {
    let filter = log_filter::parse(filter).map_err(|what| format!("`log.level` {what}"))?;
    let (subscriber, set_level) = subscriber(format, filter, || OneLine(io::stderr()));
    tracing::subscriber::set_global_default(subscriber).map_err(|error| error.to_string())?;
    Ok(set_level)
}

fn subscriber<W>(format: LogFormat, filter: Targets, writer: W) -> (Box<dyn Subscriber + Send + Sync>, SetLogLevel)
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let (filter, handle) = reload::Layer::new(filter);
    // Without colours: among escape characters of ours, those of a carrier would not stand out.
    let lines = fmt::layer().with_writer(writer).with_ansi(false);
    let subscriber: Box<dyn Subscriber + Send + Sync> = match format {
        LogFormat::Text => Box::new(registry().with(filter).with(lines)),
        LogFormat::Json => {
            let lines = lines.json().flatten_event(true).with_current_span(false).with_span_list(false);
            Box::new(registry().with(filter).with(lines))
        }
    };
    let set_level = move |filter: &str| {
        log_filter::parse(filter).and_then(|filter| handle.reload(filter).map_err(|error| error.to_string()))
    };
    (subscriber, Box::new(set_level))
}

/// A writer of log lines, each of which comes in one call. Foreign text in it is escaped: a line break would forge
/// another line.
struct OneLine<W>(W);

impl<W: Write> Write for OneLine<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if let Some((b'\n', plain)) = line.split_last()
            && is_plain(plain)
        {
            self.0.write_all(line)?;
            return Ok(line.len());
        }
        let text = String::from_utf8_lossy(line);
        let (text, end) = text.strip_suffix('\n').map_or((&*text, ""), |text| (text, "\n"));
        self.0.write_all((escape(text).into_owned() + end).as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Whether there are only printable characters of ASCII. It looks at every octet instead of stopping at the first other
/// one, so that the processor takes many at once: nearly every line is plain.
fn is_plain(line: &[u8]) -> bool {
    line.iter().fold(true, |plain, octet| plain & matches!(octet, b' '..=b'~'))
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex, PoisonError};

    use super::*;

    /// What was written.
    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).write(octets)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn the_level_may_change_while_lines_are_written() {
        for format in [LogFormat::Text, LogFormat::Json] {
            let written = Written::default();
            let writer = written.clone();
            let (subscriber, set_level) = subscriber(format, "warn".parse().unwrap(), move || OneLine(writer.clone()));
            tracing::subscriber::with_default(subscriber, || {
                let line = |number: u32| tracing::info!("line {number}");
                line(1);
                set_level("info,carrier=debug").unwrap();
                line(2);
                assert!(set_level("inof").is_err());
                line(3);
                set_level("off").unwrap();
                line(4);
            });
            let lines = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
            let has = |number: u32| lines.contains(&format!("line {number}"));
            assert_eq!([1, 2, 3, 4].map(has), [false, true, true, false], "{lines}");
        }
    }

    #[test]
    fn a_foreign_text_cannot_forge_a_log_line_or_reach_the_terminal() {
        for foreign in
            ["7\nERROR forged", "7\r\t", "\x1b[2J\x1b]0;title\x07", "\u{9b}31m", "\u{202e}desrever", "\u{2028}next"]
        {
            for format in [LogFormat::Text, LogFormat::Json] {
                let written = Written::default();
                let writer = written.clone();
                let (subscriber, _) = subscriber(format, "info".parse().unwrap(), move || OneLine(writer.clone()));
                tracing::subscriber::with_default(
                    subscriber,
                    || tracing::info!(id = foreign, why = %foreign, "Carrier says {foreign}"),
                );
                let line = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
                let line = line.strip_suffix('\n').unwrap();
                assert!(
                    line.contains("Carrier says")
                        && !line.contains(|c: char| c.is_control() || "\u{202e}\u{2028}".contains(c)),
                    "{line:?}"
                );
            }
        }
    }
}
