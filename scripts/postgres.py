"""Real PostgreSQL servers for scripts: a primary, and a standby that has every commit before it is answered."""

import glob
import os
import pwd
import shutil
import signal
import subprocess

from harness import Process, free_port, wait_for


def programs():
    """Where Debian's packages put the programs: those of the newest version."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
    if not found:
        raise SystemExit("PostgreSQL is not installed (the package `postgresql`)")
    return found[-1]


def as_postgres():
    """What a command begins with so that PostgreSQL runs it: it refuses to run as root."""
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []


class Postgres:
    """One server with a directory of its own. It may be killed, started again, and promoted."""

    def __init__(self, directory, name, port=None, listen="127.0.0.1"):
        self.name, self.port, self.listen = name, port or free_port(), listen
        self.home = os.path.join(directory, name)
        os.makedirs(self.home)
        if os.geteuid() == 0:
            os.chown(self.home, pwd.getpwnam("postgres").pw_uid, -1)
            os.chmod(directory, 0o755)
        self.data, self.log = os.path.join(self.home, "data"), os.path.join(self.home, "log")
        self.process = None

    def run(self, program, *arguments, **options):
        command = [*as_postgres(), os.path.join(programs(), program), *map(str, arguments)]
        return subprocess.run(command, cwd=self.home, check=True, capture_output=True, text=True, **options).stdout

    def make(self):
        """A new, empty server."""
        self.run("initdb", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C", "-D", self.data)
        with open(os.path.join(self.data, "pg_hba.conf"), "a") as hba:
            hba.write("host all all 0.0.0.0/0 trust\nhost replication all 0.0.0.0/0 trust\n")

    def copy_of(self, primary):
        """A standby of a running server."""
        connection = f"host=127.0.0.1 port={primary.port} user=postgres application_name={self.name}"
        shutil.rmtree(self.data, ignore_errors=True)
        self.run("pg_basebackup", "-d", connection, "-D", self.data, "-R", "-X", "stream", "--checkpoint=fast")

    def start(self, *settings):
        """Starts it, and returns when it takes connections."""
        options = {
            "port": self.port,
            "listen_addresses": self.listen,
            "unix_socket_directories": self.home,
            "max_connections": 300,
            "shared_buffers": "128MB",
            "wal_level": "replica",
            "hot_standby": "on",
            "max_wal_size": "2GB",
        }
        options.update(setting.split("=", 1) for setting in settings)
        command = [*as_postgres(), os.path.join(programs(), "postgres"), "-D", self.data]
        for key, value in options.items():
            command += ["-c", f"{key}={value}"]
        with open(self.log, "ab") as log:
            self.process = Process(*command, cwd=self.home, stdout=log, stderr=log, start_new_session=True)
        wait_for(f"the start of PostgreSQL (see {self.log})", self.answers, 60)

    def answers(self):
        ready = os.path.join(programs(), "pg_isready")
        return subprocess.run([ready, "-q", "-h", "127.0.0.1", "-p", str(self.port)]).returncode == 0

    def sql(self, text, database="postgres"):
        """What a statement answers, without decoration."""
        psql = shutil.which("psql") or os.path.join(programs(), "psql")
        command = [psql, "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", "-d", database, "-AtqX", "-c", text]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout.strip()

    def processes(self):
        """The ids of its processes, the first one in front. Each leads a group of its own: a signal to the group of the
        first one reaches no other."""
        first = self.process.process.pid
        with open(f"/proc/{first}/task/{first}/children") as children:
            return [first, *map(int, children.read().split())]

    def kill(self):
        """kill -9 of all of its processes at once, as when the machine loses its power, but for the disk's cache."""
        self.signal(signal.SIGSTOP)
        self.signal(signal.SIGKILL)
        self.process.wait()

    def signal(self, number):
        """Sends all of its processes a signal. The first one gets it first, and starts no other meanwhile."""
        for process in self.processes():
            try:
                os.kill(process, number)
            except ProcessLookupError:
                pass

    def stop(self):
        self.process.stop(signal.SIGQUIT)

    def promote(self):
        self.sql("SELECT pg_promote(true, 30)")

    def url(self, *others, host="127.0.0.1"):
        """Where nodes find it, or whichever of the others is the primary."""
        hosts = ",".join(f"{host}:{server.port}" for server in (self, *others))
        return f"postgres://postgres@{hosts}/smsfactory?target_session_attrs=read-write&sslmode=disable"


class Pair:
    """A primary and its synchronous standby. After a failover the old primary becomes the standby."""

    def __init__(self, directory, listen="127.0.0.1"):
        self.primary = Postgres(directory, "one", listen=listen)
        self.standby = Postgres(directory, "two", listen=listen)
        self.primary.make()
        self.primary.start()
        self.primary.sql("CREATE DATABASE smsfactory")
        self.follow()

    def follow(self):
        """Makes the standby anew, and has commits wait for it."""
        self.standby.copy_of(self.primary)
        self.standby.start()
        self.primary.sql(f"ALTER SYSTEM SET synchronous_standby_names = '{self.standby.name}'")
        self.primary.sql("SELECT pg_reload_conf()")
        wait_for("the synchronous standby", self.is_synchronous, 60)

    def is_synchronous(self):
        return self.primary.sql("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'") == "1"

    def url(self, host="127.0.0.1"):
        return self.primary.url(self.standby, host=host)

    def fail_over(self):
        """Kills the primary and promotes the standby."""
        self.primary.kill()
        self.primary, self.standby = self.standby, self.primary
        self.primary.promote()
        self.primary.sql("ALTER SYSTEM RESET synchronous_standby_names")
        self.primary.sql("SELECT pg_reload_conf()")

    def stop(self):
        self.standby.stop()
        self.primary.stop()
