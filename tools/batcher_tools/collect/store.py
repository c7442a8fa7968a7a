"""The collector's memory: SQLite, written by one thread, each reading once.

Rules
- `put` answers after the commit: WAL with synchronous=FULL, so the answer comes after fsync.
- Whoever waits when the thread is free shares its transaction: many boards, one fsync.
- A reading is named by (device, boot, series, sequence number). The first one under a name
  stays, a repeat is counted and dropped.
- Row ids are given in the order of arrival and tell it later.
"""

import contextlib
import json
import queue
import sqlite3
import threading
import time
from concurrent.futures import Future
from pathlib import Path

from .wire import Batch

_TABLES = """
CREATE TABLE IF NOT EXISTS streams (
    id INTEGER PRIMARY KEY, device TEXT NOT NULL, boot TEXT NOT NULL, series TEXT NOT NULL,
    repeats INTEGER NOT NULL DEFAULT 0, UNIQUE (device, boot, series));
CREATE TABLE IF NOT EXISTS schemas (id INTEGER PRIMARY KEY, fields TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS readings (
    id INTEGER PRIMARY KEY,           -- order of arrival
    stream INTEGER NOT NULL REFERENCES streams, seq INTEGER NOT NULL,
    schema INTEGER REFERENCES schemas, -- NULL: `value` is any JSON
    t INTEGER,                        -- milliseconds, since 1970 where `unix`, else since boot
    unix INTEGER NOT NULL, value TEXT NOT NULL, received REAL NOT NULL, UNIQUE (stream, seq));
CREATE VIEW IF NOT EXISTS everything AS
    SELECT readings.id, device, boot, series, seq, t, unix, fields, value, received
    FROM readings JOIN streams ON stream = streams.id LEFT JOIN schemas ON schema = schemas.id;
"""


class Full(Exception):
    """Too many requests wait for the disk: try again later."""


class Store:
    """`put(batches)` -> Future of (stored, repeated). `path` is a file; its folder exists.

    `queue_length` bounds how many requests may wait; `patience_s` is how long the writer waits
    for a lock that another program holds.
    """

    def __init__(self, path: str | Path, queue_length: int = 1000, patience_s: float = 5.0):
        self.path = str(path)
        self._patience_s = patience_s
        self._queue: queue.Queue = queue.Queue(queue_length)
        self._streams: dict[tuple[str, str, str], int] = {}
        self._schemas: dict[str, int] = {}
        ready: Future = Future()
        self._thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        self._thread.start()
        ready.result()  # a database that cannot be opened is told here

    def put(self, batches: list[Batch]) -> "Future[tuple[int, int]]":
        future: Future = Future()
        try:
            self._queue.put_nowait((batches, future))
        except queue.Full:
            raise Full from None
        return future

    def close(self) -> None:
        self._queue.put((None, None))
        self._thread.join()

    def query(self, sql: str, *arguments) -> list[sqlite3.Row]:
        """Read on a connection of its own: never in the writer's way."""
        with contextlib.closing(sqlite3.connect(self.path)) as db:
            db.row_factory = sqlite3.Row
            return db.execute(sql, arguments).fetchall()

    # The writer's thread.

    def _run(self, ready):
        try:
            db = sqlite3.connect(self.path, self._patience_s, isolation_level=None)
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("PRAGMA synchronous=FULL")
            db.executescript(_TABLES)
        except sqlite3.Error as exc:
            ready.set_exception(exc)
            return
        ready.set_result(None)
        with contextlib.closing(db):
            while self._write(db, self._waiting()):
                pass

    def _waiting(self):
        """Block for one request, then take those that came meanwhile."""
        work = [self._queue.get()]
        while len(work) < 64:
            try:
                work.append(self._queue.get_nowait())
            except queue.Empty:
                break
        return work

    def _write(self, db, work) -> bool:
        """One transaction for all of `work`; -> go on?"""
        go_on = True
        answers = []
        try:
            db.execute("BEGIN")
            for batches, future in work:
                if batches is None:
                    go_on = False
                    continue
                answers.append((future, self._insert(db, batches)))
            db.execute("COMMIT")
        except sqlite3.Error as exc:
            self._streams.clear()  # ids given in this transaction do not exist
            self._schemas.clear()
            with contextlib.suppress(sqlite3.Error):
                db.execute("ROLLBACK")
            for _, future in work:
                if future is not None:
                    future.set_exception(exc)
            return go_on
        for future, answer in answers:
            future.set_result(answer)
        return go_on

    def _insert(self, db, batches):
        now = time.time()
        stored = offered = 0
        for batch in batches:
            stream = self._stream(db, batch)
            schema = self._schema(db, batch.fields)
            before = db.total_changes
            db.executemany(
                "INSERT OR IGNORE INTO readings (stream, seq, schema, t, unix, value, received)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                [
                    (stream, seq, schema, t, batch.unix, json.dumps(value), now)
                    for seq, (t, value) in enumerate(batch.rows, batch.first)
                ],
            )
            new = db.total_changes - before
            stored += new
            offered += len(batch.rows)
            if new < len(batch.rows):
                db.execute(
                    "UPDATE streams SET repeats = repeats + ? WHERE id = ?",
                    (len(batch.rows) - new, stream),
                )
        return stored, offered - stored

    def _stream(self, db, batch):
        name = (batch.device, batch.boot, batch.series)
        if name not in self._streams:
            db.execute("INSERT OR IGNORE INTO streams (device, boot, series) VALUES (?,?,?)", name)
            row = db.execute(
                "SELECT id FROM streams WHERE device = ? AND boot = ? AND series = ?", name
            ).fetchone()
            self._streams[name] = row[0]
        return self._streams[name]

    def _schema(self, db, fields):
        if fields is None:
            return None
        text = json.dumps(fields)
        if text not in self._schemas:
            db.execute("INSERT OR IGNORE INTO schemas (fields) VALUES (?)", (text,))
            row = db.execute("SELECT id FROM schemas WHERE fields = ?", (text,)).fetchone()
            self._schemas[text] = row[0]
        return self._schemas[text]
