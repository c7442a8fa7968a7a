"""`batcher collect`: an HTTP server that takes batches from boards and keeps each reading once."""

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    @app.command()
    def collect(
        db: Annotated[Path, typer.Option(help="the SQLite file")] = Path("readings.db"),
        host: Annotated[str, typer.Option(help="address to listen on")] = "127.0.0.1",
        port: Annotated[int, typer.Option(min=0, max=65535)] = 8080,
        token_file: Annotated[
            Path | None, typer.Option(help="a file that holds the bearer token boards must send")
        ] = None,
        limit: Annotated[int, typer.Option(help="most bytes of one request", min=100)] = 1 << 20,
        certfile: Annotated[Path | None, typer.Option(help="PEM chain: speak TLS")] = None,
        keyfile: Annotated[Path | None, typer.Option(help="its private key")] = None,
    ) -> None:
        """Take batches over HTTP, keep each reading once, answer when it is on disk."""
        import sqlite3

        import uvicorn

        from .app import make_app
        from .server import settings
        from .store import Store

        try:
            token = token_file.read_text().strip() if token_file else None
            store = Store(db)
        except (OSError, sqlite3.Error) as exc:
            raise SystemExit(f"collect: {exc}") from None
        if token == "":
            raise SystemExit(f"collect: {token_file}: wanted a token, found nothing")
        scheme = "https" if certfile else "http"
        print(f"collect: {scheme}://{host}:{port}/v1/batches -> {db}", flush=True)
        try:
            uvicorn.Server(
                settings(
                    make_app(store, token, limit),
                    host=host,
                    port=port,
                    ssl_certfile=certfile,
                    ssl_keyfile=keyfile,
                )
            ).run()
        except KeyboardInterrupt:
            pass
        finally:
            store.close()
