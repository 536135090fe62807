"""What measurements are called, as addresses of the NERC vocabulary server (BODC).

P01 names quantities, P06 units, Q01 properties of instruments. Sources: the entries at
http://vocab.nerc.ac.uk/collection/P01/current/ and .../P06/current/, and the recommendations for
plankton images of Martin-Cabrera et al. (2022), Best practices and recommendations for plankton
imaging data management, Flanders Marine Institute, doi:10.25607/OBP-1742.

Example:
    >>> CONCENTRATION.unit_id
    'http://vocab.nerc.ac.uk/collection/P06/current/UPMM/'
"""

from dataclasses import dataclass

_NERC = "http://vocab.nerc.ac.uk/collection"


@dataclass(frozen=True)
class Quantity:
    """A kind of measurement: its words and address, its unit's words and address."""

    words: str
    words_id: str
    unit: str = ""
    unit_id: str = ""


def _p01(code: str) -> str:
    return f"{_NERC}/P01/current/{code}/"


def _p06(code: str) -> str:
    return f"{_NERC}/P06/current/{code}/"


COUNT = Quantity(
    "Count (in assayed sample) of biological entity specified elsewhere",
    _p01("OCOUNT01"),
    "Dimensionless",
    _p06("UUUU"),
)
CONCENTRATION = Quantity(
    "Abundance of biological entity specified elsewhere per unit volume of the water body",
    _p01("SDBIOL01"),
    "Number per cubic metre",
    _p06("UPMM"),
)
BIOVOLUME = Quantity(
    "Biovolume of biological entity specified elsewhere per unit volume of the water body",
    _p01("CVOLUKNB"),
    "Cubic millimetres per cubic metre",
    _p06("CMCM"),
)
VOLUME_SAMPLED = Quantity(
    "Volume sampled of the water body", _p01("VOLWBSMP"), "Cubic metres", _p06("MCUB")
)
FRACTION = Quantity("Sub-sampling coefficient", _p01("SSAMPC01"), "Dimensionless", _p06("UUUU"))
LIFE_STAGE = Quantity("Life stage of biological entity specified elsewhere", _p01("LSTAGE01"))
INSTRUMENT = Quantity("Sampling instrument name", f"{_NERC}/Q01/current/Q0100002/")
