"""Floor 6: what went wrong in a graph, and what it holds: non-finite values and their cause, lines of code, memory."""
