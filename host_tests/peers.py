"""Real peers on loopback: NATS with MQTT (a Python package), mosquitto and nginx (Debian's)."""

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from batcher_tools.paths import program


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def answers(port: int, timeout: float = 10.0, host: str = "127.0.0.1") -> None:
    """Wait until somebody listens there."""
    end = time.monotonic() + timeout
    while True:
        try:
            socket.create_connection((host, port), 1).close()
            return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.02)


class Server:
    """A program that listens on `port`; `kill()` is SIGKILL, `start()` brings it back.

    host: where it listens; before: words in front of its command, to run it somewhere else.
    """

    host = "127.0.0.1"
    before: tuple[str, ...] = ()

    def __init__(self, folder: Path, port: int | None = None):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = port or free_port()
        self.process: subprocess.Popen | None = None

    def command(self) -> list[str]:
        raise NotImplementedError

    def start(self):
        self.log = open(self.folder / "log", "ab")  # noqa: SIM115
        self.process = subprocess.Popen(
            [*self.before, *self.command()], stdout=self.log, stderr=self.log
        )
        return self

    def ready(self):
        answers(self.port, host=self.host)
        return self

    def kill(self):
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait(10)
            self.process = None
            self.log.close()

    def __enter__(self):
        return self.start().ready()

    def __exit__(self, *_):
        self.kill()


class Collect(Server):
    """`batcher collect` in a process of its own."""

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}/v1/batches"

    def command(self):
        where = ["--host", self.host, "--port", str(self.port)]
        return [program("batcher"), "collect", "--db", f"{self.folder}/c.db", *where]


class Nats(Server):
    """NATS JetStream that speaks MQTT. peers: the other nodes' (name, cluster port)."""

    def __init__(self, folder, name="n1", cluster=None, peers=(), user=None, tls=None, replicas=0):
        super().__init__(folder)
        self.name = name
        self.client_port = free_port()
        self.cluster = cluster
        self.peers = peers
        self.replicas = replicas
        self.user = user
        self.tls = tls

    def command(self):
        mqtt = [f'host: "{self.host}", port: {self.port}, ack_wait: "2s", max_ack_pending: 1']
        if self.tls:
            mqtt.append(f'tls {{ cert_file: "{self.tls[0]}", key_file: "{self.tls[1]}" }}')
        if self.replicas:
            mqtt.append(f"stream_replicas: {self.replicas}")
        text = [
            f'server_name: {self.name}\nlisten: "127.0.0.1:{self.client_port}"',
            f'jetstream {{ store_dir: "{self.folder}/store", sync_interval: always }}',
            "mqtt { %s }" % ", ".join(mqtt),
        ]
        if self.user:
            text.append('authorization { user: "%s", password: "%s" }' % self.user)
        if self.cluster:
            routes = ", ".join(f'"nats://127.0.0.1:{port}"' for _, port in self.peers)
            text.append(
                f'cluster {{ name: barn, listen: "127.0.0.1:{self.cluster}", routes: [{routes}] }}'
            )
        conf = self.folder / "nats.conf"
        conf.write_text("\n".join(text) + "\n")
        return [program("nats-server"), "-c", str(conf)]


class Mosquitto(Server):
    def __init__(self, folder, user=None, tls=None):
        super().__init__(folder)
        self.user = user
        self.tls = tls
        self.binary = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
        if not os.path.exists(self.binary):
            pytest.skip("mosquitto is not installed")

    def command(self):
        text = [f"listener {self.port} 127.0.0.1"]
        if self.tls:
            text += [f"certfile {self.tls[0]}", f"keyfile {self.tls[1]}"]
        if self.user:
            passwords = self.folder / "passwords"
            passwords.write_text("%s:%s\n" % self.user)
            subprocess.run(["mosquitto_passwd", "-U", str(passwords)], check=True)
            text += ["allow_anonymous false", f"password_file {passwords}"]
        else:
            text.append("allow_anonymous true")
        text += ["persistence true", f"persistence_location {self.folder}/", "user root"]
        conf = self.folder / "mosquitto.conf"
        conf.write_text("\n".join(text) + "\n")
        return [self.binary, "-c", str(conf)]


class Nginx(Server):
    """nginx in front of `to_port`, plain or with TLS."""

    def __init__(self, folder, to_port, tls=None):
        super().__init__(folder)
        self.to_port = to_port
        self.tls = tls
        self.binary = shutil.which("nginx") or "/usr/sbin/nginx"
        if not os.path.exists(self.binary):
            pytest.skip("nginx is not installed")

    def command(self):
        f = self.folder
        secure = ""
        if self.tls:
            secure = f"ssl_certificate {self.tls[0]}; ssl_certificate_key {self.tls[1]};"
        conf = f / "nginx.conf"
        temp = " ".join(
            f"{name}_temp_path {f}/{name};"
            for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        conf.write_text(
            f"daemon off; pid {f}/pid; error_log {f}/error.log; worker_processes 1;\n"
            "events { worker_connections 64; }\n"
            f"http {{ access_log off; {temp} client_max_body_size 64k; keepalive_timeout 60;\n"
            f"server {{ listen 127.0.0.1:{self.port} {'ssl' if self.tls else ''}; {secure}\n"
            f"location / {{ proxy_pass http://127.0.0.1:{self.to_port}; }} }} }}\n"
        )
        return [self.binary, "-c", str(conf), "-p", str(f)]
