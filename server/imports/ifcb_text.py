"""The two texts of a bin: the header's fields, and the lines of the `.adc`.

Both generations are read; see `server.imports.ifcb`. What is wrong is a problem with its line,
column and value.

Example:
    >>> header_of(b"runTime: 1200.0\\n", "a.hdr", problems)
    {'runTime': '1200.0'}
"""

import re
from collections.abc import Sequence

import numpy as np

from server.ecotaxa.problems import Problems

OLD_COLUMNS = (
    "trigger", "processing_end_time", "fluorescence_low", "fluorescence_high", "scattering_low",
    "scattering_high", "comparator_pulse", "trigger_open_time", "frame_grab_time", "roi_x",
    "roi_y", "roi_width", "roi_height", "start_byte", "valve_status",
)  # fmt: skip
NEW_COLUMNS = (
    "trigger", "adc_time", "pmta", "pmtb", "pmtc", "pmtd", "peaka", "peakb", "peakc", "peakd",
    "time_of_flight", "grabtimestart", "grabtimeend", "roi_x", "roi_y", "roi_width", "roi_height",
    "start_byte", "comparator_out", "start_point", "signal_length", "status", "runtime",
    "inhibittime",
)  # fmt: skip
AGAIN = "copy the three files from the instrument again"
NEEDED = ("trigger", "roi_x", "roi_y", "roi_width", "roi_height", "start_byte")


def header_of(data: bytes, file: str, problems: Problems) -> dict[str, str] | None:
    """Both forms: `key: value`, or quoted names and below them quoted values."""
    if not data.strip():
        problems.error("the header is empty", remedy=AGAIN, file=file)
        return None
    lines = [line.strip() for line in data.decode("latin-1").splitlines() if line.strip()]
    found: dict[str, str] = {}
    if lines[0].startswith('"'):
        names: list[str] = []
        for line in lines:
            cells = [cell.strip() for cell in re.findall(r'"([^"]*)"', line)]
            if len(cells) > 1 and len(cells) == len(names):
                found |= dict(zip(names, cells, strict=True))
            elif len(cells) == 1 and "=" in cells[0]:
                key, _, value = cells[0].partition("=")
                found[key.strip()] = value.strip()
            elif cells:
                found.setdefault("softwareVersion", cells[0])
                names = cells[0].split()
        return found
    for line in lines:
        key, colon, value = line.partition(":")
        if colon:
            found[key.strip()] = value.strip()
        else:
            words, _, number = line.rpartition(" ")
            found[words.strip()] = number
    return found


def columns_of(header: dict[str, str]) -> tuple[str, ...]:
    """As the header names them, by the names used here; those of 2013 when it does not."""
    told = header.get("ADCFileFormat", "")
    if not told:
        return NEW_COLUMNS
    names = [re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") for name in told.split(",")]
    known = {"roix": "roi_x", "roiy": "roi_y", "roiwidth": "roi_width", "roiheight": "roi_height",
             "startpoint": "start_point", "signallength": "signal_length"}  # fmt: skip
    return tuple(known.get(name, name) for name in names)


def rows_of(
    adc: bytes, columns: tuple[str, ...], file: str, problems: Problems
) -> list[tuple[int, dict[str, float]]]:
    """(line, values by column). A line may have a comma at its end."""
    missing = [name for name in NEEDED if name not in columns]
    if missing:
        message = f"the header's ADCFileFormat names no {', '.join(missing)}"
        problems.error(message, remedy=AGAIN, file=file)
        return []
    found = []
    for line, text in enumerate(adc.decode("latin-1").splitlines(), start=1):
        cells = [cell.strip() for cell in text.split(",")]
        if len(cells) == len(columns) + 1 and not cells[-1]:
            cells.pop()
        if len(cells) != len(columns):
            message = f"{len(cells)} values, expected {len(columns)}"
            problems.error(message, remedy=AGAIN, file=file, line=line, value=text)
            continue
        values = _values(cells, columns, file, line, problems)
        if values is not None:
            found.append((line, values))
    return found


def _values(
    cells: Sequence[str], columns: Sequence[str], file: str, line: int, problems: Problems
) -> dict[str, float] | None:
    found = {}
    for name, cell in zip(columns, cells, strict=True):
        try:
            value = float(cell)
            if not np.isfinite(value) or (name in NEEDED and value != int(value)):
                raise ValueError
        except ValueError:
            what = "a whole number" if name in NEEDED else "a number"
            problems.error(
                f"expected {what}", remedy=AGAIN, file=file, line=line, column=name, value=cell
            )
            return None
        found[name] = value
    return found
