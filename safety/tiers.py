"""Tiers: from what a trial would do to the lab to who has to say yes to it. Pure, and unknown asks for a person."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from autolab.core.approvals import PERSONS, Finding, Level
from autolab.core.effects import Effect, Write
from autolab.core.envelope import Limit
from autolab.core.trials import Realm, Verdict
from safety.envelope import is_proven

__all__ = ["findings", "tiered"]


def findings(
    effects: Sequence[Effect] | None,
    limits: Mapping[str, Limit],
    devices: Collection[str],
    realm: Realm,
    simulated: Collection[str] = (),
) -> list[Finding]:
    """What about a trial is for a person to decide.

    Under simulators the whole envelope is proven, and nothing is hazardous; what is prohibited stays so.

    Args:
        effects: What the plan would do, by a dry run; None where nobody knows.
        limits: The envelope, by ``device.signal``, in each device's own unit.
        devices: Names of the devices that the plan takes.
        realm: Where it would run: the strongest of its devices.
        simulated: Devices that simulators stand in for, also where others are hardware.
    """
    found: list[Finding] = []
    is_real = realm is not Realm.SIMULATED
    if effects is None:
        real = set(devices) - set(simulated)
        theirs = {signal: limit for signal, limit in limits.items() if signal.partition(".")[0] in real}
        hazardous = [signal for signal, limit in theirs.items() if limit.tier == "hazardous"]
        if is_real:
            found += [Finding("hazardous", f"{signal} is hazardous, and the plan may write it") for signal in hazardous]
            found.append(Finding("new", "what the plan would write is not known, so it may leave the proven region"))
        return found
    for effect in dict.fromkeys(effects):
        if isinstance(effect, Write):
            is_simulated = effect.signal.partition(".")[0] in simulated
            found += _of_write(effect, limits.get(effect.signal), is_real and not is_simulated)
    return found


def tiered(verdict: Verdict, found: Iterable[Finding], level: Level = "routine") -> Verdict:
    """The screen's verdict with what the tiers ask for. It is never weaker than the one that is given.

    Args:
        verdict: What the screen says so far.
        found: What is for a person to decide.
        level: What every trial of the campaign asks for at least.
    """
    all_found = list(found)
    prohibited = tuple(dict.fromkeys(f.reason for f in all_found if f.level == "prohibited"))
    if verdict.decision == "refused" or prohibited:
        said = verdict.reasons if verdict.decision == "refused" else ()
        return Verdict("refused", (*said, *prohibited))
    if PERSONS[level]:
        all_found.append(
            Finding("hazardous" if level == "hazardous" else "new", f"the campaign asks for approval: {level}")
        )
    persons = max([PERSONS[f.level] for f in all_found if f.level != "prohibited"], default=0)
    if verdict.decision == "needs approval":
        persons = max(persons, verdict.persons, 1)
    reasons = tuple(dict.fromkeys((*verdict.reasons, *(f.reason for f in all_found))))
    return Verdict("needs approval", reasons, persons) if persons else verdict


def _of_write(write: Write, limit: Limit | None, is_real: bool) -> list[Finding]:
    value = f"{write.value:g}" if isinstance(write.value, float) else str(write.value)
    what = f"{write.signal} = {value}"
    if limit is None:
        return [Finding("prohibited", f"{what}: the envelope declares no limit for it")]
    if limit.tier == "prohibited":
        return [Finding("prohibited", f"{what}: the envelope prohibits every write of it")]
    if not is_real:
        return []
    if limit.tier == "hazardous":
        return [Finding("hazardous", f"{what}: it is hazardous")]
    if not is_proven(limit, write.value):
        return [Finding("new", f"{what}: outside the proven region")]
    return []
