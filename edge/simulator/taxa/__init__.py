"""The taxa that the simulated instrument meets.

Lengths and depths are plausible round figures for a temperate sea in summer, not a census: they
make taxa overlap in size and place, so that telling them apart needs their shape.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from edge.simulator.taxa.crustaceans import copepod, nauplius
from edge.simulator.taxa.gelatinous import (
    appendicularian,
    chaetognath,
    ctenophore,
    medusa,
    siphonophore,
)
from edge.simulator.taxa.larvae import pluteus, polychaete
from edge.simulator.taxa.particles import aggregate, bubble, dot, faecal_pellet, fibre
from edge.simulator.taxa.protists import diatom_chain, radiolarian
from edge.simulator.taxa.spec import TaxonSpec

_T = TaxonSpec

_SPECS = (
    # name, draw, weight, length in µm: median, sigma, most; depth: centre, spread
    _T("Copepoda", copepod, 22, 1000, 0.35, 3500, 0.25, 0.35),
    _T("nauplius", nauplius, 8, 300, 0.25, 700, 0.12, 0.22),
    _T("Chaetognatha", chaetognath, 3, 5500, 0.40, 14000, 0.60, 0.40, opacity=0.75, bend=0.5),
    _T("Appendicularia", appendicularian, 6, 1300, 0.35, 4000, 0.20, 0.20, opacity=0.8, bend=0.4),
    _T("Hydrozoa", medusa, 4, 1300, 0.40, 4000, 0.35, 0.25, opacity=0.7),
    _T("Ctenophora", ctenophore, 2, 1600, 0.40, 5000, 0.45, 0.25, opacity=0.65),
    _T("Siphonophorae", siphonophore, 2, 2600, 0.40, 7000, 0.70, 0.30, opacity=0.7, bend=0.3),
    _T("pluteus", pluteus, 4, 500, 0.30, 1200, 0.10, 0.20),
    _T("Radiolaria", radiolarian, 5, 480, 0.35, 1400, 0.80, 0.30),
    _T("diatom chain", diatom_chain, 8, 750, 0.45, 3000, 0.15, 0.15, opacity=0.85, bend=0.6),
    _T("aggregate", aggregate, 20, 400, 0.60, 3500, 0.55, 0.60, 1.5, 0.18, grain=0.22),
    _T("fibre", fibre, 2, 5000, 0.60, 26000, 0.30, 0.90, opacity=0.7, bend=0.5, tilt_min=0.95),
    _T("bubble", bubble, 2, 350, 0.45, 1500, 0.0, 0.12, opacity=1.1, tilt_min=0.95, grain=0.03),
    _T("faecal pellet", faecal_pellet, 6, 380, 0.35, 1200, 0.65, 0.40, grain=0.3),
    _T("Polychaeta", polychaete, 3, 1700, 0.45, 5500, 0.35, 0.40, opacity=0.9, bend=1.0),
    _T("dot", dot, 6, 150, 0.25, 300, 0.40, 0.80),
)

SPECS: Mapping[str, TaxonSpec] = MappingProxyType({spec.name: spec for spec in _SPECS})

DEFAULT_WEIGHTS: Mapping[str, float] = MappingProxyType({spec.name: spec.weight for spec in _SPECS})
"""Relative abundance of each taxon, averaged over the cast."""

TAXA: tuple[str, ...] = tuple(SPECS)
