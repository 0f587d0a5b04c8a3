"""Hypothesis profiles: `dev` for every run, `ci` (CI=true or HYPOTHESIS_PROFILE=ci) for more examples."""

import os
import signal

from hypothesis import HealthCheck, settings

for _name, _examples in (("dev", 8), ("ci", 20)):
    settings.register_profile(
        _name,
        max_examples=_examples,
        deadline=None,
        derandomize=True,  # the same run gives the same result
        suppress_health_check=[HealthCheck.too_slow],
    )
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "dev"))

# What is compiled gives each bit of what is not, by the numpy backend; tests of the other one ask for it.
os.environ.setdefault("AUTOGRAD_LITE_BACKEND", "numpy")
signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell turns off for what it runs in the background
