"""Doors of the API by which a lab is looked after: its stock, its bypasses, its proof tests, its envelope."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Request
from pydantic import Field

from autolab.core.errors import InputError
from autolab.core.roles import Scope
from autolab.server import acts, bench
from autolab.server.campaigns import campaign_record
from autolab.server.doing import Because, Begun, Done, Key, Password, Wish, begun, do_once
from autolab.server.doors import Doors, Here, Me, caller_of
from autolab.server.models import NoticeView, ProofView
from autolab.server.settings import Context

__all__ = ["Ask", "EnvelopeApproval", "Filled", "Signature", "notice_views", "open_tending"]

MOST_NOTICES = 30
Name = Annotated[str, Field(min_length=1, max_length=64)]


class Filled(Wish):
    """What was refilled."""

    name: Name = Field(description="Of a material or consumable.", examples=["cyan"])
    amount: str = Field(max_length=40, description="What is there now.", examples=["250 mL", "960"])
    bottle: str | None = Field(None, max_length=64, description="Barcode, where another bottle was put in.")
    lot: str | None = Field(None, max_length=100)
    expires: str | None = Field(None, max_length=10, examples=["2027-03-31"])
    password: Password = None


class Ask(Wish):
    """A bypass that is asked for."""

    rule: Name = Field(description="Name of the interlock.")
    lasts: str = Field(max_length=20, description="For how long, at most 8 h.", examples=["30min"])
    because: Because
    instead: str = Field(min_length=1, max_length=500, description="What is done meanwhile about the hazard; kept.")
    password: Password = None


class Signature(Wish):
    """Nothing but who says so."""

    password: Password = None


class EnvelopeApproval(Wish):
    """An approval of the lab file's envelope, for one campaign."""

    lasts: str = Field("30min", max_length=20, description="How long it lasts, at most 8 h.")
    password: Password = None


def refill(context: Here, account: Me, request: Request, wish: Filled, key: Key = None) -> Done:
    """Write down what was refilled, in the lab file. Nothing may run meanwhile."""
    from autolab.compose.refilling import Filling, refill

    caller = caller_of(context, request, account, wish.password)
    filling = Filling(wish.name, wish.amount, wish.bottle, wish.lot, wish.expires)

    def act() -> str:
        acts.await_end(context)
        return refill(context.data, context.settings.lab, filling, caller, context.clock)

    return do_once(context, account, key, request, wish, act)


def ask_bypass(context: Here, account: Me, request: Request, wish: Ask, key: Key = None) -> Done:
    """Ask for a bypass of an interlock, signed; nothing is bypassed before another person has approved it."""
    from autolab.compose import bypassing

    caller, words = caller_of(context, request, account, wish.password), (wish.lasts, wish.because, wish.instead)
    return do_once(
        context, account, key, request, wish,
        lambda: bypassing.ask(context.data, context.settings.lab, wish.rule, words, caller),
    )  # fmt: skip


def approve_bypass(
    context: Here, account: Me, request: Request, rule: str, wish: Signature, key: Key = None
) -> Done:  # fmt: skip
    """Approve a bypass that another person has asked for. It is signed, and in force at once."""
    from autolab.compose import bypassing

    caller = caller_of(context, request, account, wish.password, is_fresh=True)
    return do_once(
        context, account, key, request, wish,
        lambda: bypassing.approve(context.data, context.settings.lab, rule, caller),
    )  # fmt: skip


def end_bypass(context: Here, account: Me, request: Request, rule: str, wish: Signature, key: Key = None) -> Done:
    """End a bypass, or withdraw the request for one, signed."""
    from autolab.compose import bypassing

    caller = caller_of(context, request, account, wish.password)
    return do_once(
        context, account, key, request, wish, lambda: bypassing.end(context.data, context.settings.lab, rule, caller)
    )


def start_proof_test(context: Here, account: Me, request: Request, wish: Signature, key: Key = None) -> Begun:
    """Exercise all interlocks of the lab, and its relay, on simulators that are started for it."""
    caller = caller_of(context, request, account, wish.password)
    done = do_once(context, account, key, request, wish, lambda: acts.prove(context, caller))
    return begun(context, done.said)


def proof_test(context: Here) -> ProofView | None:
    """Give the last proof test of the lab: each path with what followed, and when."""
    with context.reading() as reader:
        return bench.proof_of(reader.states, context.lab())


def approve_envelope(
    context: Here, account: Me, request: Request, campaign: str, wish: EnvelopeApproval, key: Key = None
) -> Done:
    """Approve that a campaign goes on under the envelope that the lab file declares now. It is signed."""
    from autolab.compose.approving import approve_envelope

    with context.reading() as reader:
        campaign_record(reader, campaign)
    caller = caller_of(context, request, account, wish.password, is_fresh=True)
    return do_once(
        context, account, key, request, wish, lambda: approve_envelope(context.data, campaign, caller, wish.lasts)
    )


def notifications(context: Here) -> list[NoticeView]:
    """List what people were told by e-mail and webhook, the newest first, and what could not be told."""
    return notice_views(context)


def notice_views(context: Context) -> list[NoticeView]:
    """The newest messages."""
    return [
        NoticeView(
            id=one.id, channel=one.channel, kind=one.notice.kind, text=one.notice.text, campaign=one.notice.campaign,
            trial=one.notice.trial, made=_date(one.made), sent=None if one.sent is None else _date(one.sent),
            tries=one.tries, error=one.error, is_given_up=one.is_given_up,
        )
        for one in context.notices.newest(MOST_NOTICES)
    ]  # fmt: skip


def _date(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).isoformat(timespec="seconds")


def send_test(context: Here, account: Me, request: Request, key: Key = None) -> Done:
    """Send a test message to every channel."""

    def act() -> str:
        if context.notifier is None:
            raise InputError("this server tells nobody: start it with --notify FILE")
        context.notifier.test(account.name)
        return f"a test message goes to {', '.join(context.notifier.channels)}; below stands what becomes of it"

    return do_once(context, account, key, request, None, act)


def open_tending(doors: Doors) -> None:
    """Open these doors."""
    api = "/api/v1"
    doors.open("POST", f"{api}/stock/refill", Scope.REFILL, refill)
    doors.open("POST", f"{api}/bypasses", Scope.BYPASS, ask_bypass)
    doors.open("POST", f"{api}/bypasses/{{rule}}/approve", Scope.BYPASS, approve_bypass)
    doors.open("POST", f"{api}/bypasses/{{rule}}/end", Scope.BYPASS, end_bypass)
    doors.open("POST", f"{api}/proof-tests", Scope.TEST, start_proof_test, status_code=202)
    doors.open("GET", f"{api}/proof-tests/last", Scope.READ_STATUS, proof_test)
    doors.open("GET", f"{api}/notifications", Scope.READ_STATUS, notifications)
    doors.open("POST", f"{api}/notifications/test", Scope.MANAGE_USERS, send_test)
    doors.open("POST", f"{api}/campaigns/{{campaign}}/envelope/approve", Scope.APPROVE, approve_envelope)
