"""What others do with the same objects: their measures, and their networks.

None of it is on an instrument. A peer that is not installed gives a row that says how to get it.
"""
