"""The collector as a thread, for the demo and for tests."""

import errno
import json
import socket
import threading
from pathlib import Path

import uvicorn

from .app import LIMIT, make_app
from .store import Store


def settings(app, **more) -> uvicorn.Config:
    """uvicorn as the collector needs it: quiet, and patient with boards that keep connections."""
    return uvicorn.Config(
        app, log_level="warning", access_log=False, timeout_keep_alive=75, lifespan="off", **more
    )


def listening(host: str, port: int) -> list[socket.socket]:
    """Sockets at each address of `host`, where boards may connect from now on. Raises OSError."""
    found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    made: list[socket.socket] = []
    missing = None
    try:
        for family, _, _, _, address in dict.fromkeys(found):
            try:
                made.append(_bound(family, address))
            except OSError as exc:
                if exc.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                    raise
                missing = exc  # a name may have an IPv6 address where there is no IPv6
    except OSError:
        for sock in made:
            sock.close()
        raise
    if missing and not made:
        raise missing
    return made


def _bound(family: int, address) -> socket.socket:
    made = socket.create_server(address, family=family, backlog=1024)
    # asyncio switches Nagle off only where the protocol is named: else 40 ms an answer.
    return socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP, made.detach())


class CollectorThread:
    """`with CollectorThread("some.db") as collector:` listens on 127.0.0.1:`collector.port`.

    The database lives on after it; `rows()` reads it at any time.
    """

    def __init__(
        self, path: str | Path, port: int = 0, token=None, limit: int = LIMIT, patience_s=5.0, **tls
    ):
        self.store = Store(path, patience_s=patience_s)
        [self._socket] = listening("127.0.0.1", port)
        self.port = self._socket.getsockname()[1]
        self._server = uvicorn.Server(settings(make_app(self.store, token, limit), **tls))
        self._server.install_signal_handlers = lambda: None  # for older uvicorn
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1/batches"

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.should_exit = True
        self._server.force_exit = True
        self._thread.join(10)
        self._socket.close()
        self.store.close()

    def rows(self, series: str | None = None) -> list[dict]:
        """-> every reading in the order of arrival; value and fields as Python objects."""
        sql = "SELECT * FROM everything ORDER BY id"
        out = [dict(row) for row in self.store.query(sql)]
        for row in out:
            row["value"] = json.loads(row["value"])
            row["fields"] = json.loads(row["fields"]) if row["fields"] else None
        return [row for row in out if series in (None, row["series"])]

    def repeats(self) -> int:
        """-> how many readings came again and were dropped."""
        return self.store.query("SELECT COALESCE(SUM(repeats), 0) FROM streams")[0][0]
