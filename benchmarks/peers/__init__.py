"""One module per library.

A module defines those programs of `benchmarks.cases` that its library can run. A program sets the case
up and returns `step()`, which does one whole unit of work (forward, backward, update) and returns a value,
or a tuple of values, that the runner compares between the libraries. (`multiply_graph` only goes forward,
and returns what holds the graph: its memory is measured.)
"""
