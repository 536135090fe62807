"""A bucket that speaks S3, as far as packs need one: put what is new, get a range, list.

Credentials come from the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and the other names
of AWS's own tools), or from the machine's role; never from the command line. Every request, and
every call with its retries, ends within its `Patience`.

Invariant: `put_new` never replaces other bytes. Stores that know `If-None-Match: *` check it in the
put itself; one that says it does not (Swift up to 2.30) is asked first whether the name is free,
which is enough for names that are drawn at random.

Example:
    >>> bucket = Bucket.open("s3://vignettes/bay", endpoint="", region="eu-west-3")
    >>> bucket.put_new("0123456789abcdef.pack", b"...")
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import ObjectStore, S3Store

if TYPE_CHECKING:
    from obstore.store import S3Config

T = TypeVar("T")


@dataclass(frozen=True)
class Patience:
    """How long one request, and all its retries together, may take."""

    request_s: float = 20
    all_s: float = 40
    retries: int = 4


PATIENCE = Patience()


class BucketError(OSError):
    """The bucket did not do what it was asked; the message says what it answered."""


class Bucket:
    """For any thread; a process opens its own."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._conditional = True

    @classmethod
    def open(
        cls, url: str, endpoint: str = "", region: str = "", patience: Patience | None = None
    ) -> "Bucket":
        """`url` is s3://BUCKET/PREFIX. Raises BucketError where it cannot be reached or may not be
        read."""
        patience = patience or PATIENCE
        parts = urlsplit(url)
        name, prefix = parts.netloc, parts.path.strip("/")
        local = endpoint.startswith("http://")  # `Settings.check`: loopback alone
        config: S3Config = {}
        if endpoint:
            config["endpoint"] = endpoint
        if region:
            config["region"] = region
        store = S3Store(
            name,
            prefix=prefix or None,
            config=config,
            client_options={"timeout": f"{patience.request_s}s", "allow_http": local},
            retry_config={
                "max_retries": patience.retries,
                "retry_timeout": timedelta(seconds=patience.all_s),
            },
        )
        bucket = cls(store)
        _asked(lambda: next(iter(obstore.list(store, chunk_size=1)), None), f"bucket {url}")
        return bucket

    def put_new(self, name: str, data: bytes) -> None:
        """Put the object unless other bytes lie under its name. Raises BucketError."""
        if self._conditional:
            try:
                obstore.put(self._store, name, data, mode="create", use_multipart=False)
                return
            except AlreadyExistsError:
                self._check_same(name, data)
                return
            except (BaseError, OSError, ValueError) as error:
                if not _unknown_condition(error):
                    raise BucketError(_short(error)) from error
                self._conditional = False
        if self._size(name) is None:
            _asked(lambda: obstore.put(self._store, name, data, use_multipart=False), "put")
        else:
            self._check_same(name, data)

    def _check_same(self, name: str, data: bytes) -> None:
        """An earlier try may have come through; anything else is somebody else's."""
        found = _asked(lambda: bytes(obstore.get(self._store, name).bytes()), "get")
        if found != data:
            raise BucketError("other bytes lie under this name already")

    def _size(self, name: str) -> int | None:
        try:
            return int(obstore.head(self._store, name)["size"])
        except FileNotFoundError:
            return None
        except (BaseError, OSError, ValueError) as error:
            raise BucketError(_short(error)) from error

    def get_range(self, name: str, start: int, end: int) -> bytes:
        """The bytes of [start, end) as far as the object goes. Raises BucketError."""
        return _asked(
            lambda: bytes(obstore.get_range(self._store, name, start=start, end=end)), "get"
        )

    def listed(self) -> Iterator[tuple[str, int]]:
        """Names and sizes. Raises BucketError."""
        pages = iter(obstore.list(self._store, chunk_size=1000))
        while (page := _asked(lambda: next(pages, None), "list")) is not None:
            for meta in page:
                yield meta["path"], meta["size"]


def _asked(ask: Callable[[], T], what: str) -> T:
    try:
        return ask()
    except (BaseError, OSError, ValueError) as error:
        raise BucketError(f"{what}: {_short(error)}") from error


def _unknown_condition(error: Exception) -> bool:
    return "501 Not Implemented" in str(error)


def _short(error: Exception) -> str:
    """The first line of what the library says; the rest is its internals."""
    return str(error).split("\n\n")[0].strip()[:600]
