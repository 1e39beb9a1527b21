"""Doors of the API through which something is started or changed. Each takes an ``Idempotency-Key``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Header, Request
from pydantic import BaseModel, ConfigDict, Field

from autolab.compose.options import RunOptions
from autolab.core.roles import Account, Scope
from autolab.server import acts
from autolab.server.campaigns import campaign_record
from autolab.server.doors import LARGEST, Doors, Here, Me, TrialNumber, caller_of
from autolab.server.models import View
from autolab.server.settings import Context

__all__ = ["Because", "Begun", "Done", "Key", "Password", "Wish", "begun", "do_once", "open_doing"]

Key = Annotated[
    str | None,
    Header(alias="Idempotency-Key", max_length=100, description="The same key takes effect once, for a week."),
]
Because = Annotated[str, Field(min_length=1, max_length=500, description="Why; it is kept.")]
Password = Annotated[
    str | None, Field(max_length=256, description="Opens your signing key, where the lab file names its people.")
]


class Wish(BaseModel):
    """The body of a request. Unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")


class Start(Wish):
    """A campaign to start."""

    file: str = Field(max_length=200, description="Campaign file beside the lab file.", examples=["campaign.yaml"])
    simulate: bool = Field(description="On simulators; false for the lab's hardware.")
    trials: int | None = Field(None, ge=1, le=99_999, description="Instead of the file's.")
    seed: int | None = Field(None, ge=0, lt=2**63, description="Instead of the file's.")
    time_factor: float = Field(1.0, gt=0, le=10_000, description="Lab seconds in a real second (simulated only).")
    password: Password = None

    def options(self, context: Context) -> RunOptions:
        """As `autolab run` has them."""
        return RunOptions(
            data=context.data, simulate=self.simulate, trials=self.trials, seed=self.seed, time_factor=self.time_factor
        )


class Resume(Wish):
    """How a campaign goes on."""

    accept_changes: bool = Field(False, description="Although its files have changed.")
    password: Password = None


class Answer(Wish):
    """What a person says to a question."""

    trial: int | None = Field(None, ge=0, le=LARGEST, description="The trial that asks, where several do.")
    results: dict[str, str] = Field(
        default_factory=dict, description="What was typed in or scanned, numbers with their unit.",
        examples=[{"mass": "12.3 g"}],
    )  # fmt: skip
    failed: Annotated[str | None, Field(max_length=500, description="Why it could not be done.")] = None
    password: Password = None


class Approve(Wish):
    """An approval, which is signed."""

    lasts: str = Field("30min", max_length=20, description="How long it lasts, at most 8 h.")
    hash: str | None = Field(None, max_length=100, description="Content hash of what was seen; another is refused.")
    password: Password = None


class Refuse(Wish):
    """A refusal, which is signed."""

    because: Because
    password: Password = None


class Settle(Wish):
    """What became of an action in doubt."""

    state: str = Field(pattern="^(done|not done|partly)$", examples=["done"])
    because: Because
    used: Annotated[str | None, Field(max_length=40, description="What was really used.", examples=["40 uL"])] = None


class Inject(Wish):
    """A trial that is handed in."""

    values: dict[str, str] = Field(examples=[{"cyan": "20 uL", "magenta": "5 uL"}])
    because: Because
    password: Password = None


class Change(Wish):
    """Why something is changed."""

    because: Because
    password: Password = None


class Budget(Change):
    """Another budget."""

    trials: int = Field(ge=1, le=99_999, description="Trials that it may run in all.")


class Correction(Wish):
    """Another outcome."""

    values: dict[str, tuple[float, float | None]] = Field(
        description="Value and standard error of each metric that changes.", examples=[{"colour_distance": [3.2, 0.4]}]
    )
    because: Because


class Done(View):
    """What was done, in a sentence."""

    said: str


class Begun(View):
    """A start, of which the lab tells more in a while."""

    start: str
    state: str = Field(description="starting, started, refused or ended")
    campaign: str | None
    said: str


def do_once(
    context: Context,
    account: Account,
    key: str | None,
    request: Request,
    wish: BaseModel | None,
    act: Callable[[], str],
) -> Done:
    """Do something once, by its key. What was asked is remembered by its hash, and a password in it not at all."""
    asked = {"path": request.url.path, "wish": wish.model_dump(exclude={"password"}) if wish else None}
    answer: dict[str, Any] = context.once.do(account.name, key, asked, lambda: {"said": act()})
    return Done(**answer)


def start(context: Here, account: Me, request: Request, wish: Start, key: Key = None) -> Begun:
    """Start a campaign from a file, in a controller that outlives this server."""
    caller = caller_of(context, request, account, wish.password)
    done = do_once(
        context, account, key, request, wish, lambda: acts.start(context, caller, wish.file, wish.options(context))
    )
    return begun(context, done.said)


def resume(context: Here, account: Me, request: Request, campaign: str, wish: Resume, key: Key = None) -> Begun:
    """Go on with a campaign that was paused, interrupted or has failed."""
    caller = caller_of(context, request, account, wish.password)
    done = do_once(
        context, account, key, request, wish,
        lambda: acts.resume(context, caller, campaign, accept_changes=wish.accept_changes),
    )  # fmt: skip
    return begun(context, done.said)


def begun(context: Context, number: str) -> Begun:
    """What has become of a start."""
    said = acts.start_of(context, number)
    return Begun(start=number, state=said.state, campaign=said.campaign, said=said.message)


def start_state(context: Here, start: str) -> Begun:
    """Say what has become of a start."""
    return begun(context, start)


def pause(context: Here, account: Me, request: Request, campaign: str, key: Key = None) -> Done:
    """Pause a running campaign before its next action."""
    _known(context, campaign)
    return do_once(context, account, key, request, None, lambda: acts.pause(context, account.principal, campaign))


def end(context: Here, account: Me, request: Request, campaign: str, key: Key = None) -> Done:
    """End a campaign for good, in the lab's safe state."""
    _known(context, campaign)
    return do_once(context, account, key, request, None, lambda: acts.end(context, account.principal, campaign))


def answer(context: Here, account: Me, request: Request, campaign: str, wish: Answer, key: Key = None) -> Done:
    """Answer what a campaign asks a person."""
    from autolab.compose.answering import answer_question

    _known(context, campaign)
    caller = caller_of(context, request, account, wish.password)
    texts = [f"{name}={text}" for name, text in wish.results.items()]
    return do_once(
        context, account, key, request, wish,
        lambda: answer_question(context.data, campaign, texts, wish.trial, wish.failed, caller),
    )  # fmt: skip


def approve(
    context: Here, account: Me, request: Request, campaign: str, trial: TrialNumber, wish: Approve, key: Key = None
) -> Done:
    """Approve a trial as it is proposed now. It is signed with the caller's key, and counts once."""
    from autolab.compose.approving import approve_trial

    _known(context, campaign)
    caller = caller_of(context, request, account, wish.password, is_fresh=True)
    return do_once(
        context, account, key, request, wish,
        lambda: approve_trial(context.data, campaign, trial, caller, wish.lasts, wish.hash),
    )  # fmt: skip


def refuse(
    context: Here, account: Me, request: Request, campaign: str, trial: TrialNumber, wish: Refuse, key: Key = None
) -> Done:
    """Refuse a trial that waits for approval: it is never run."""
    from autolab.compose.approving import refuse_trial

    _known(context, campaign)
    caller = caller_of(context, request, account, wish.password, is_fresh=True)
    return do_once(
        context, account, key, request, wish, lambda: refuse_trial(context.data, campaign, trial, caller, wish.because)
    )


def settle(context: Here, account: Me, request: Request, operation: str, wish: Settle, key: Key = None) -> Done:
    """Say what became of an action that is in doubt."""

    def act() -> str:
        from autolab.compose.settling import settle_action

        state = {"done": "done", "not done": "void", "partly": "failed"}[wish.state]
        settle_action(context.data, operation, state, wish.because, account.principal, wish.used)  # pyright: ignore[reportArgumentType] (one of the three)
        return f"{operation} is settled as {wish.state}; go on by resuming the campaign"

    return do_once(context, account, key, request, wish, act)


def inject(context: Here, account: Me, request: Request, campaign: str, wish: Inject, key: Key = None) -> Done:
    """Hand a trial in: it goes through all checks that a suggestion goes through."""
    from autolab.compose.injecting import inject_trial

    _known(context, campaign)
    who = _asking(context, account, request, campaign, wish.password)
    texts = [f"{name}={text}" for name, text in wish.values.items()]
    return do_once(
        context, account, key, request, wish, lambda: inject_trial(context.data, campaign, texts, wish.because, who)
    )


def repeat(
    context: Here, account: Me, request: Request, campaign: str, trial: TrialNumber, wish: Change, key: Key = None
) -> Done:
    """Have a trial run once more when the campaign is resumed."""
    from autolab.compose.amending import repeat_trial

    _known(context, campaign)
    who = _asking(context, account, request, campaign, wish.password)
    return do_once(
        context, account, key, request, wish, lambda: repeat_trial(context.data, campaign, trial, wish.because, who)
    )


def abandon(
    context: Here, account: Me, request: Request, campaign: str, trial: TrialNumber, wish: Change, key: Key = None
) -> Done:
    """Give up a trial that was interrupted or is in doubt."""
    from autolab.compose.amending import abandon_trial

    _known(context, campaign)
    return do_once(
        context,
        account,
        key,
        request,
        wish,
        lambda: abandon_trial(context.data, campaign, trial, wish.because, account.principal),
    )


def correct(
    context: Here, account: Me, request: Request, campaign: str, trial: TrialNumber, wish: Correction, key: Key = None
) -> Done:
    """Correct a trial's outcome; the value before is kept."""
    _known(context, campaign)
    values = [(name, value, sem) for name, (value, sem) in wish.values.items()]
    return do_once(
        context,
        account,
        key,
        request,
        wish,
        lambda: acts.correct(context, account.principal, campaign, trial, values, wish.because),
    )


def budget(context: Here, account: Me, request: Request, campaign: str, wish: Budget, key: Key = None) -> Done:
    """Give a campaign that is paused another budget of trials."""
    from autolab.compose.amending import change_budget

    _known(context, campaign)
    who = _asking(context, account, request, campaign, wish.password)
    return do_once(
        context, account, key, request, wish,
        lambda: change_budget(context.data, campaign, wish.trials, wish.because, who),
    )  # fmt: skip


def reset(context: Here, account: Me, request: Request, wish: Change, key: Key = None) -> Done:
    """Reset the lab after a trip. It is refused while the cause can be seen to be there."""
    from autolab.compose.resetting import reset_lab

    caller = caller_of(context, request, account, wish.password, is_fresh=True)
    return do_once(
        context,
        account,
        key,
        request,
        wish,
        lambda: reset_lab(context.data, context.settings.lab, wish.because, caller),
    )


def _asking(context: Context, account: Account, request: Request, campaign: str, password: str | None) -> Any:
    """Who proposes a trial: an agent as itself, a person as the lab file knows them."""
    from autolab.compose.approving import asking_as

    caller = caller_of(context, request, account, password)
    return caller.principal if caller.principal.kind == "agent" else asking_as(context.data, campaign, caller)


def _known(context: Context, campaign: str) -> None:
    with context.reading() as reader:
        campaign_record(reader, campaign)


def open_doing(doors: Doors) -> None:
    """Open these doors."""
    api, one, trial = (
        "/api/v1", "/api/v1/campaigns/{campaign}", "/api/v1/campaigns/{campaign}/trials/{trial}",
    )  # fmt: skip
    doors.open("POST", f"{api}/campaigns", Scope.RUN, start, status_code=202)
    doors.open("GET", f"{api}/starts/{{start}}", Scope.READ_STATUS, start_state)
    doors.open("POST", f"{one}/pause", Scope.PAUSE, pause)
    doors.open("POST", f"{one}/resume", Scope.RUN, resume, status_code=202)
    doors.open("POST", f"{one}/end", Scope.RUN, end)
    doors.open("POST", f"{one}/budget", Scope.CORRECT, budget)
    doors.open("POST", f"{one}/answers", Scope.ANSWER, answer)
    doors.open("POST", f"{one}/trials", Scope.PROPOSE, inject)
    doors.open("POST", f"{trial}/approve", Scope.APPROVE, approve)
    doors.open("POST", f"{trial}/refuse", Scope.APPROVE, refuse)
    doors.open("POST", f"{trial}/repeat", Scope.PROPOSE, repeat)
    doors.open("POST", f"{trial}/abandon", Scope.SETTLE, abandon)
    doors.open("POST", f"{trial}/correct", Scope.CORRECT, correct)
    doors.open("POST", f"{api}/actions/{{operation}}/settle", Scope.SETTLE, settle)
    doors.open("POST", f"{api}/lab/reset", Scope.RESET, reset)
