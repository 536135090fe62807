"""Requests that should not be: of strangers, of someone who may only look, of an enrolled
instrument that has gone over to the enemy.

Example:
    >>> attack = Attacks(place, seed=1).next()
    >>> Wire(place.port).ask(attack.request)
    401
"""

import json
import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cbor2

from tests.faults.hostile.besieged import Place
from tests.faults.hostile.carriers import METHODS, piece, push
from tests.faults.hostile.images import bad_png
from tests.faults.hostile.nonsense import climbing, nonsense
from tests.faults.hostile.raw import written
from tests.faults.hostile.targets import BODIES, PATHS, PUBLIC
from tests.faults.hostile.values import FLAT, TEXTS, bent, flipped, hostile, word
from wire.codec import encode_batch, zstd
from wire.signing import PrivateKey, prove_key, sign_request
from wire.tus import PATH, signed_part

_BOMB = zstd.compress(bytes(50_000_000))
_COLLIDING = b"\xb9\x27\x10" + b"".join(cbor2.dumps(i * (2**61 - 1)) + b"\0" for i in range(10_000))
"""A map whose ten thousand keys have one hash."""
_UPLOAD = re.compile(rb"location: /v1/blobs/([^\r]+)", re.IGNORECASE)
_TOKEN_HEADERS = ("Seadrift-Device", "Seadrift-Counter", "Seadrift-Signature")


@dataclass(frozen=True)
class Attack:
    """`opens`: a good answer (2xx) would mean that someone was let in."""

    kind: str
    request: bytes
    opens: bool
    last: bool = False


class Attacks:
    """An endless, repeatable stream of them."""

    def __init__(self, place: Place, seed: int) -> None:
        self._place = place
        self._device = place.hostiles[seed % len(place.hostiles)]
        self._chance = random.Random(seed)
        self._thief = PrivateKey.make()
        self._uploads = ["x"]
        weighted: list[tuple[int, Callable[[], Attack]]] = [
            (24, self._batch), (6, self._blob), (4, self._push), (8, self._hello), (3, self._key),
            (14, self._unsigned), (4, self._replay), (8, self._enrol), (12, self._stranger),
            (9, self._viewer),
            (5, self._path), (5, self._credentials), (4, self._nonsense),
        ]  # fmt: skip
        self._kinds = [kind for _, kind in weighted]
        self._weights = [weight for weight, _ in weighted]

    def answered(self, answer: bytes) -> None:
        """Upload places that the shore gave are of use to later attacks."""
        found = _UPLOAD.search(answer)
        if found is not None:
            self._uploads.append(found[1].decode())

    def next(self) -> Attack:
        return self._chance.choices(self._kinds, self._weights)[0]()

    def _signed(self, kind: str, method: str, path: str, body: bytes) -> Attack:
        """As the hostile instrument, whose key is good."""
        device = self._device
        device.counter += 1
        headers = sign_request(device.key, device.device_id, device.counter, method, path, body)
        return Attack(kind, written(method, path, dict(headers), body), opens=False)

    def _batch(self) -> Attack:
        return self._signed("batch", "POST", "/v1/ingest", self._batch_body())

    def _blob(self) -> Attack:
        chance, device = self._chance, self._device
        headers, body = piece(chance, self._place.picture)
        method = chance.choice(METHODS)
        key = chance.choice(["1", "0" * 32, "..%2f..%2fkeys", "%00", self._uploads[-1]])
        path = PATH if method == "POST" else f"{PATH}/{key}"
        if method in ("HEAD", "DELETE"):
            body = b""
        text = {name: value.decode("latin-1") if isinstance(value, bytes) else value
                for name, value in headers.items()}  # fmt: skip
        device.counter += 1
        part = signed_part({name.lower(): value for name, value in text.items()}, body)
        signed = sign_request(device.key, device.device_id, device.counter, method, path, part)
        return Attack("blob", written(method, path, {**headers, **signed}, body), opens=False)

    def _push(self) -> Attack:
        """Through the gateway's address, which is no secret to whoever works there."""
        body, kind = push(self._chance)
        known = self._chance.random() < 0.9
        path = self._place.gateway if known else f"/v1/satellite/{word(self._chance)}"
        return Attack("push", written("POST", path, {"Content-Type": kind}, body), opens=not known)

    def _batch_body(self) -> bytes:
        chance = self._chance
        how = chance.random()
        if how < 0.05:
            return chance.choice([b"", b"\0", _BOMB, chance.randbytes(99)])
        records = [self._record() for _ in range(chance.choice([1, 1, 2, 5]))]
        if how < 0.75:
            return encode_batch(records)
        if how < 0.85:
            return flipped(chance, encode_batch(records))
        whole = cbor2.loads(zstd.decompress(encode_batch(records)))
        wrong = bent(chance, whole) if how < 0.95 else flipped(chance, cbor2.dumps(whole))
        return zstd.compress(wrong if isinstance(wrong, bytes) else _cbor(chance, wrong))

    def _record(self) -> bytes:
        """A good record, bent; now and then with a name of its own, so that it is looked at."""
        chance = self._chance
        good = chance.choice(self._place.records)
        if chance.random() < 0.2:
            return flipped(chance, good)
        data = cbor2.loads(good)
        data["seq"] = chance.randrange(1, 2**40)
        if data["kind"] == "vignette" and chance.random() < 0.7:
            data["body"] = {**data["body"], "data": bad_png(chance, data["body"]["data"])}
        return _cbor(chance, bent(chance, data) if chance.random() < 0.9 else data)

    def _hello(self) -> Attack:
        said = {"epoch": 7, "next_seq": 9, "software": "x", "release": None, "deploy_seq": 0}
        body = _cbor(self._chance, bent(self._chance, said))
        if self._chance.random() < 0.2:
            body = flipped(self._chance, body)
        return self._signed("hello", "POST", "/v1/hello", body)

    def _key(self) -> Attack:
        """Announcing a key that is another's, without its proof, or not at all."""
        new, device = PrivateKey.make(), self._device
        said = {
            "public_key": new.public.text,
            "proof": prove_key(new, "another", device.key.public),
        }
        return self._signed("key", "POST", "/v1/key", _cbor(self._chance, bent(self._chance, said)))

    def _unsigned(self) -> Attack:
        """A good or bad body in the innocent's name, signed by a thief, or with bent headers."""
        chance, device = self._chance, self._place.innocent
        path = chance.choice(
            ["/v1/ingest", "/v1/hello", "/v1/key", "/v1/releases/1", "/v1/certificate"]
        )
        body, method = self._batch_body(), "GET" if "releases" in path else "POST"
        counter = chance.choice([1, 10**6, 10**17])
        name = chance.choice([device.device_id, "d0", ""])
        headers: dict[str, Any] = dict(sign_request(self._thief, name, counter, method, path, body))
        for header in _TOKEN_HEADERS:
            if chance.random() < 0.3:
                headers[header] = _line(chance.choice(TEXTS))
        return Attack("unsigned", written(method, path, headers, body), opens=True)

    def _replay(self) -> Attack:
        """What was overheard, again, elsewhere, or with another number."""
        chance = self._chance
        path, body, headers = chance.choice(self._place.overheard)
        how = chance.random()
        if how < 0.3:
            path = chance.choice(["/v1/hello", "/v1/key", "/v1/ingest?x=1", "/v1//ingest"])
        elif how < 0.6:
            headers = {**headers, "Seadrift-Counter": str(chance.choice([0, 2, 10**9, 10**18]))}
        elif how < 0.8:
            body = flipped(chance, body)
        return Attack("replay", written("POST", path, dict(headers), body), opens=True)

    def _enrol(self) -> Attack:
        said = bent(self._chance, BODIES["/v1/enrol"])
        return Attack("enrol", self._json("POST", "/v1/enrol", said, {}), opens=True)

    def _stranger(self) -> Attack:
        return self._api("stranger", {})

    def _viewer(self) -> Attack:
        token = self._place.tokens["viewer"]
        return self._api("viewer", {"Authorization": f"Bearer {token}"})

    def _api(self, kind: str, headers: dict[str, Any]) -> Attack:
        """Something that this person may not do; a viewer may look, and ask what makes no sense."""
        chance = self._chance
        if chance.random() < 0.4:
            path = chance.choice(PATHS)
            opens = kind == "stranger" and path.startswith("/api/") and path not in PUBLIC
            return Attack(kind, written("GET", path + self._query(), headers), opens)
        path, body = chance.choice(list(BODIES.items()))
        if chance.random() < 0.3:
            path = path.replace("1", str(chance.choice([0, -1, 2**63, 10**30, "x", "%00", "1e5"])))
        method = chance.choice(["POST"] * 6 + ["PUT", "PATCH", "DELETE"])
        asked = bent(chance, body) if chance.random() < 0.8 else body
        opens = path != "/api/logout"
        return Attack(kind, self._json(method, path, asked, headers), opens)

    def _query(self) -> str:
        chance = self._chance
        names = [
            "limit",
            "offset",
            "sort",
            "status",
            "q",
            "rank",
            "before",
            "next",
            "taxon_id",
            word(chance),
        ]
        pairs = [
            f"{chance.choice(names)}={_quoted(chance.choice(FLAT))}"
            for _ in range(chance.randrange(4))
        ]
        return f"?{'&'.join(pairs)}" if pairs else ""

    def _json(self, method: str, path: str, data: Any, headers: dict[str, Any]) -> bytes:
        chance = self._chance
        how = chance.random()
        text = json.dumps(data, default=repr, ensure_ascii=chance.random() < 0.5)
        body = text.encode("utf-8", "surrogateescape")
        if how < 0.05:
            body = b"[" * chance.choice([50, 5_000, 400_000])
        elif how < 0.1:
            body = b'{"a":' * 5_000 + b"1" + b"}" * 5_000
        elif how < 0.15:
            body = b'{"title": ' + b"9" * chance.choice([400, 5_000, 500_000]) + b"}"
        elif how < 0.3:
            body = flipped(chance, body)
        kind = chance.choice(
            ["application/json"] * 8 + ["text/plain", "multipart/form-data", "", "\xff"]
        )
        return written(
            method, path, {"Content-Type": _line(kind), "X-Seadrift": "1", **headers}, body
        )

    def _credentials(self) -> Attack:
        """Made-up tokens and cookies in every shape."""
        chance = self._chance
        value = _line(chance.choice([*TEXTS, "seadrift_" + "A" * 43, "A" * 43]))
        name = chance.choice(["seadrift_session", "__Host-seadrift", "a", ""])
        headers: dict[str, Any] = {}
        if chance.random() < 0.5:
            headers["Authorization"] = (
                chance.choice([b"Bearer ", b"bearer\t", b"Basic ", b""]) + value
            )
        else:
            headers["Cookie"] = name.encode() + b"=" + value + b"; " * chance.choice([0, 1, 500])
        headers["X-Forwarded-For"] = _line(chance.choice(TEXTS))
        headers["X-Forwarded-Proto"] = "https"
        headers["Host"] = _line(
            chance.choice(["127.0.0.1"] * 6 + ["[", "evil.example", "", "a/b@c:d", "\xff"])
        )
        path = chance.choice(["/api/users", "/api/audit", "/api/me", "/", "/devices?a=b"])
        return Attack("credentials", written("GET", path, headers), opens=path.startswith("/api/"))

    def _path(self) -> Attack:
        path, opens = climbing(self._chance)
        return Attack("path", written("GET", path, {}), opens)

    def _nonsense(self) -> Attack:
        return Attack("nonsense", nonsense(self._chance), opens=True, last=True)


def _cbor(chance: random.Random, data: Any) -> bytes:
    """As CBOR, now and then with a tag or a depth that nobody asked for."""
    how = chance.random()
    if how < 0.03:
        return b"\x81" * chance.choice([20, 500, 50_000]) + b"\x00"
    if how < 0.06:
        return bytes.fromhex(
            chance.choice(["c5821a3b9aca0003", "d81c81d81d00", "d82361", "9bffffffffffffffff"])
        )
    if how < 0.08:
        return _COLLIDING
    try:
        return cbor2.dumps(data)
    except (ValueError, TypeError, OverflowError):
        return cbor2.dumps(repr(hostile(chance)))


def _line(text: str) -> bytes:
    """A header's value: without line breaks, which would begin another."""
    raw = text.encode("utf-8", "surrogateescape")[:20_000]
    return raw.replace(b"\r", b"").replace(b"\n", b"").replace(b"\0", b"")


def _quoted(value: Any) -> str:
    return "".join(f"%{byte:02x}" for byte in str(value)[:2000].encode("utf-8", "replace"))
