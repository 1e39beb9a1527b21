"""Physics: pure functions with cited formulae, in SI units unless a name says otherwise."""
