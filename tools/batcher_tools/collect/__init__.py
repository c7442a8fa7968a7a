"""`batcher collect`: an HTTP server that takes batches from boards and keeps each reading once."""

import contextlib
import sqlite3
from pathlib import Path
from typing import Annotated

import typer


def _file(text: str):
    return typer.Option(help=text, exists=True, dir_okay=False)


@contextlib.contextmanager
def _fault_of(what):
    """What goes wrong in here is one line that names `what`, and the end."""
    try:
        yield
    except (OSError, ValueError, sqlite3.Error) as exc:
        reason = exc.strerror if isinstance(exc, OSError) and exc.strerror else exc
        raise SystemExit(f"collect: {what}: {reason}") from None


def _secret(path: Path | None) -> str | None:
    if path is None:
        return None
    with _fault_of(path):
        return path.read_text("utf-8").strip()


def register(app: typer.Typer) -> None:
    @app.command()
    def collect(
        db: Annotated[Path, typer.Option(help="the SQLite file")] = Path("readings.db"),
        host: Annotated[str, typer.Option(help="address to listen on")] = "127.0.0.1",
        port: Annotated[int, typer.Option(min=0, max=65535)] = 8080,
        token_file: Annotated[
            Path | None, _file("a file that holds the bearer token boards must send")
        ] = None,
        limit: Annotated[int, typer.Option(help="most bytes of one request", min=100)] = 1 << 20,
        certfile: Annotated[Path | None, _file("PEM chain: speak TLS")] = None,
        keyfile: Annotated[Path | None, _file("its private key")] = None,
        mqtt: Annotated[
            str, typer.Option(help="read from this broker, too; several URLs with commas")
        ] = "",
        mqtt_topic: Annotated[str, typer.Option(help="what to subscribe to")] = "batcher/#",
        mqtt_user: Annotated[str | None, typer.Option(help="the broker's user")] = None,
        mqtt_password_file: Annotated[
            Path | None, _file("a file that holds that user's password")
        ] = None,
        mqtt_client_id: Annotated[
            str, typer.Option(help="a name of its own for each collector at a broker")
        ] = "batcher-collect",
        mqtt_ca: Annotated[Path | None, _file("PEM, for mqtts://")] = None,
    ) -> None:
        """Take batches over HTTP, keep each reading once, answer when it is on disk.

        It reads the formats rows, json and blocks (`uplink.format`), over MQTT, too.
        """
        import signal

        import uvicorn

        from .app import make_app
        from .server import listening, settings
        from .store import Store

        if keyfile and not certfile:
            raise SystemExit("collect: --keyfile goes with --certfile")
        token = _secret(token_file)
        if token == "":
            raise SystemExit(f"collect: {token_file}: wanted a token, found nothing")
        urls = mqtt.split(",") if mqtt else []
        if urls:
            from ..mqtt_reader import MqttReader, split_url

            with _fault_of("--mqtt"):
                for url in urls:
                    split_url(url)
        # Before there is a database: who cannot serve leaves nothing behind.
        with _fault_of(f"{host}:{port}"):
            sockets = listening(host, port)
        with _fault_of(db):
            store = Store(db)
        reader = None
        if urls:
            with _fault_of("--mqtt"):
                reader = MqttReader(
                    store,
                    urls,
                    mqtt_topic,
                    mqtt_client_id,
                    user=mqtt_user,
                    password=_secret(mqtt_password_file),
                    ca=str(mqtt_ca) if mqtt_ca else None,
                )
        web = settings(make_app(store, token, limit), ssl_certfile=certfile, ssl_keyfile=keyfile)
        with _fault_of(f"{certfile}: no certificate with its key"):
            web.load()
        scheme = "https" if certfile else "http"
        port = sockets[0].getsockname()[1]  # 0 asks for any
        print(f"collect: {scheme}://{host}:{port}/v1/batches -> {db}", flush=True)
        # uvicorn raises SIGTERM again at its end: that must not skip ours.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            if reader:
                reader.__enter__()
                print(f"collect: {mqtt} {mqtt_topic} -> {db}", flush=True)
            uvicorn.Server(web).run(sockets=sockets)
        except KeyboardInterrupt:
            pass
        finally:
            if reader:
                reader.__exit__()
            store.close()
