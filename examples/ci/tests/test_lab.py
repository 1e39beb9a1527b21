"""Our lab and our campaign, on simulators. The fixtures come with autolab."""


def test_the_campaign_is_the_one_that_we_know(files, autolab_run, autolab_golden):
    """In memory, under the virtual clock: the same seed gives the same campaign, so that any change shows."""
    ran = autolab_run(files / "campaign.yaml", engine="sobol", trials=6, seed=1)
    assert ran.result.state == "finished"
    assert len(ran.outcomes("colour_distance")) == 6
    autolab_golden(ran, "golden/teal.json")


def test_the_campaign_runs_over_sockets(files, autolab_run):
    """The simulators speak the instruments' protocols, in processes of their own."""
    ran = autolab_run(files / "campaign.yaml", engine="sobol", trials=2, over="sockets")
    assert ran.result.trials == 2
    assert ran.best.outcome["colour_distance"].value == min(ran.outcomes("colour_distance"))


def test_the_instrument_answers(files, autolab_lab):
    lab = autolab_lab(files / "lab.yaml")
    assert lab.devices["instrument"].counters() == {"operations": 0}
    assert lab.realm == "simulated"


def test_the_driver_conforms(files, autolab_conformance):
    found = autolab_conformance(files / "lab.yaml", "instrument", time_factor=10)
    assert [one.seen for one in found.values() if one.verdict == "failed"] == []
