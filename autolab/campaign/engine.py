"""The RunEngine of a lane: a descriptor of a form that has been validated is not validated again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bluesky import Msg, RunEngine
from bluesky.bundlers import RunBundler

__all__ = ["LaneEngine"]

_validated: set[str] = set()
"""Forms of descriptors that event-model's schema has accepted in this process."""


class _Bundler(RunBundler):
    """Validates the first descriptor of each form.

    The trials of a campaign have one form of data. Validating it with each trial takes event-model's JSON schema 3 ms
    of the 7 ms that a run takes, and can only say the same again: the schema looks at the form, not at the numbers.
    """

    async def open_run(self, msg: Msg) -> str:
        uid = await super().open_run(msg)
        compose = self._compose_descriptor

        def compose_once(name: str, data_keys: Mapping[str, Any], **rest: Any) -> Any:
            form = _form(name, data_keys, rest)
            bundle = compose(name, data_keys, **rest, validate=form not in _validated)
            _validated.add(form)
            return bundle

        self._compose_descriptor = compose_once
        return uid


class LaneEngine(RunEngine):
    """Bluesky's RunEngine with the bundler above."""

    RunBundler = _Bundler

    def close(self) -> None:
        """End the event loop and its thread, which Bluesky keeps for ever. Only of an engine with a loop of its own."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._th.join()
        self._loop.close()


def _form(name: str, data_keys: Mapping[str, Any], rest: Mapping[str, Any]) -> str:
    configuration: Mapping[str, Any] = rest.get("configuration", {})
    described = {device: (of["data_keys"], sorted(of["data"])) for device, of in configuration.items()}
    others = {key: value for key, value in rest.items() if key != "configuration"}
    return repr((name, data_keys, described, others))  # a form that is written in another order is validated again
