"""A simulated instrument: dark-field and bright-field frames of plankton, with exact truth.

It stands in for a camera in tests, demonstrations and benchmarks, and knows what it drew. See
docs/simulator.md for how close it comes to real frames, and where it does not.
"""

from edge.simulator.settings import PRESETS, SettingsError, SimSettings, preset
from edge.simulator.simulator import SimFrame, SimSource, Simulator, TrueObject
from edge.simulator.taxa import TAXA

__all__ = [
    "PRESETS",
    "TAXA",
    "SettingsError",
    "SimFrame",
    "SimSettings",
    "SimSource",
    "Simulator",
    "TrueObject",
    "preset",
]
