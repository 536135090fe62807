"""Objects like this one: the nearest by the network's embedding, among millions in milliseconds.

An index is a file for each project and network under `similar/` of the data folder. It is derived:
whatever it says is compared again with the database's own values before it is told, and a file that
is missing or odd is made anew. `cells` groups vectors, `segment` is the file, `nearest` looks into
it, `index` keeps it up to date and answers.
"""
