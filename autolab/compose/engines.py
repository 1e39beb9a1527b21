"""Whether an engine of others is there, before anything is started. It is imported by the proposer host alone."""

from __future__ import annotations

from importlib.util import find_spec

from autolab.config.specs import CampaignSpec, LabSpec
from autolab.core.proposing import ADAPTIVE

__all__ = ["check_engine"]


def check_engine(campaign: CampaignSpec, lab: LabSpec) -> None:
    """Refuse an engine whose package is not installed, or is none of the lab's.

    Raises:
        FileError: it is not there, with the line of the engine.
    """
    engine = campaign.engine
    if engine.name != ADAPTIVE:
        return
    if engine.make is None:
        if not _is_there("bluesky_adaptive"):
            raise campaign.source.error(
                ("engine",), f"engine {ADAPTIVE}: the package is not installed: pip install 'autolab[adaptive]'"
            )
        return
    path, (module, _, name) = ("engine", "make"), engine.make.rpartition(".")
    root = module.partition(".")[0]
    if root not in lab.packages:
        raise campaign.source.error(
            path, f"{engine.make!r}: list {root!r} under 'packages' in the lab file, and lay it beside that file"
        )
    if not _is_there(module):
        raise campaign.source.error(path, f"{engine.make!r}: there is no module {module!r} to take {name!r} from")


def _is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # of a package around it
        return False
