//! Databases of a real PostgreSQL, for tests: one server for each test program, started when it is first asked for, and
//! one database for each test, which is a copy of one with the store's schema. A test that kills a server has one of
//! its own.
//!
//! The server listens on loopback alone. It ends with the test program, however that ends: a shell beside it waits for
//! the end of its input. Nothing of it survives a loss of power; it survives the end of its processes, as any does.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use runtime::{Machine, Runtime};
use tempfile::TempDir;
use tokio::sync::OnceCell;
use tokio_postgres::{Client, NoTls};

/// Makes a server of the programs in `$2` in the directory `$1`, runs it on the port `$3`, and ends it and removes the
/// directory when the input ends. A line `kill` kills it, a line `start` starts it again: as soon as what is left of
/// the killed one has ended, which is in the way until then. The programs refuse to run as root.
const SCRIPT: &str = r#"
directory="$1" programs="$2" port="$3"
as=""
if [ "$(id -u)" -eq 0 ]; then
    chown postgres "$directory"
    as="setpriv --reuid=postgres --regid=postgres --clear-groups"
fi
cd "$directory"
start() {
    $as "$programs/postgres" -D data -p "$port" -k "$directory" -c listen_addresses=127.0.0.1 -c max_connections=500 \
        -c fsync=off -c full_page_writes=off -c shared_buffers=128MB -c autovacuum=off -c max_wal_size=4GB >>log 2>&1 &
    server=$!
}
$as "$programs/initdb" --auth=trust --username=postgres --encoding=UTF8 --locale=C --no-sync data >log 2>&1
start
echo started
while read -r line; do
    case "$line" in
    kill)
        kill -KILL "$server"
        wait "$server" 2>/dev/null
        ;;
    start)
        start
        sleep 0.5
        until kill -0 "$server" 2>/dev/null; do
            start
            sleep 0.5
        done
        ;;
    esac
done
kill -QUIT "$server"
wait "$server" 2>/dev/null
cd /
rm -rf "$directory"
"#;

/// How long the server may take to start.
const START_MAX: Duration = Duration::from_secs(60);

static SERVER: OnceCell<Server> = OnceCell::const_new();

/// A running server.
struct Server {
    port: u16,
    directory: PathBuf,
    /// Its input ends with this program.
    shell: Mutex<Child>,
    databases: AtomicU32,
    /// The names of databases that nobody needs any more.
    done: Mutex<Vec<String>>,
}

/// A database of its own, with the store's schema.
#[derive(Debug)]
pub struct Database {
    name: String,
    port: u16,
    /// Whether it is one of the server of the test program.
    is_shared: bool,
}

/// A server of one's own, which can be killed.
pub struct OwnServer(Server);

impl OwnServer {
    /// Makes and starts one.
    ///
    /// # Panics
    /// Where PostgreSQL is not installed, or does not start.
    pub async fn start() -> Self {
        Self(Server::start().await)
    }

    /// An empty store on it.
    ///
    /// # Panics
    /// Where the server does not run.
    pub async fn fresh(&self) -> Database {
        self.0.fresh(false).await
    }

    /// Kills it with SIGKILL. The processes of its connections end as soon as they see that.
    ///
    /// # Panics
    /// Where the shell is gone that runs it.
    pub fn kill(&self) {
        self.0.tell("kill");
    }

    /// Starts it again after [`Self::kill`], and waits until it takes connections.
    ///
    /// # Panics
    /// Where it does not start.
    pub async fn start_again(&self) {
        self.0.tell("start");
        drop(self.0.ready().await);
    }
}

impl Database {
    /// An empty store.
    ///
    /// # Panics
    /// Where PostgreSQL is not installed, or does not start.
    pub async fn fresh() -> Self {
        SERVER.get_or_init(Server::start).await.fresh(true).await
    }

    /// Where it is.
    pub fn url(&self) -> String {
        url(self.port, &self.name)
    }

    /// A connection past the store, for looking at its rows and for breaking them.
    ///
    /// # Panics
    /// Where the server takes none.
    pub async fn client(&self) -> Client {
        connect(&self.url()).await.expect("the server takes connections")
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Some(server) = SERVER.get().filter(|_| self.is_shared) {
            server.done.lock().unwrap_or_else(PoisonError::into_inner).push(std::mem::take(&mut self.name));
        }
    }
}

fn url(port: u16, database: &str) -> String {
    format!("postgres://postgres@127.0.0.1:{port}/{database}")
}

async fn connect(url: &str) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    let machine: Arc<dyn Runtime> = Arc::new(Machine::new());
    // How it ends is seen by those who use the client.
    machine.spawn("test-connection", Box::pin(async move { drop(connection.await) }));
    Ok(client)
}

impl Server {
    async fn start() -> Self {
        // In memory where there is room: a test program makes and removes some hundred thousand files.
        let memory = Path::new("/dev/shm");
        let place = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let directory = TempDir::with_prefix_in("smsfactory-postgres-", place).expect("a directory").keep();
        let port = free_port();
        let mut shell = Command::new("sh")
            .args(["-c", SCRIPT, "sh"])
            .arg(&directory)
            .arg(programs())
            .arg(port.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell that runs the server");
        let mut started = String::new();
        let output = shell.stdout.take().expect("its output is a pipe");
        BufReader::new(output).read_line(&mut started).expect("the shell says when it has started the server");
        let shell = Mutex::new(shell);
        let server = Self { port, directory, shell, databases: AtomicU32::new(0), done: Mutex::default() };
        server.make_pattern().await;
        server
    }

    /// Waits until it takes connections.
    async fn ready(&self) -> Client {
        let machine: Arc<dyn Runtime> = Arc::new(Machine::new());
        let began = machine.instant();
        loop {
            match self.client("postgres").await {
                Ok(client) => return client,
                Err(error) => {
                    let log = || std::fs::read_to_string(self.directory.join("log")).unwrap_or_default();
                    assert!(machine.instant() - began < START_MAX, "the server did not start: {error}: {}", log());
                }
            }
            machine.sleep(Duration::from_millis(20)).await;
        }
    }

    /// Tells the shell something.
    fn tell(&self, what: &str) {
        let mut shell = self.shell.lock().unwrap_or_else(PoisonError::into_inner);
        writeln!(shell.stdin.as_mut().expect("its input is a pipe"), "{what}").expect("the shell runs");
    }

    async fn fresh(&self, is_shared: bool) -> Database {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let admin = self.client("postgres").await.expect("the server takes connections");
        let done = std::mem::take(&mut *self.done.lock().unwrap_or_else(PoisonError::into_inner));
        for done in done {
            admin.batch_execute(&format!("DROP DATABASE {done} WITH (FORCE)")).await.expect("an old database goes");
        }
        admin.batch_execute(&format!("CREATE DATABASE {name} TEMPLATE pattern")).await.expect("a new database");
        Database { name, port: self.port, is_shared }
    }

    /// Makes the database that the others are copies of.
    async fn make_pattern(&self) {
        let admin = self.ready().await;
        admin.batch_execute("CREATE DATABASE pattern").await.expect("a new database");
        let store = store::open(&url(self.port, "pattern"), Arc::new(Machine::new())).await.expect("an empty store");
        store.close().await;
        // Its connections end a little later, and a database that is in use cannot be copied.
        let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'pattern'";
        admin.batch_execute(end).await.expect("an end of connections");
        let left = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'pattern'";
        while admin.query_one(left, &[]).await.expect("a count").get::<_, i64>(0) > 0 {
            tokio::task::yield_now().await;
        }
    }

    async fn client(&self, database: &str) -> Result<Client, tokio_postgres::Error> {
        connect(&url(self.port, database)).await
    }
}

/// Where Debian's packages put the programs: those of the newest version.
fn programs() -> PathBuf {
    let versions = || -> io::Result<Option<PathBuf>> {
        let found = std::fs::read_dir("/usr/lib/postgresql")?.collect::<io::Result<Vec<_>>>()?;
        Ok(found.into_iter().map(|version| version.path().join("bin")).filter(|bin| bin.join("initdb").is_file()).max())
    };
    versions().ok().flatten().expect("these tests need PostgreSQL, as the package `postgresql` installs it")
}

fn free_port() -> u16 {
    let held = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    held.local_addr().expect("a port").port()
}
