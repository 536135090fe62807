"""Licences under which a project's data may be used, in EcoTaxa's words.

Example:
    >>> "CC BY 4.0" in LICENCES
    True
"""

LICENCES = {
    "": "not decided",
    "CC0 1.0": "Creative Commons Zero: no rights kept",
    "CC BY 4.0": "Creative Commons, with attribution",
    "CC BY-NC 4.0": "Creative Commons, with attribution, not commercial",
    "Copyright": "all rights kept",
}
