"""A broker, its worker and instruments killed in any order, while records go through the broker.

Real processes: Mosquitto with the configuration that `seadrift broker` writes, `seadrift mqtt`, two
agents that know no other carrier once they are enrolled. A broker's acknowledgement proves nothing,
and these kills come between it and the shore's commit, after the commit and before the answer, and
wherever else chance puts them. What counts is the reckoning between both sides' books.
"""

import random
import time
from pathlib import Path

import pytest

from server.demo.processes import Process, command
from tests.faults.laboratory import report, slice_or_whole
from tests.faults.stage import Place, agent, ashore, run
from tests.plugins.mosquitto import Mosquitto, free_port, program

NAMES = ("north", "south")
MQTT = """carriers = [{carriers}]

[mqtt]
url = "mqtts://localhost:{port}"
"""
pytestmark = [pytest.mark.faults, pytest.mark.timeout(600), pytest.mark.xdist_group("mqtt")]


@pytest.mark.parametrize("kills", slice_or_whole(4, 60))
def test_broker_worker_and_instruments_are_killed_in_any_order(tmp_path: Path, kills: int) -> None:
    program()
    with ashore(tmp_path) as place:
        broker, worker = _served(place)
        agents = [_enrolled(place, broker, name) for name in NAMES]
        try:
            killed = _kill_in_any_order(broker, worker, agents, kills)
            for one in agents:
                one.stop()
                one.start("--frames", "0", "--once")
            codes = [one.wait(300) for one in agents]
            account = place.account()
        finally:
            for process in (*agents, worker, broker):
                process.kill()
    print(f"\nkilled {killed}; {account}")
    assert codes == [0, 0]
    assert account.frames > 2 * len(NAMES)
    assert account.pending == 0
    what = "SIGKILL of Mosquitto, its worker or an instrument at a random moment"
    report("servers", what, times=kills, lost=account.lost, duplicated=account.duplicated)


def _served(place: Place) -> tuple[Mosquitto, Process]:
    """A broker that listens, and the worker that answers behind it."""
    data = str(place.shore.log.parent / "data")
    out = place.folder / "broker"
    ports = free_port(), free_port()
    asked = ["--port", str(ports[0]), "--workers-port", str(ports[1]), "--bind", "127.0.0.1"]
    made = run([command("seadrift"), "broker", "--data", data, "--host", "localhost",
                "--out", str(out), *asked])  # fmt: skip
    assert made.returncode == 0, made.stderr
    broker = Mosquitto(out, out / "mosquitto.conf", *ports)
    broker.start()
    argv = [command("seadrift"), "mqtt", "--data", data, "--broker", broker.workers.url]
    worker = Process("worker", argv, place.folder / "worker.log", {})
    worker.start()
    return broker, worker


def _enrolled(place: Place, broker: Mosquitto, name: str) -> Process:
    """An instrument that has its certificate, and then goes on with the broker alone."""
    port = broker.devices.port
    both = MQTT.format(carriers='"https"', port=port)
    config = place.instrument(name, interval_s=0.1, timeout_s=3.0, more=both)
    assert run(agent(config, "--frames", "1", "--once")).returncode == 0
    alone = config.read_text().replace('carriers = ["https"]', 'carriers = ["mqtt"]')
    config.write_text(alone)
    made = Process(name, agent(config), config.parent / "agent.log", {})
    made.start()
    return made


def _kill_in_any_order(
    broker: Mosquitto, worker: Process, agents: list[Process], kills: int
) -> dict[str, int]:
    """How often each was killed; each is started again at once."""
    chance = random.Random(kills)
    victims = {"broker": broker, "worker": worker, **{one.name: one for one in agents}}
    killed = dict.fromkeys(victims, 0)
    for turn in range(kills):
        time.sleep(chance.uniform(0.2, 2.5))  # the moment is what is random here
        name = list(victims)[turn] if turn < len(victims) else chance.choice(list(victims))
        victims[name].kill()
        killed[name] += 1
        victims[name].start()
    return killed
