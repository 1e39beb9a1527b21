"""Golden campaigns: what a campaign came to once, in a file, and in what another one differs from it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeGuard, cast

__all__ = ["compare", "differences"]

_SHOWN = 20
"""Differences that a message lists."""


def compare(now: Mapping[str, Any], path: Path, *, update: bool, rel: float = 1e-9, abs_: float = 1e-12) -> str | None:
    """Compare a campaign with the golden one, or write it as the golden one.

    Args:
        now: What must be the same.
        path: The golden file.
        update: Write it anew.
        rel: Largest relative difference of numbers.
        abs_: Largest absolute difference of numbers near zero.

    Returns:
        What differs, to be read by a person; None where nothing does.
    """
    if update:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(now, indent=1, sort_keys=True, allow_nan=False) + "\n", encoding="utf-8")
        return None
    try:
        golden = json.loads(path.read_text(encoding="utf-8"))
    except OSError:
        return f"{path}: there is no golden campaign yet"
    except ValueError as error:
        return f"{path}: it is no JSON ({error})"
    found = list(differences(golden, json.loads(json.dumps(now)), rel, abs_))
    if not found:
        return None
    more = [f"… and {len(found) - _SHOWN} more"] if len(found) > _SHOWN else []
    places = "1 place" if len(found) == 1 else f"{len(found)} places"
    head = f"{path.name}: the campaign differs in {places} from the golden one"
    return "\n".join([f"{head}:", *(f"  {line}" for line in found[:_SHOWN]), *more])


def differences(golden: Any, now: Any, rel: float, abs_: float, place: str = "") -> Iterator[str]:
    """In what two values differ, one line for each field."""
    if isinstance(golden, dict) and isinstance(now, dict):
        ours, theirs = cast("dict[str, Any]", now), cast("dict[str, Any]", golden)
        for key in [*theirs, *(key for key in ours if key not in theirs)]:
            inside = f"{place}.{key}" if place else key
            if key not in ours:
                yield f"{inside}: golden {_shown(theirs[key])}, and now it is missing"
            elif key not in theirs:
                yield f"{inside}: now {_shown(ours[key])}, and the golden one has none"
            else:
                yield from differences(theirs[key], ours[key], rel, abs_, inside)
    elif _is_number(golden) and _is_number(now):
        before, after = float(golden), float(now)
        if not math.isclose(before, after, rel_tol=rel, abs_tol=abs_):
            yield f"{place}: golden {before:.10g}, now {after:.10g} (off by {after - before:+.3g})"
    elif golden != now or isinstance(golden, bool) != isinstance(now, bool):
        yield f"{place}: golden {_shown(golden)}, now {_shown(now)}"


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _shown(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 80 else f"{text[:79]}…"
