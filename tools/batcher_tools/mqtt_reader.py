"""Batches out of an MQTT broker into the collector's store: `batcher collect --mqtt URL`.

Rules
- The session is persistent and messages are acknowledged by hand, after the disk has them: what
  the broker has taken from a board is stored before the broker forgets it.
- Only the thread that reads speaks to the broker: another one hands it what is to be
  acknowledged.
- Repeats are the store's affair: (device, boot, series, number) names each reading.
- A message that cannot be read is kept in the table `unread` and told once a topic. Then it is
  acknowledged, or it would come for ever.
- Several brokers of a cluster: after a failure the next one is tried.
- What became of the connection is said when it changes (statelines.py).
"""

import contextlib
import itertools
import select
import socket
import ssl
import sys
import threading
import time
from collections import deque
from concurrent.futures import Future
from urllib.parse import urlsplit

from paho.mqtt import client as paho

from .collect.store import Store, Unread
from .collect.wire import (
    BLOCKS,
    FORMATS,
    JSON,
    Batch,
    Packed,
    Unreadable,
    Unsupported,
    parse,
)
from .statelines import STEADY_S, StateLines


def split_url(url: str) -> tuple[bool, str, int]:
    """ "mqtt://host:port" or mqtts:// -> (secure, host, port). Raises ValueError."""
    parts = urlsplit(url)
    if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname or parts.username:
        raise ValueError(f"wanted mqtt://host:port or mqtts://host:port, found {parts.scheme!r}")
    secure = parts.scheme == "mqtts"
    try:
        port = parts.port
    except ValueError as exc:
        raise ValueError(f"{parts.hostname}: {exc}") from None
    return secure, parts.hostname, port or (8883 if secure else 1883)


class MqttReader:
    """`with MqttReader(store, ["mqtt://127.0.0.1:1883"]):` reads `topic` into the store.

    Counts `stored`, `repeated`, `unreadable`; `ready` is set while it is subscribed.
    """

    def __init__(
        self,
        store: Store,
        urls: list[str],
        topic: str = "batcher/#",
        client_id: str = "batcher-collect",
        user: str | None = None,
        password: str | None = None,
        ca: str | None = None,
        keepalive_s: int = 10,
    ):
        self.store = store
        self.brokers = [split_url(url) for url in urls]
        self.topic = topic
        self.keepalive_s = keepalive_s
        self.stored = self.repeated = self.unreadable = 0
        self.ready = threading.Event()
        self._generation = 0  # of the connection: an acknowledgement is for its own only
        # (generation, mid, qos) that the disk has; mid None: one that it could not take, and why
        self._stored: deque = deque()
        self._ear, self._bell = socket.socketpair()
        self._ear.setblocking(False)
        self._stop = threading.Event()
        self._ca = ca
        if ca:
            try:  # now and not in the thread
                ssl.create_default_context(cafile=ca)
            except ssl.SSLError as exc:
                raise ValueError(f"{ca}: no certificate: {exc}") from None
        if not client_id:
            raise ValueError("the client's id: wanted a name, found nothing")
        self._client_id = client_id
        self._state = StateLines(self._say)
        self._lost = ""  # why this connection ends, where somebody knows
        self._user, self._password = user, password
        self._told: set[str] = set()  # topics whose messages cannot be read
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join(10)
        self._ear.close()
        self._bell.close()

    def _make(self, secure: bool) -> paho.Client:
        client = paho.Client(
            paho.CallbackAPIVersion.VERSION2,
            client_id=self._client_id,
            clean_session=False,
            manual_ack=True,
        )
        if self._user is not None:
            client.username_pw_set(self._user, self._password)
        if secure:
            client.tls_set(ca_certs=self._ca, cert_reqs=ssl.CERT_REQUIRED)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        return client

    def _run(self):
        for secure, host, port in itertools.cycle(self.brokers):
            if self._stop.is_set():
                return
            self._generation += 1
            self._lost = ""
            where = f"{host}:{port}"
            client = self._make(secure)
            try:
                client.connect(host, port, self.keepalive_s)
            except (OSError, ValueError) as exc:
                self._lost = f"cannot reach {where}: {exc}"
            else:
                self._serve(client, where)
            self.ready.clear()
            if self._lost and not self._stop.is_set():
                self._state.now(self._lost, False)
            with contextlib.suppress(OSError, ValueError):
                client.disconnect()
                client.loop(0.1)
            self._stop.wait(0.2)

    def _serve(self, client, where: str):
        """Read until the connection ends; `_lost` says why it did."""
        since = None
        with contextlib.suppress(OSError, ValueError):
            while not self._stop.is_set() and self._turn(client):
                if self.ready.is_set():
                    since = since or time.monotonic()
                    self._state.now(f"connected to {where}", True)
        if self._lost:
            self._lost = f"{where}: {self._lost}"
        elif since is None:
            self._lost = f"{where}: the connection was closed before the broker had answered"
        else:
            self._lost = f"{where}: the connection was lost"
            if time.monotonic() - since < STEADY_S:
                self._lost += (
                    f" at once: if another collector runs with the id {self._client_id!r},"
                    " give one of them another --mqtt-client-id"
                )

    def _turn(self, client) -> bool:
        """Wait for the broker or the disk, do what there is to do; -> does the connection live?"""
        while self._stored:
            generation, mid, qos = self._stored.popleft()
            if generation == self._generation:
                if mid is None:  # the broker gives it again on a new connection, only there
                    self._lost = f"database: {qos}"
                    return False
                client.ack(mid, qos)
        sock = client.socket()
        if sock is None:
            return False
        unread = isinstance(sock, ssl.SSLSocket) and sock.pending() > 0
        writes = [sock] if client.want_write() else []
        ready, writes, _ = select.select([sock, self._ear], writes, [], 0 if unread else 0.2)
        if self._ear in ready:
            with contextlib.suppress(BlockingIOError):
                self._ear.recv(4096)
        good = paho.MQTT_ERR_SUCCESS
        if (unread or sock in ready) and client.loop_read() != good:
            return False
        if writes and client.loop_write() != good:
            return False
        return client.loop_misc() == good

    def _on_connect(self, client, userdata, flags, reason, properties):
        if reason.is_failure:
            self._lost = f"the broker refuses us: {reason}"
            client.disconnect()
        else:
            client.subscribe(self.topic, 1)

    def _on_subscribe(self, client, userdata, mid, reasons, properties):
        if any(reason.is_failure for reason in reasons):
            self._lost = f"{self.topic}: subscription refused"
            client.disconnect()
        else:
            self.ready.set()

    def _on_message(self, client, userdata, message):
        generation = self._generation
        body = message.payload
        work: list[Batch] | Packed | Unread
        try:
            work = parse(body, JSON if body[:1] == b"{" else BLOCKS)
        except (Unreadable, Unsupported) as exc:
            work = Unread(message.topic, body, str(exc))
        while not self._stop.is_set():
            try:
                future = self.store.put(work)
                break
            except Exception:  # the disk is behind: the broker keeps the rest
                time.sleep(0.05)
        else:
            return

        def done(future: Future):
            if future.exception() is None:
                stored, repeated = future.result()
                self.stored += stored
                self.repeated += repeated
                if isinstance(work, Unread):
                    self._unread(work)
                self._stored.append((generation, message.mid, message.qos))
            else:
                self._stored.append((generation, None, str(future.exception())))
            with contextlib.suppress(OSError):
                self._bell.send(b".")

        future.add_done_callback(done)

    def _unread(self, message: Unread):
        self.unreadable += 1
        if message.topic not in self._told:
            self._told.add(message.topic)
            self._say(
                f"{message.topic}: {message.reason}; kept in the table `unread`: the collector"
                f" takes the formats {FORMATS}"
            )

    @staticmethod
    def _say(text):
        print("collect: mqtt:", text, file=sys.stderr, flush=True)
