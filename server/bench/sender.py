"""Instruments that send as fast as they are answered: a process of its own, so that the shore's
processor time is the shore's.

Reads a JSON order from standard input, makes and signs every batch, says "ready", waits for a line,
sends each device's batches one after the other over a connection of its own, and prints what was
acknowledged, how long it took, and the processor time that the sending itself took.

Example:
    $ echo '{"port": 8765, "objects": 4800, "devices": [["d1", "c2VjcmV0..."]]}' \\
        | python -m server.bench.sender
"""

import base64
import http.client
import json
import socket
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from models import factory
from models.bundle import Bundle
from server.bench.material import make_batches
from wire.ack import decode_ack
from wire.signing import PrivateKey, sign_request

PATH = "/v1/ingest"


@dataclass(frozen=True)
class Request:
    """A signed batch, and the seq up to which the shore holds everything once it has taken it."""

    body: bytes
    headers: dict[str, str]
    upto: int


def prepare(bundle: Bundle, device_id: str, key: PrivateKey, objects: int) -> list[Request]:
    """The requests of one device that has never sent anything."""
    requests, upto = [], 0
    for count, (n, body) in enumerate(make_batches(bundle, objects, epoch=7), start=1):
        upto += 2 * n
        headers = sign_request(key, device_id, count, "POST", PATH, body)
        requests.append(Request(body, headers, upto))
    return requests


def send(port: int, requests: Sequence[Request], start: threading.Event) -> None:
    """Send them in turn. Raises RuntimeError for any answer but the acknowledgement of all."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    connection.connect()
    connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    start.wait()
    try:
        for request in requests:
            connection.request("POST", PATH, request.body, request.headers)
            answer = connection.getresponse()
            body = answer.read()
            if answer.status != 200:
                raise RuntimeError(f"{answer.status}: {body[:300]!r}")
            ack = decode_ack(body)
            if (ack.upto, ack.rej) != (request.upto, ()):
                raise RuntimeError(f"expected all up to {request.upto}, got {ack}")
    finally:
        connection.close()


def main() -> int:
    order = json.loads(sys.stdin.readline())
    bundle, share = Bundle.load(factory.path()), order["objects"] // len(order["devices"])
    start, failed = threading.Event(), []

    def work(requests: Sequence[Request]) -> None:
        try:
            send(order["port"], requests, start)
        except (OSError, RuntimeError) as error:
            failed.append(str(error))

    prepared = [
        prepare(bundle, device_id, PrivateKey(base64.b64decode(key)), share)
        for device_id, key in order["devices"]
    ]
    threads = [threading.Thread(target=work, args=(requests,)) for requests in prepared]
    for thread in threads:
        thread.start()  # connects
    print("ready", flush=True)
    sys.stdin.readline()
    began, used = time.perf_counter(), time.process_time()
    start.set()
    for thread in threads:
        thread.join()
    seconds, used = time.perf_counter() - began, time.process_time() - used
    found = {"objects": share * len(threads), "seconds": seconds, "used_s": used, "failed": failed}
    print(json.dumps(found))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
