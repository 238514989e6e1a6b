"""A first network course in one program.  python examples/tour.py, or: netwright serve examples/tour.py

Port 10000 (or ECHO_PORT) returns every byte: any textbook's TCP client understands it.  The web side:

    GET    /               this page
    GET    /notes          all notes;  GET, PUT, PATCH, DELETE /notes/{name}: one of them, revisions in headers
    POST   /upload         counted and hashed as it comes, never kept
    GET    /countdown      an answer that comes piece by piece
    GET    /slow           an answer that takes its time: watch it wait in the console
"""

import asyncio
import hashlib
import html
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass

from netwright import App, Request, Response, Stream
from netwright.http import HttpLimits

MAX_NOTES, MAX_NOTE, MAX_UPLOAD = 100, 4096, 1 << 30  # notes, bytes, bytes
MAX_SECONDS = 30.0

app = App("tour", http=HttpLimits(body=MAX_UPLOAD))


@app.tcp(int(os.environ.get("ECHO_PORT", "10000")), name="echo")
async def echo(stream: Stream) -> None:
    """Return every byte until the client ends its direction."""
    async for chunk in stream:
        await stream.send(chunk)


@app.get("/")
async def page(request: Request) -> Response:
    """The list above as a page."""
    return Response.html(f"<!doctype html><title>netwright tour</title><pre>{html.escape(__doc__ or '')}</pre>\n")


# A small resource: PUT replaces, PATCH appends, both count the revision.


@dataclass
class Note:
    """``revision`` is 1 for a new one."""

    text: str
    author: str
    revision: int = 1

    def response(self, status: int = 200) -> Response:
        """The text, with who and which in our own header fields."""
        return Response(self.text, status, {"X-Author": self.author, "X-Revision": str(self.revision)})


notes: dict[str, Note] = {}


@app.get("/notes")
async def every_note(request: Request) -> dict[str, object]:
    """Names and revisions as JSON."""
    return {name: note.revision for name, note in notes.items()}


@app.get("/notes/{name}")
async def read_note(request: Request) -> Response:
    """One note."""
    note = notes.get(name_of(request))
    return note.response() if note else missing(request)


@app.put("/notes/{name}")
async def write_note(request: Request) -> Response:
    """Make a note (201) or replace its text (200); the X-Author field says whose it is."""
    name, text = name_of(request), await request.text(MAX_NOTE)
    before = notes.get(name)
    if before is None and len(notes) >= MAX_NOTES:
        return Response(f"{MAX_NOTES} notes allowed: delete one first\n", 507)
    author = request.headers.get("X-Author", "nobody")
    notes[name] = Note(text, author, before.revision + 1 if before else 1)
    return notes[name].response(200 if before else 201)


@app.patch("/notes/{name}")
async def append_to_note(request: Request) -> Response:
    """Append to a note; X-Revision, if sent, must be the one that is here (409)."""
    note, text = notes.get(name_of(request)), await request.text(MAX_NOTE)
    if note is None:
        return missing(request)
    if request.headers.get("X-Revision", str(note.revision)) != str(note.revision):
        return Response(f"revision {note.revision} is here\n", 409, {"X-Revision": str(note.revision)})
    if len(note.text) + len(text) > MAX_NOTE:
        return Response(f"{MAX_NOTE} characters allowed\n", 413)
    note.text, note.revision = note.text + text, note.revision + 1
    return note.response()


@app.delete("/notes/{name}")
async def delete_note(request: Request) -> Response | None:
    """Forget a note: 204, and 404 from then on."""
    return None if notes.pop(name_of(request), None) else missing(request)


def name_of(request: Request) -> str:
    """What stands for {name} in the path, decoded."""
    return str(request.params["name"])


def missing(request: Request) -> Response:
    """There is no such note."""
    return Response(f"no note {request.params['name']}\n", 404)


# Streams in both directions.


@app.post("/upload")
async def upload(request: Request) -> Response:
    """Size and SHA-256 of what came; at no time more than one piece of it is in memory."""
    size, digest = 0, hashlib.sha256()
    async for piece in request:
        size += len(piece)
        digest.update(piece)
    return Response.json({"size": size, "sha256": digest.hexdigest()}, 201)


@app.get("/countdown")
async def countdown(request: Request) -> AsyncIterator[bytes]:
    """``?from=5``: a line a second; each goes out when it comes."""
    for number in range(int(seconds_of(request, "from", 5)), 0, -1):
        yield b"%d\n" % number
        await asyncio.sleep(1)
    yield b"lift-off\n"


@app.get("/slow")
async def slow(request: Request) -> str:
    """``?seconds=5``: nothing else waits for it."""
    seconds = seconds_of(request, "seconds", 5)
    await asyncio.sleep(seconds)
    return f"that took {seconds:g} s\n"


def seconds_of(request: Request, name: str, default: float) -> float:
    """A number of the query; what is no number, or out of bounds, is the default."""
    try:
        seconds = float(request.query.get(name, default))
    except ValueError:
        return default
    return seconds if 0 <= seconds <= MAX_SECONDS else default


if __name__ == "__main__":
    app.run()
