"""The demonstration: the whole loop with real processes, a real network and a real database.

It starts the shore and two simulated instruments as a user would, cuts one link, plays an operator
who knows the simulator's truth, retrains, releases, and counts what arrived. Nothing of the edge is
imported: the instruments are the `seadrift-edge` command.
"""
