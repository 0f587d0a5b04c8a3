"""Side-by-side timings of autograd_lite and other libraries: `python -m benchmarks.run`."""
