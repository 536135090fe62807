"""A person's files on the shore: handed in piece by piece, listed, removed; imports read them.

`take_form` takes the same in the form that browsers and EcoTaxa's clients send. Both look at who
asks before they take a byte.

Example:
    $ curl -H "Authorization: Bearer $TOKEN" -T cast1.zip http://127.0.0.1:8765/api/files/cast1.zip
    {"name": "cast1.zip", "size": 90123456}
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager
from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Request, Response
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.concurrency import run_in_threadpool

from server.api.deps import Annotator, ShoreDep
from server.errors import ApiError, not_found
from server.store.user_files import Draft, FileNameError, QuotaError, UserFiles

router = APIRouter(prefix="/api/files", tags=["files"])
_PIECE = 1 << 20
_FIELD_MOST = 4096
_FIELDS_MOST = 20


@router.get("")
@router.get("/{name:path}")
def listing(shore: ShoreDep, user: Annotator, name: str = "") -> list[dict[str, Any]]:
    """What stands in your folder, or in one inside it."""
    try:
        return [asdict(entry) for entry in shore.user_files.listing(user.id, name)]
    except FileNameError as error:
        raise ApiError(422, "name", f"{error}.") from error
    except (FileNotFoundError, NotADirectoryError) as error:
        raise not_found(f"folder {name}") from error


@router.put("/{name:path}", status_code=201)
async def put(shore: ShoreDep, user: Annotator, request: Request, name: str) -> dict[str, Any]:
    """The body is the file; one that had the name before is replaced when all of it is there."""
    receiving = shore.user_files.receiving(user.id, name)
    try:
        async with _Sink(receiving) as sink:
            async for piece in _pieces(request):
                await sink.write(piece)
            size = sink.size
    except (FileNameError, QuotaError) as error:
        raise refusal(error) from error
    return {"name": name, "size": size}


@router.delete("/{name:path}")
def remove(shore: ShoreDep, user: Annotator, name: str) -> Response:
    try:
        shore.user_files.remove(user.id, name)
    except FileNameError as error:
        raise ApiError(422, "name", f"{error}.") from error
    except (FileNotFoundError, NotADirectoryError) as error:
        raise not_found(f"file {name}") from error
    return Response(status_code=204)


def refusal(error: FileNameError | QuotaError) -> ApiError:
    """What a person is told whose file is not taken."""
    if isinstance(error, QuotaError):
        return ApiError(413, "quota", f"There is no room: {error}.")
    return ApiError(422, "name", f"{error}.")


async def take_form(
    request: Request, files: UserFiles, user_id: int, name_of: Callable[[dict[str, str], str], str]
) -> tuple[str, dict[str, str]]:
    """Take the one file of a multipart form into the person's folder; its name there, and the
    form's other fields. `name_of(fields so far, the file's own name)` says where it goes, so fields
    that matter come before the file. Raises ApiError."""
    kind, options = parse_options_header(request.headers.get("Content-Type", ""))
    if kind != b"multipart/form-data" or b"boundary" not in options:
        raise ApiError(415, "content_type", "Content-Type: expected multipart/form-data.")
    form = _Form(options[b"boundary"])
    sink: _Sink | None = None
    name = ""
    try:
        async for piece in _pieces(request):
            for what, value in form.feed(piece):
                if what == "file" and sink is None:
                    name = name_of(form.fields, value.decode(errors="replace"))
                    sink = await _Sink(files.receiving(user_id, name)).__aenter__()
                elif what == "data" and sink is not None:
                    await sink.write(value)
        if sink is None or not form.whole:
            raise ApiError(422, "form", "The form has no whole file in it.")
    except BaseException as error:
        if sink is not None:
            await sink.__aexit__(type(error), error, None)
        if isinstance(error, FileNameError | QuotaError):
            raise refusal(error) from error
        raise
    await sink.__aexit__(None, None, None)
    return name, form.fields


async def _pieces(request: Request) -> AsyncIterator[bytes]:
    """The body in pieces of about a megabyte: fewer hops to the thread that writes them."""
    held, size = [], 0
    async for piece in request.stream():
        held.append(piece)
        size += len(piece)
        if size >= _PIECE:
            yield b"".join(held)
            held, size = [], 0
    if held:
        yield b"".join(held)


class _Sink:
    """A draft that is written in another thread: disks are slow, others wait for the loop."""

    def __init__(self, receiving: AbstractContextManager[Draft]) -> None:
        self._receiving = receiving
        self._draft: Draft | None = None

    async def __aenter__(self) -> "_Sink":
        self._draft = await run_in_threadpool(self._receiving.__enter__)
        return self

    async def __aexit__(self, kind: Any, error: Any, trace: Any) -> None:
        await run_in_threadpool(self._receiving.__exit__, kind, error, trace)

    @property
    def size(self) -> int:
        return 0 if self._draft is None else self._draft.size

    async def write(self, piece: bytes) -> None:
        assert self._draft is not None
        await run_in_threadpool(self._draft.write, piece)


class _Form:
    """A multipart form as it comes: ("file", its name) and ("data", a piece of it) in turn; short
    fields are kept."""

    def __init__(self, boundary: bytes) -> None:
        self.fields: dict[str, str] = {}
        self.whole = False
        self._found: list[tuple[str, bytes]] = []
        self._header = [b"", b""]
        self._name = ""
        self._value: bytearray | None = None
        self._files = 0
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": lambda data, start, end: self._add(0, data[start:end]),
                "on_header_value": lambda data, start, end: self._add(1, data[start:end]),
                "on_header_end": self._header_end,
                "on_part_data": self._data,
                "on_part_end": self._end,
                "on_end": self._all,
            },
        )

    def feed(self, piece: bytes) -> list[tuple[str, bytes]]:
        try:
            self._parser.write(piece)
        except ValueError as error:  # the parser's own errors are kinds of it
            raise ApiError(400, "form", f"The form cannot be read: {error}.") from error
        found, self._found = self._found, []
        return found

    def _begin(self) -> None:
        self._name, self._value = "", bytearray()

    def _add(self, which: int, data: bytes) -> None:
        self._header[which] += data
        if len(self._header[which]) > _FIELD_MOST:
            raise ApiError(400, "form", "The form has a header that is too long.")

    def _header_end(self) -> None:
        name, value = self._header[0].lower(), self._header[1]
        self._header = [b"", b""]
        if name != b"content-disposition":
            return
        _, options = parse_options_header(value)
        self._name = options.get(b"name", b"").decode(errors="replace")
        if b"filename" in options:
            self._value = None
            self._files += 1
            if self._files > 1:
                raise ApiError(422, "form", "The form has several files: send them one by one.")
            self._found.append(("file", options[b"filename"]))

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._value is None:
            self._found.append(("data", data[start:end]))
            return
        self._value += data[start:end]
        if len(self._value) > _FIELD_MOST or len(self.fields) >= _FIELDS_MOST:
            raise ApiError(413, "form", "The form has more in its fields than it may.")

    def _end(self) -> None:
        if self._value is not None:
            self.fields[self._name] = self._value.decode(errors="replace")

    def _all(self) -> None:
        self.whole = True
