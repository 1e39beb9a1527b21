"""The heavy libraries are imported once, before warnings are errors: at import they warn about each other."""

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import optimizer.ax_learner
    import optimizer.botorch_learner  # noqa: F401
