"""For tests of labs and campaigns: a pytest plugin, simulated labs, a runner of campaigns, golden campaigns."""
