"""The collector's HTTP face.

POST /v1/batches    200 {"stored": n, "repeated": m} once it is on disk, Batcher-Ack header
                    400 the content is wrong (the reason is the body)   401 token
                    413 too long   415 content type or encoding
                    503 the disk is behind, Retry-After
GET  /v1/streams    what there is: device, boot, series, readings, repeats; 503 as above
GET  /v1/readings   ?device= &series= &after=(id) &limit=(1000): oldest first
GET  /health        200 while it runs
"""

import asyncio
import hmac
import json
import sqlite3
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from .store import Full, Store
from .wire import Packed, Unreadable, Unsupported, parse

LIMIT = 1 << 20  # bytes of a request's body


def _ack(batches) -> str:
    if isinstance(batches, Packed):
        return batches.ack if batches.heads else ""
    return batches[0].ack if batches else ""


def _later(reason: str) -> Response:
    return PlainTextResponse(f"{reason}\n", 503, {"Retry-After": "2"})


async def _locked(request: Request, exc: Exception) -> Response:
    return _later(f"database: {exc}")


def make_app(store: Store, token: str | None = None, limit: int = LIMIT) -> Starlette:
    """`token`: what `Authorization: Bearer ...` must hold; None asks for nothing."""

    def refused(request: Request) -> Response | None:
        # Starlette decodes headers as latin-1: this gives the bytes that came.
        found = request.headers.get("authorization", "").encode("latin-1")
        if token is None or hmac.compare_digest(found, b"Bearer " + token.encode()):
            return None
        return PlainTextResponse(
            "wrong or missing bearer token\n", 401, {"WWW-Authenticate": "Bearer"}
        )

    async def body_of(request: Request) -> bytes | None:
        """-> the body, None where it is above the limit (read to its end, kept nowhere)."""
        chunks, size = [], 0
        async for chunk in request.stream():
            size += len(chunk)
            if size <= limit:
                chunks.append(chunk)
            elif size > limit + (1 << 20):
                break  # whoever sends that much more does not listen anyway
        return b"".join(chunks) if size <= limit else None

    async def take(request: Request) -> Response:
        if (no := refused(request)) is not None:
            return no
        try:
            body = await body_of(request)
        except ClientDisconnect:
            return Response(status_code=400)  # nobody hears it
        if body is None:
            return PlainTextResponse(f"wanted at most {limit} bytes\n", 413)
        coding = request.headers.get("content-encoding", "").strip().lower()
        if coding not in ("", "identity"):  # what is packed may be fine: the board keeps it
            return PlainTextResponse(f"content encoding: wanted none, found {coding!a:.40}\n", 415)
        try:
            batches = parse(body, request.headers.get("content-type", ""))
        except Unreadable as exc:
            return PlainTextResponse(f"{exc}\n", 400)
        except Unsupported as exc:
            return PlainTextResponse(f"{exc}\n", 415)
        try:
            stored, repeated = await asyncio.wrap_future(store.put(batches))
        except Full:
            return _later("too many requests wait")
        key = request.headers.get("idempotency-key")
        if not key:
            key = quote(_ack(batches))
        return JSONResponse({"stored": stored, "repeated": repeated}, headers={"Batcher-Ack": key})

    async def streams(request: Request) -> Response:
        if (no := refused(request)) is not None:
            return no
        rows = await asyncio.to_thread(
            store.query,
            "SELECT device, boot, series, repeats, COUNT(readings.id) AS readings,"
            " MAX(received) AS last FROM streams LEFT JOIN readings ON stream = streams.id"
            " GROUP BY streams.id ORDER BY streams.id",
        )
        return JSONResponse([dict(row) for row in rows])

    async def readings(request: Request) -> Response:
        if (no := refused(request)) is not None:
            return no
        ask = request.query_params
        try:
            after, most = int(ask.get("after", 0)), int(ask.get("limit", 1000))
        except ValueError:
            return PlainTextResponse("after, limit: wanted whole numbers\n", 400)
        after, most = max(0, min(after, 1 << 62)), max(0, min(most, 10000))
        where = ["id > ?"]
        arguments: list[int | str] = [after]
        for name in ("device", "boot", "series"):
            if name in ask:
                where.append(f"{name} = ?")
                arguments.append(ask[name])
        rows = await asyncio.to_thread(
            store.query,
            f"SELECT * FROM everything WHERE {' AND '.join(where)} ORDER BY id LIMIT ?",
            *arguments,
            most,
        )
        out = []
        for row in rows:
            entry = dict(row)
            # These two are JSON, and go out as they lie there.
            value, fields = entry.pop("value"), entry.pop("fields") or "null"
            out.append(f'{json.dumps(entry)[:-1]}, "value": {value}, "fields": {fields}}}')
        return Response(f"[{', '.join(out)}]", media_type="application/json")

    async def health(request: Request) -> Response:
        return PlainTextResponse("ok\n")

    return Starlette(
        routes=[
            Route("/v1/batches", take, methods=["POST"]),
            Route("/v1/streams", streams),
            Route("/v1/readings", readings),
            Route("/health", health),
        ],
        exception_handlers={sqlite3.Error: _locked},
    )
