"""Record once, replay: a function's flow graph as a program that runs again without being recorded."""
