"""Links that are bad in every way that we know: a real agent and a real shore, and between them
packets that get lost, late, twice, disordered, or connections that break, lie and repeat."""

import subprocess
import time
from pathlib import Path

import pytest

from edge.links.bad_network import BadNetwork, Weather
from tests.faults.laboratory import progress, report, slice_or_whole
from tests.faults.radio import Air, Radio, can_radio
from tests.faults.stage import agent, ashore, run

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]
FRAMES, FRAMES_SLOW = 3, 2
"""A frame takes two minutes at 2 kbit/s."""
LONGEST_S = 800

AIRS = {
    "30 % of packets lost": Air(loss=0.3, delay_s=0.02),
    "3 s of delay": Air(delay_s=1.5),
    "2 kbit/s": Air(bytes_per_s=250.0),
    "packets twice and out of order, a tenth lost": Air(
        loss=0.1, delay_s=0.02, jitter_s=0.2, duplicate=0.3
    ),
}
WEATHERS = {
    "a reset in the middle of a body, at every 700 bytes": Weather(reset_up=700),
    "a reset in the middle of an answer": Weather(reset_down=150),
    "an answer cut short by a proxy": Weather(truncate=120),
    "a reset in one segment of four": Weather(reset=0.25),
    "every request twice": Weather(duplicate=1.0),
    "a captive portal": Weather(answer=b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"),
    "silence": Weather(silent=True),
}


@pytest.mark.parametrize("rounds", slice_or_whole(1, 6))
def test_connections_in_bad_weather(tmp_path: Path, rounds: int) -> None:
    """All weathers in turn, under open connections too; good weather only at the end."""
    with ashore(tmp_path) as place, BadNetwork(place.shore.address, seed=rounds) as network:
        url = f"http://127.0.0.1:{network.port}"
        more = "batch_kb = 8"
        config = place.instrument("north", url=url, interval_s=0.2, timeout_s=0.5, more=more)
        with subprocess.Popen(agent(config), stderr=subprocess.DEVNULL) as child:
            for turn in range(rounds):
                for weather in WEATHERS.values():
                    network.weather = Weather()
                    time.sleep(0.3)
                    network.weather = weather
                    time.sleep(0.7)
                    assert child.poll() is None, "the agent ended"
                progress(turn + 1, rounds, "rounds of bad weather")
            child.terminate()
            assert child.wait(timeout=120) == 0
        network.weather = Weather()
        done = run(agent(config, "--frames", "1", "--once"))
        assert done.returncode == 0, done.stderr
        account, faults = place.account(), network.count.connections
    assert account.objects > 0
    report(
        "link",
        "; ".join(WEATHERS),
        times=faults,
        lost=account.lost + account.pending,
        duplicated=account.duplicated,
    )


@pytest.mark.slow_faults
@pytest.mark.xdist_group("radio")
@pytest.mark.parametrize("name", AIRS)
def test_packets_through_bad_air(tmp_path: Path, name: str) -> None:
    if not can_radio():
        pytest.skip("a radio link needs root, ip and /dev/net/tun")
    with ashore(tmp_path) as place, Radio(AIRS[name], place.shore.address) as radio:
        config = place.instrument(
            "north", url=radio.url, timeout_s=120.0, health_s=600.0, more="batch_kb = 8"
        )
        text = config.read_text().replace("[source]", "insecure = true\n\n[source]", 1)
        config.write_text(text.replace("hello_s = 0.5", "hello_s = 30.0"))
        frames = str(FRAMES_SLOW if AIRS[name].bytes_per_s else FRAMES)
        argv = [*radio.prefix, *agent(config, "--frames", frames, "--once")]
        done = run(argv, timeout_s=LONGEST_S)
        assert done.returncode == 0, done.stderr
        account = place.account()
        print(f"{name}: {radio.sent} packets, {radio.lost} lost, {radio.doubled} twice")
        assert account.objects > 0
    report(
        "link",
        f"{name}: kernel TCP between network namespaces",
        times=radio.sent,
        lost=account.lost + account.pending,
        duplicated=account.duplicated,
    )
