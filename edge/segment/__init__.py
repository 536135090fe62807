"""From a frame to its regions: background, thresholds from measured noise, connected components.

::

    background = Background(settings.field)
    found = segment(frame.grey, background, settings)
    for region in found.regions:
        ...

What decides whether a pixel belongs to something is written in ``background.py`` (what is behind
the objects) and ``regions.py`` (what stands out of it enough). The components themselves are found
by the C library (``native.py``) or OpenCV (``outlines.py``), alike.
"""

from edge.segment.background import Background, Corrected, field_of
from edge.segment.regions import Region, Segmentation, segment, segment_by_outlines
from edge.segment.settings import SegmentSettings

__all__ = [
    "Background",
    "Corrected",
    "Region",
    "SegmentSettings",
    "Segmentation",
    "field_of",
    "segment",
    "segment_by_outlines",
]
