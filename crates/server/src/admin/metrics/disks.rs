//! How much room the file systems have that hold what the platform keeps.

use std::path::{Path, PathBuf};

use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::gauge::ConstGauge;
use rustix::fs::statvfs;

use config::Config;

/// The directories of this machine that hold something, each with what it holds. A database and a bucket have none.
#[derive(Clone, Debug)]
pub(super) struct Directories(Vec<(&'static str, PathBuf)>);

/// The file system of a directory.
#[derive(Clone, Debug)]
pub(super) struct Disk {
    holds: &'static str,
    bytes: u64,
    free_bytes: u64,
}

impl Directories {
    /// Those of a configuration.
    pub(super) fn of(config: &Config) -> Self {
        let file = store::path_of(&config.store.url).ok().flatten();
        // A file without a directory in its path lies in the one that the process works in.
        let directory = |file: &Path| match file.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        let store = file.map(|file| ("store", directory(file)));
        let media = config.media.url.is_empty().then(|| ("media", config.media.directory.clone()));
        Self(store.into_iter().chain(media).collect())
    }

    /// Asks the system; it may wait for the disk. A directory of which it says nothing is left out.
    pub(super) fn look(&self) -> Vec<Disk> {
        let look = |(holds, directory): &(&'static str, PathBuf)| {
            let found = statvfs(directory).ok()?;
            // What is kept back for root is not ours.
            let (bytes, free_bytes) = (found.f_blocks * found.f_frsize, found.f_bavail * found.f_frsize);
            Some(Disk { holds, bytes, free_bytes })
        };
        self.0.iter().filter_map(look).collect()
    }
}

/// Writes the file systems.
pub(super) fn encode(encoder: &mut DescriptorEncoder<'_>, disks: &[Disk]) -> std::fmt::Result {
    type Read = fn(&Disk) -> u64;
    let gauges: [(&str, &str, Read); 2] = [
        ("disk_bytes", "Size of the file system that holds the store or the media", |disk| disk.bytes),
        ("disk_free_bytes", "What may still be written to that file system", |disk| disk.free_bytes),
    ];
    for (name, help, read) in gauges {
        let kind = ConstGauge::new(0i64).metric_type();
        let mut family = encoder.encode_descriptor(name, help, None, kind)?;
        for disk in disks {
            let gauge = ConstGauge::new(i64::try_from(read(disk)).unwrap_or(i64::MAX));
            gauge.encode(family.encode_family(&[("holds", disk.holds)])?)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use config::read::parse;

    #[test]
    fn a_file_and_a_directory_of_media_are_on_disks_of_this_machine() {
        let of = |text: &str| Directories::of(&parse(text, std::iter::empty()).unwrap()).0;
        let default = [("store", PathBuf::from("./data")), ("media", PathBuf::from("./data/media"))];
        assert_eq!(of(""), default);
        assert_eq!(of("[store]\nurl = \"sqlite:my.db\"")[0], ("store", PathBuf::from(".")));
        let elsewhere = "[store]\nurl = \"postgres://me@db/sms\"\n[media]\nurl = \"s3://bucket\"\n\
            s3_access_key = \"key\"\ns3_secret_key = \"secret\"";
        assert_eq!(of(elsewhere), []);
    }

    #[test]
    fn a_directory_that_is_not_there_is_left_out() {
        let directory = tempfile::tempdir().unwrap();
        let missing = directory.path().join("missing");
        let disks = Directories(vec![("store", directory.path().to_owned()), ("media", missing)]).look();
        assert_eq!(disks.iter().map(|disk| disk.holds).collect::<Vec<_>>(), ["store"]);
        assert!(disks[0].bytes >= disks[0].free_bytes && disks[0].bytes > 0, "{disks:?}");
    }
}
