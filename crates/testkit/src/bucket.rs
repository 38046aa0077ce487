//! A bucket of a real service that speaks S3, for tests: one SeaweedFS for each test program, started when it is first
//! asked for, and one path in its bucket for each test.
//!
//! The service listens on loopback alone. It ends with the test program, however that ends: a shell beside it waits for
//! the end of its input.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use runtime::{Machine, Runtime};
use store::objects::BucketSettings;
use tempfile::TempDir;
use tokio::sync::OnceCell;

/// Who may do what with the service.
const IDENTITIES: &str = r#"{"identities": [{"name": "tests", "actions": ["Admin", "Read", "Write", "List"],
    "credentials": [{"accessKey": "key", "secretKey": "secret"}]}]}"#;

/// Runs the program `$2` with the rest of the arguments, and ends it and removes the directory `$1` when the input
/// ends.
const SCRIPT: &str = r#"
directory="$1"
shift
"$@" >"$directory/log" 2>&1 &
service=$!
cat >/dev/null
kill -KILL "$service"
wait "$service" 2>/dev/null
rm -rf "$directory"
"#;

/// How long the service may take to start.
const START_MAX: Duration = Duration::from_secs(60);

static SERVICE: OnceCell<Service> = OnceCell::const_new();

/// A running service.
struct Service {
    port: u16,
    /// Its input ends with this program.
    _shell: Child,
    paths: AtomicU32,
}

/// The settings of an empty place in a bucket.
///
/// # Panics
/// Where the service is not installed, or does not start.
pub async fn fresh() -> BucketSettings {
    let service = SERVICE.get_or_init(Service::start).await;
    BucketSettings {
        url: format!("s3://tests/{}", service.paths.fetch_add(1, Ordering::Relaxed)),
        endpoint: format!("http://127.0.0.1:{}", service.port),
        region: "us-east-1".to_owned(),
        access_key: "key".to_owned(),
        secret_key: "secret".to_owned(),
    }
}

impl Service {
    async fn start() -> Self {
        let directory = TempDir::with_prefix("smsfactory-s3-").expect("a directory for the service").keep();
        std::fs::write(directory.join("identities.json"), IDENTITIES).expect("a file in a new directory");
        let [s3, filer, master, volume] = free_ports();
        let [s3_grpc, filer_grpc, master_grpc, volume_grpc] = free_ports();
        let shell = Command::new("sh")
            .args(["-c", SCRIPT, "sh"])
            .arg(&directory)
            .arg(program())
            .args(["server", "-s3", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-volume.max=10"])
            .args(["-master.volumeSizeLimitMB=64", "-master.telemetry=false", "-s3.port.iceberg=0", "-s3.port.lance=0"])
            .args([format!("-s3.port={s3}"), format!("-s3.port.grpc={s3_grpc}")])
            .args([format!("-filer.port={filer}"), format!("-filer.port.grpc={filer_grpc}")])
            .args([format!("-master.port={master}"), format!("-master.port.grpc={master_grpc}")])
            .args([format!("-volume.port={volume}"), format!("-volume.port.grpc={volume_grpc}")])
            .arg(format!("-dir={}", directory.display()))
            .arg(format!("-s3.config={}", directory.join("identities.json").display()))
            .stdin(Stdio::piped())
            .spawn()
            .expect("a shell that runs the service");
        wait(&directory, || is_answered(s3, "GET / HTTP/1.1", "HTTP/1.1 403")).await;
        // A directory of the filer is a bucket. It has volumes to write to a little later than it answers.
        wait(&directory, || is_answered(filer, "POST /buckets/tests/ HTTP/1.1", "HTTP/1.1 201")).await;
        wait(&directory, || is_answered(master, "GET /dir/assign HTTP/1.1", "HTTP/1.1 200")).await;
        Self { port: s3, _shell: shell, paths: AtomicU32::new(0) }
    }
}

/// Where `scripts/servers` installs the service.
fn program() -> PathBuf {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/servers/bin/weed");
    assert!(program.is_file(), "these tests need SeaweedFS: run `scripts/servers`, which installs it");
    program
}

/// Ports that nothing listens on.
fn free_ports() -> [u16; 4] {
    let held = [(); 4].map(|()| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port"));
    held.map(|listener| listener.local_addr().expect("a port").port())
}

/// Waits until something is true of the service.
async fn wait(directory: &Path, is_ready: impl Fn() -> bool) {
    let machine: Arc<dyn Runtime> = Arc::new(Machine::new());
    let began = machine.instant();
    while !is_ready() {
        let log = || std::fs::read_to_string(directory.join("log")).unwrap_or_default();
        assert!(machine.instant() - began < START_MAX, "the service did not start: {}", log());
        machine.sleep(Duration::from_millis(50)).await;
    }
}

/// Whether a request gets an answer that begins so.
fn is_answered(port: u16, request: &str, expected: &str) -> bool {
    let asked = || -> io::Result<Vec<u8>> {
        let mut stream = TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
        stream.set_read_timeout(Some(Duration::from_secs(2)))?;
        write!(stream, "{request}\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")?;
        let mut answer = vec![0; expected.len()];
        stream.read_exact(&mut answer)?;
        Ok(answer)
    };
    asked().is_ok_and(|answer| answer == expected.as_bytes())
}
