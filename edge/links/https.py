"""The default carrier: signed requests over HTTPS; no broker, no session, nothing to keep alive.

Only an answer in the shore's own form counts. A captive portal's page, a proxy's error or another
program on the port raise an error, which is no acknowledgement: nothing is deleted because of them.

Example:
    >>> link = HttpsLink(ShoreConfig(url="http://127.0.0.1:8765"), identity, timeout_s=10)
    >>> link.ping()
    '0.1.0'
"""

import json
import ssl
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import cbor2
import httpx

from edge.config import ShoreConfig
from edge.identity import Identity
from edge.links import Carriage, Enrolled, HelloReply, LinkError, NotSeadriftError
from edge.links.address import check_url
from edge.links.answers import read_ack, read_hello, refusal
from edge.links.tus import TusAnswer
from edge.links.unpacking import unpacked
from edge.tables import ConfigError
from wire.ack import Ack
from wire.checked import FieldError, read
from wire.codec import BATCH_MAX
from wire.signing import NextKey
from wire.tus import VERSION, signed_part

BATCH_TYPE = "application/vnd.seadrift.batch"
CBOR_TYPE = "application/cbor"
ANSWER_MAX = 4 * 1024 * 1024
"""Largest answer that is read, in bytes; a bundle comes as a stream."""
CHUNK = 64 * 1024
OVERHEAD_BYTES = 1200
"""What a request costs beside its body on a connection that is open: headers both ways, the frames
of TLS and TCP. A new connection costs some 5 kB more, once."""


class HttpsLink:
    """One shore over HTTP. Not for several threads at once."""

    def __init__(
        self,
        shore: ShoreConfig,
        identity: Identity,
        *,
        timeout_s: float,
        folder: Path = Path(),
        proxy: str = "",
    ) -> None:
        self.url = check_url(shore.url, insecure=shore.insecure)
        self._identity = identity
        self._prefix = urlsplit(self.url).path
        self._client = httpx.Client(
            timeout=timeout_s,
            verify=_trust(shore, folder),
            follow_redirects=False,
            proxy=proxy or None,
            headers={"User-Agent": "seadrift-edge", "Accept-Encoding": "gzip"},
        )

    @property
    def carriage(self) -> Carriage:
        return Carriage(
            "https", BATCH_MAX, enrols=True, fetches=True, overhead_bytes=OVERHEAD_BYTES
        )

    def close(self) -> None:
        self._client.close()

    def ping(self) -> str:
        answer = self._exchange("GET", "/v1/ping", b"", signed=False)
        data = _json(self.url, answer)
        if data.get("service") != "seadrift":
            raise NotSeadriftError(_stranger(self.url, answer))
        if data.get("api") != 1:
            raise LinkError(f"{self.url}: shore speaks api {data.get('api')}, this device api 1")
        return str(data.get("version"))

    def enrol(self, claim: str, name: str, board: str, software: str) -> Enrolled:
        request = {
            "claim": claim,
            "name": name,
            "public_key": self._identity.public.text,
            "board": board,
            "software": software,
        }
        body = json.dumps(request).encode()
        answer = self._exchange("POST", "/v1/enrol", body, signed=False, kind="application/json")
        try:
            return read(Enrolled, _json(self.url, answer))
        except FieldError as error:
            raise LinkError(
                f"{self.url}: the answer to the claim makes no sense: {error}"
            ) from error

    def announce_key(self, key: NextKey) -> None:
        self._exchange("POST", "/v1/key", cbor2.dumps(asdict(key), canonical=True))

    def hello(
        self, epoch: int, next_seq: int, software: str, release: str | None, deploy_seq: int
    ) -> HelloReply:
        request = {
            "epoch": epoch,
            "next_seq": next_seq,
            "software": software,
            "release": release,
            "deploy_seq": deploy_seq,
        }
        answer = self._exchange("POST", "/v1/hello", cbor2.dumps(request, canonical=True))
        return read_hello(self.url, answer.content)

    def send(self, batch: bytes) -> Ack:
        answer = self._exchange("POST", "/v1/ingest", batch, kind=BATCH_TYPE)
        return read_ack(self.url, answer.content)

    def certificate(self) -> str:
        """A new certificate for this device's key, with its authority's, PEM."""
        return self._exchange("POST", "/v1/certificate", b"").content.decode("ascii", "replace")

    def fetch(self, release: str, offset: int) -> Iterator[bytes]:
        path = f"/v1/releases/{release}"
        headers = self._identity.sign("GET", self._prefix + path, b"")
        headers["Accept-Encoding"] = "identity"  # offsets are those of the file itself
        if offset:
            headers["Range"] = f"bytes={offset}-"
        try:
            with self._client.stream("GET", self.url + path, headers=headers) as answer:
                if answer.status_code == 416:
                    return  # nothing beyond offset: all is here already
                if answer.status_code not in (200, 206):
                    answer.read()
                    raise _refusal(self.url, answer)
                skip = offset if answer.status_code == 200 else 0
                for chunk in answer.iter_raw(CHUNK):
                    kept = chunk[skip:]
                    skip = max(0, skip - len(chunk))
                    if kept:
                        yield kept
        except httpx.HTTPError as error:
            raise LinkError(f"{self.url}: {_reason(error)}") from error

    def tus(self, method: str, path: str, headers: dict[str, str], body: bytes) -> TusAnswer:
        """A request of the protocol for blobs. Raises LinkError unless a shore that speaks it
        agrees."""
        headers = {"Tus-Resumable": VERSION, **headers}
        part = signed_part(headers, body)
        headers |= self._identity.sign(method, self._prefix + path, part)
        try:
            answer = self._limited(method, path, body, headers)
        except httpx.HTTPError as error:
            raise LinkError(f"{self.url}: {_reason(error)}") from error
        if answer.status_code not in (200, 201, 204):
            raise _refusal(self.url, answer)
        if answer.headers.get("Tus-Resumable") != VERSION:
            raise NotSeadriftError(_stranger(self.url, answer))
        return answer.status_code, dict(answer.headers)

    def _exchange(
        self, method: str, path: str, body: bytes, *, signed: bool = True, kind: str = CBOR_TYPE
    ) -> httpx.Response:
        """One request and its answer with status 200 or 201. Raises LinkError for any other."""
        headers = {"Content-Type": kind} if body else {}
        if signed:
            headers |= self._identity.sign(method, self._prefix + path, body)
        try:
            answer = self._limited(method, path, body, headers)
        except httpx.HTTPError as error:
            raise LinkError(f"{self.url}: {_reason(error)}") from error
        if answer.status_code not in (200, 201):
            raise _refusal(self.url, answer)
        return answer

    def _limited(
        self, method: str, path: str, body: bytes, headers: dict[str, str]
    ) -> httpx.Response:
        """The answer, read and unpacked no further than ANSWER_MAX."""
        with self._client.stream(method, self.url + path, content=body, headers=headers) as answer:
            packing = answer.headers.get("Content-Encoding", "")
            try:
                content = unpacked(answer.iter_raw(CHUNK), packing, ANSWER_MAX)
            except ValueError as error:
                raise NotSeadriftError(f"{self.url}: {error}") from error
            plain = {k: v for k, v in answer.headers.items() if k.lower() != "content-encoding"}
            return httpx.Response(answer.status_code, headers=plain, content=content)


def _trust(shore: ShoreConfig, folder: Path) -> ssl.SSLContext | bool:
    if not shore.ca:
        return True
    path = folder / shore.ca
    try:
        return ssl.create_default_context(cafile=str(path))
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"[shore] ca: {path}: not a PEM certificate: {error}") from error


def _refusal(url: str, answer: httpx.Response) -> LinkError:
    """What an answer other than success means."""
    found = refusal(
        url,
        answer.status_code,
        answer.content,
        retry_after=answer.headers.get("Retry-After", ""),
    )
    return found or NotSeadriftError(_stranger(url, answer))


def _stranger(url: str, answer: httpx.Response) -> str:
    kind = answer.headers.get("Content-Type", "no content type")
    return (
        f"{url}: what answers there is not a Seadrift shore (status {answer.status_code}, {kind});"
        " check [shore] url; records stay here"
    )


def _json(url: str, answer: httpx.Response) -> dict[str, Any]:
    try:
        data = json.loads(answer.content)
    except ValueError as error:
        raise NotSeadriftError(_stranger(url, answer)) from error
    if not isinstance(data, dict):
        raise NotSeadriftError(_stranger(url, answer))
    return data


def _reason(error: httpx.HTTPError) -> str:
    """What went wrong, without the library's words."""
    text = str(error) or type(error).__name__
    if isinstance(error, httpx.ConnectTimeout | httpx.ReadTimeout | httpx.WriteTimeout):
        return "no answer in time"
    return text
