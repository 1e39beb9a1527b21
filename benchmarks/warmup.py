"""What a command imports sooner or later; imported once, by the server of `benchmarks.warm`.

Not our devices and plans: they come when the command has set the environment of EPICS.
"""

import gc
from importlib import import_module

gc.disable()

for name in (
    "bluesky.plan_stubs",
    "epicscorelibs.path.pyepics",
    "ophyd",
    "ophyd_async.core",
    "plotly.graph_objects",
    "pydantic.json_schema",
    "zmq",
    "autolab.cli.app",
    "autolab.cli.continuing",
    "autolab.cli.execution",
    "autolab.cli.running",
    "autolab.compose.binding",
    "autolab.compose.bypassing",
    "autolab.compose.resuming",
    "autolab.compose.running",
    "autolab.compose.screening",
    "autolab.compose.settling",
    "autolab.journal.audit",
    "autolab.report.page",
    "optimizer.client",
):
    import_module(name)

import_module("autolab.config.units").check_unit("uL")  # reads the definitions of all units
import_module("plotly.graph_objects").Figure({"data": [{"type": "scatter"}]}).to_json()  # it imports what it meets
import_module("autolab.report.html")._template("page.html")  # compiles it
import_module("autolab.cli.app").command()

gc.freeze()  # no command looks for garbage in what all share, nor copies its pages by looking
gc.enable()
