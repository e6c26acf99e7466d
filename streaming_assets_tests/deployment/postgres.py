"""A PostgreSQL server of one's own, on a free port, from the programs that a distribution installs."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_INSTALLED = Path("/usr/lib/postgresql")
_SERVERS_USER = "postgres"


@dataclass(frozen=True)
class Server:
    """Where the server is, and who may enter."""

    programs: Path
    port: int
    user: str
    password: str
    database: str

    def query(self, sql: str) -> list[tuple[str, ...]]:
        """Rows as psql prints them."""
        told = subprocess.run(
            [self.programs / "psql", "--no-align", "--tuples-only", "--field-separator=\t", "--command", sql],
            env={
                "PGHOST": "127.0.0.1",
                "PGPORT": str(self.port),
                "PGUSER": self.user,
                "PGPASSWORD": self.password,
                "PGDATABASE": self.database,
            },
            capture_output=True,
            text=True,
            check=True,
        )
        return [tuple(line.split("\t")) for line in told.stdout.splitlines()]


def programs() -> Path | None:
    """The folder of the newest installed server's programs."""
    found = [path.parent for path in _INSTALLED.glob("*/bin/initdb")]
    return max(found, key=lambda path: int(path.parent.name), default=None)


def free_port() -> int:
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return int(asked.getsockname()[1])


@contextmanager
def server(installed: Path, user: str, password: str, database: str) -> Iterator[Server]:
    """A server that lets in whoever knows the password, with an empty database."""
    # Not in pytest's folder: that one is for its owner alone, and the server may not be root.
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    try:
        given = folder / "password"
        given.write_text(password)
        if os.geteuid() == 0:
            account = pwd.getpwnam(_SERVERS_USER)
            for path in (folder, given):
                os.chown(path, account.pw_uid, account.pw_gid)
        cluster, port = folder / "cluster", free_port()
        _call(installed / "initdb", "-D", cluster, "-U", user, f"--pwfile={given}", "--auth=scram-sha-256", "--no-sync")
        options = f"-p {port} -c listen_addresses=127.0.0.1 -k {folder}"
        _call(installed / "pg_ctl", "start", "-w", "-D", cluster, "-l", folder / "log", "-o", options)
        try:
            found = Server(installed, port, user, password, "postgres")
            found.query(f"CREATE DATABASE {database}")
            yield Server(installed, port, user, password, database)
        finally:
            _call(installed / "pg_ctl", "stop", "-w", "-m", "immediate", "-D", cluster)
    finally:
        shutil.rmtree(folder)


def _call(*command: str | Path) -> None:
    as_user = ("setpriv", f"--reuid={_SERVERS_USER}", f"--regid={_SERVERS_USER}", "--clear-groups", "--")
    subprocess.run(
        [*(as_user if os.geteuid() == 0 else ()), *command],
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,  # not a pipe: the server would keep it open
        check=True,
    )
