"""The collector's memory: SQLite, written by one thread, each reading once.

Rules
- `put` answers after the commit: WAL with synchronous=FULL, so the answer comes after fsync.
- Whoever waits when the thread is free shares its transaction: many boards, one fsync.
- A reading is named by (device, boot, series, sequence number). The first one under a name
  stays, a repeat is counted and dropped.
- Row ids are given in the order of arrival and tell it later.
- A stream of blocks whose readings are all new is stored as it came, in `waiting`, and becomes
  rows when nobody waits for an answer: after `_IDLE_S`, when somebody asks, at the end or at
  the next start; from `_MOST` streams on before anybody else is served.
- A message that nobody here can read is kept as it came, in `unread`: its sender believes it
  delivered.
"""

import contextlib
import json
import queue
import sqlite3
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from .wire import Batch, Packed, unpack

_IDLE_S = 0.25  # a board far away sends its next batch before that
_MOST = 2000
_AT_ONCE = 16  # streams of blocks that become rows in one transaction

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
CREATE TABLE IF NOT EXISTS waiting (id INTEGER PRIMARY KEY, body BLOB NOT NULL, received REAL);
CREATE TABLE IF NOT EXISTS unread (
    id INTEGER PRIMARY KEY, received REAL NOT NULL, topic TEXT NOT NULL, payload BLOB NOT NULL,
    reason TEXT NOT NULL);
CREATE VIEW IF NOT EXISTS everything AS
    SELECT readings.id, device, boot, series, seq, t, unix, fields, value, received
    FROM readings JOIN streams ON stream = streams.id LEFT JOIN schemas ON schema = schemas.id;
"""


class Full(Exception):
    """Too many requests wait for the disk: try again later."""


@dataclass
class Unread:
    """A message that could not be read, and why."""

    topic: str
    payload: bytes
    reason: str


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
        self._nexts: dict[int, int] = {}  # stream: number after the highest that is stored
        self._waiting_rows = 0  # streams of blocks in `waiting`
        self._unsure = False  # what is in `waiting` is not in `_nexts`
        ready: Future = Future()
        self._thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        self._thread.start()
        ready.result()  # a database that cannot be opened is told here

    def put(self, batches: "list[Batch] | Packed | Unread") -> "Future[tuple[int, int]]":
        future: Future = Future()
        try:
            self._queue.put_nowait((batches, future))
        except queue.Full:
            raise Full from None
        return future

    def close(self) -> None:
        self._queue.put((None, None))
        self._thread.join()

    def settle(self) -> None:
        """Come back when every stream of blocks has become rows."""
        if self._waiting_rows and self._thread.is_alive():
            done: Future = Future()
            self._queue.put(([], done))
            done.result()

    def query(self, sql: str, *arguments) -> list[sqlite3.Row]:
        """Read on a connection of its own: never in the writer's way. Blocks are rows before."""
        self.settle()
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
            self._waiting_rows = db.execute("SELECT COUNT(*) FROM waiting").fetchone()[0]
            while self._waiting_rows > 0:
                self._settle_some(db)
        except (sqlite3.Error, ValueError) as exc:
            ready.set_exception(exc)
            return
        ready.set_result(None)
        with contextlib.closing(db):
            while self._write(db, self._take(db)):
                pass

    def _take(self, db):
        """Block for one request, then take those that came meanwhile."""
        while self._waiting_rows:
            try:
                work = [self._queue.get(timeout=_IDLE_S)]
                break
            except queue.Empty:
                with contextlib.suppress(Exception):  # locked: later
                    while self._waiting_rows > 0 and self._queue.empty():
                        self._settle_some(db)
        else:
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
        waiting = self._waiting_rows
        try:
            while self._waiting_rows >= _MOST:
                self._settle_some(db)
            db.execute("BEGIN")
            for batches, future in work:
                if batches is None:
                    go_on = False
                    self._settle(db)
                else:
                    answers.append((future, self._one(db, batches)))
            db.execute("COMMIT")
        except Exception as exc:  # whatever a request does, the thread lives
            self._forget(db, waiting)
            for _, future in work:
                if future is not None:
                    future.set_exception(exc)
            return go_on
        for future, answer in answers:
            future.set_result(answer)
        return go_on

    def _forget(self, db, waiting):
        """The transaction is void: so is what was learnt in it."""
        self._unsure = True
        self._streams.clear()
        self._schemas.clear()
        self._nexts.clear()
        with contextlib.suppress(sqlite3.Error):
            db.execute("ROLLBACK")
        self._waiting_rows = waiting
        with contextlib.suppress(sqlite3.Error):
            self._waiting_rows = db.execute("SELECT COUNT(*) FROM waiting").fetchone()[0]

    def _one(self, db, batches):
        """-> (stored, repeated) of one request."""
        if isinstance(batches, Unread):
            db.execute(
                "INSERT INTO unread (received, topic, payload, reason) VALUES (?, ?, ?, ?)",
                (time.time(), batches.topic, batches.payload, batches.reason),
            )
            return 0, 0
        if self._unsure:
            self._settle(db)
            self._unsure = False
        if isinstance(batches, Packed):
            if self._all_new(db, batches.heads):
                db.execute(
                    "INSERT INTO waiting (body, received) VALUES (?, ?)",
                    (batches.body, time.time()),
                )
                self._waiting_rows += 1
                return sum(map(len, batches.heads)), 0
            batches = unpack(batches.body)
        self._settle(db)  # rows are in the order of arrival
        return self._insert(db, batches, time.time())

    def _all_new(self, db, heads) -> bool:
        nexts: dict[int, int] = {}
        for head in heads:
            stream = self._stream(db, (head.device, head.boot, head.schema.name))
            if head.first < nexts.get(stream, self._nexts[stream]):
                return False
            nexts[stream] = head.first + len(head)
        self._nexts.update(nexts)
        return True

    def _settle(self, db, most=-1):
        """What waits becomes rows, inside a transaction."""
        if self._waiting_rows:
            rows = db.execute("SELECT * FROM waiting ORDER BY id LIMIT ?", (most,)).fetchall()
            for number, body, received in rows:
                self._insert(db, unpack(body), received)
                db.execute("DELETE FROM waiting WHERE id = ?", (number,))
            self._waiting_rows -= len(rows)

    def _settle_some(self, db):
        waiting = self._waiting_rows
        try:
            db.execute("BEGIN")
            self._settle(db, _AT_ONCE)
            db.execute("COMMIT")
        except Exception:
            self._forget(db, waiting)
            raise

    def _insert(self, db, batches, now):
        stored = offered = 0
        for batch in batches:
            stream = self._stream(db, (batch.device, batch.boot, batch.series))
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
            end = batch.first + len(batch.rows)
            if end > self._nexts[stream]:
                self._nexts[stream] = end
        return stored, offered - stored

    def _stream(self, db, name):
        """-> the id of (device, boot, series); what comes next in it is known from then on."""
        if name not in self._streams:
            db.execute("INSERT OR IGNORE INTO streams (device, boot, series) VALUES (?,?,?)", name)
            row = db.execute(
                "SELECT id FROM streams WHERE device = ? AND boot = ? AND series = ?", name
            ).fetchone()
            self._streams[name] = stream = row[0]
            last = db.execute("SELECT MAX(seq) FROM readings WHERE stream = ?", row).fetchone()[0]
            self._nexts[stream] = -1 if last is None else last + 1
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
