"""People are told what waits for them: by a real mail server and a real receiver, at least once and as one id."""

from __future__ import annotations

import hashlib
import hmac
import json
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from autolab.config.notify import KINDS, load_notify
from autolab.core.errors import AutolabError
from autolab.core.roles import Role
from autolab.journal.access import accesses
from autolab.journal.reader import JournalReader
from autolab.server.notices import GIVEN_UP_S, LONGEST_RETRY_S, Delivery, Notice, Notices
from autolab.server.sending import UndeliveredError, post, send_mail
from autolab.server.vault import _SCRIPT_1, VAULT_FILE, Vault
from tests.compose.files import example
from tests.report.journals import write_journal
from tests.rigs import until
from tests.server.house import house
from tests.server.post import SECRET, Desk, Identity, MailRoom, desk, mail_room, notify_file

NOW = 1_800_000_000.0
ASKED = Notice("answer", "bench", "Dissolve 5 g of salt.\nType in what you read.", "salt-1", 3, "2026-05-04T08:00:00")
ALL = [("mail", frozenset(KINDS)), ("desk", frozenset({"reset", "answer"}))]


@pytest.fixture(scope="module")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Identity:
    return Identity.make(tmp_path_factory.mktemp("identity"))


@pytest.fixture
def room(identity: Identity) -> Iterator[MailRoom]:
    with mail_room(identity) as found:
        yield found


@pytest.fixture
def duty(identity: Identity) -> Iterator[Desk]:
    with desk(identity) as found:
        yield found


def delivery(notice: Notice = ASKED) -> Delivery:
    return Delivery("0123abcd", "mail", notice, NOW, None, 0, None, is_given_up=False)


def test_what_waits_long_enough_is_told_once_to_each_channel_that_wants_it(tmp_path: Path):
    notices, resume = Notices(Vault(tmp_path)), replace(ASKED, kind="resume")
    notices.see([ASKED, resume], ALL, NOW, 60.0)
    assert notices.due("mail", NOW) == [], "somebody at the bench sees to it"
    for later in (60.0, 61.0, 7200.0):
        notices.see([ASKED, resume], ALL, NOW + later, 60.0)
    assert sorted(one.notice.kind for one in notices.due("mail", NOW + 60.0)) == ["answer", "resume"]
    assert [one.notice for one in notices.due("desk", NOW + 60.0)] == [ASKED]
    assert len({one.id for channel in ("mail", "desk") for one in notices.due(channel, NOW + 60.0)}) == 2


def test_what_waits_again_is_told_again_as_another_one(tmp_path: Path):
    notices = Notices(Vault(tmp_path))
    for later, waiting in enumerate(([ASKED], [], [ASKED])):
        notices.see(waiting, ALL[:1], NOW + later, 0.0)
    first, second = notices.due("mail", NOW + 9.0)
    assert first.notice == second.notice
    assert first.id != second.id


def test_what_was_not_taken_is_sent_again_ever_more_rarely_and_given_up_after_a_day(tmp_path: Path):
    notices, now, waits = Notices(Vault(tmp_path)), NOW, list[float]()
    notices.see([ASKED], ALL[:1], NOW, 0.0)
    while due := notices.due("mail", now):
        (one,) = due
        assert notices.n_failing() == min(one.tries, 1)
        if notices.has_failed(one, "no route", now):
            break
        step = next(s for s in (*(10 * 2**n for n in range(9)), 3600) if notices.due("mail", now + s))
        assert not notices.due("mail", now + step - 1)
        waits.append(step)
        now += step
    assert waits[:4] == [10, 20, 40, 80]
    assert max(waits) == LONGEST_RETRY_S
    assert now - NOW < GIVEN_UP_S < now - NOW + LONGEST_RETRY_S + 1
    (one,) = notices.newest(9)
    assert (one.is_given_up, one.error, one.sent) == (True, "no route", None)


def test_a_server_that_was_killed_before_it_knew_sends_again_with_the_same_id(tmp_path: Path):
    before = Notices(Vault(tmp_path))
    before.see([ASKED], ALL[:1], NOW, 0.0)
    (one,) = before.due("mail", NOW)
    after = Notices(Vault(tmp_path))  # the message has gone out, and nobody has written that down
    assert [each.id for each in after.due("mail", NOW)] == [one.id]
    after.was_sent(one, NOW)
    after.see([ASKED], ALL[:1], NOW + 5.0, 0.0)
    assert Notices(Vault(tmp_path)).due("mail", NOW + 9.0) == []


def test_mail_goes_over_tls_and_says_what_waits_and_where(identity: Identity, room: MailRoom):
    spec = load_notify(notify_file(identity.folder, room.port, "https://127.0.0.1:1/"))
    assert spec.mail is not None
    send_mail(spec.mail, delivery(), spec.pages)
    (got,) = room.got
    assert (got["Subject"], got["To"]) == ("bench: a question waits (trial 3)", "bench@example.org, duty@example.org")
    assert (got["Message-ID"], got["Auto-Submitted"]) == ("<0123abcd@example.org>", "auto-generated")
    text = got.get_content().replace("\r\n", "\n")
    assert text.startswith(ASKED.text)
    assert "page: https://lab.example.org:8420/requests" in text
    send_mail(spec.mail, delivery(replace(ASKED, lab="bench\nBcc: all@example.org")), None)
    assert room.got[1]["Subject"] == "bench Bcc: all@example.org: a question waits (trial 3)"
    assert room.got[1]["Bcc"] is None


def test_a_mail_server_that_is_not_trusted_gets_neither_password_nor_message(identity: Identity, room: MailRoom):
    spec = load_notify(notify_file(identity.folder, room.port, "https://127.0.0.1:1/"))
    assert spec.mail is not None
    with pytest.raises(UndeliveredError, match=r"its certificate is not trusted .*: name its signer with 'ca'"):
        send_mail(replace(spec.mail, ca=None), delivery(), None)
    with pytest.raises(UndeliveredError, match=r"127.0.0.1: it does not take the user and password"):
        send_mail(replace(spec.mail, password="another one"), delivery(), None)
    with pytest.raises(UndeliveredError, match=r"127.0.0.1: user, password and address must be ASCII to be sent"):
        send_mail(replace(spec.mail, password="motdepassé"), delivery(), None)
    assert room.got == []


def test_a_webhook_is_signed_over_time_and_body_and_redirects_are_not_followed(identity: Identity, duty: Desk):
    spec = load_notify(notify_file(identity.folder, 1, duty.url)).webhooks["desk"]
    post(spec, delivery(), "https://lab.example.org", NOW)
    ((headers, body),) = duty.got
    wanted = hmac.new(SECRET.encode(), f"{int(NOW)}.".encode() + body, hashlib.sha256).hexdigest()
    assert headers["Autolab-Signature"] == f"sha256={wanted}"
    assert (headers["Autolab-Id"], headers["Autolab-Timestamp"]) == ("0123abcd", str(int(NOW)))
    assert json.loads(body) == {
        "id": "0123abcd", "kind": "answer", "lab": "bench", "campaign": "salt-1", "trial": 3, "text": ASKED.text,
        "since": "2026-05-04T08:00:00", "page": "https://lab.example.org/requests",
    }  # fmt: skip
    for status in (302, 500):
        duty.answers.append(status)
        with pytest.raises(UndeliveredError, match=f"127.0.0.1 answered {status}"):
            post(spec, delivery(), None, NOW)
    with pytest.raises(UndeliveredError, match="its certificate is not trusted"):
        post(replace(spec, ca=None), delivery(), None, NOW)


def test_a_campaign_that_waits_is_told_by_mail_while_the_desk_hangs_and_the_failure_is_told_too(
    identity: Identity, room: MailRoom, duty: Desk, tmp_path: Path
):
    (tmp_path / "data").mkdir()
    write_journal(tmp_path / "data", trials=3, ended=False)
    notify = notify_file(identity.folder, room.port, duty.url)
    duty.is_open.clear()
    duty.answers.append(500)
    with house(example("replay", tmp_path).with_name("lab.yaml"), tmp_path / "data", notify=notify) as home:
        until(lambda: bool(room.got), "the mail")
        assert room.got[0]["Subject"] == "replay: a campaign has stopped"
        observer = home.enter(Role.OBSERVER)

        def sent() -> dict[str, bool]:
            seen = observer.get("/api/v1/notifications").json
            return {each["channel"]: each["sent"] is not None for each in seen}

        until(lambda: sent() == {"mail": True, "desk": False}, "the note that the mail was sent")
        duty.is_open.set()
        until(lambda: home.context.notices.n_failing() > 0, "the failure")
        page = home.enter(Role.OBSERVER).get("/requests").text
        assert "1 not told" in page
        assert "127.0.0.1 answered 500" in page

        def told() -> list[str]:
            with home.context.reading() as reader:
                return failures(reader)

        until(lambda: "desk: resume: 127.0.0.1 answered 500" in "".join(told()), "the failure in the journal")
        home.enter(Role.ADMINISTRATOR).post("/api/v1/notifications/test", None)
        until(lambda: len(room.got) == 2, "the test message")
        assert room.got[1]["Subject"] == "replay: a test"
    assert len({json.loads(body)["id"] for _, body in duty.got}) == len(duty.got)


def test_accounts_of_an_earlier_version_are_kept_and_get_room_for_messages(tmp_path: Path):
    connection = sqlite3.connect(tmp_path / VAULT_FILE)
    connection.executescript(f"{_SCRIPT_1}PRAGMA user_version = 1;INSERT INTO links VALUES ('d', 'ada', '[]', 9.0);")
    connection.close()
    vault = Vault(tmp_path)
    assert vault.rows("SELECT account FROM links") == [{"account": "ada"}]
    assert Notices(vault).newest(9) == []


def failures(reader: JournalReader) -> list[str]:
    return [one.detail for one in accesses(reader.states) if one.what == "notification failed"]


def test_without_a_file_nobody_is_told_and_the_page_says_so(tmp_path: Path):
    with house(example("replay", tmp_path).with_name("lab.yaml"), tmp_path / "data") as home:
        assert "autolab serve --notify FILE" in home.enter(Role.OBSERVER).get("/requests").text
        answer = home.enter(Role.ADMINISTRATOR).post("/api/v1/notifications/test", None)
    assert (answer.status, "start it with --notify FILE" in answer.json["detail"]) == (422, True)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("port:", "prot:", "mail: unknown key 'prot': did you mean 'port'"),
        ("after: 0 s", "after: 3", "after: 3 has no unit"),
        ("after: 0 s", "after: 3 d", "'3 d' is not between 0 s and one day"),
        ("host: 127.0.0.1", "tls: none, host: mail.example.org", "tls: none sends messages in the clear"),
        ("user: autolab, ", "", "user and password_file go together"),
        ("https://127.0.0.1:9/x", "http://duty.example.org/", "http sends messages in the clear"),
        ("https://127.0.0.1:9/x", "ftp://127.0.0.1/", "is no address such as https"),
        ("https://127.0.0.1:9/x", "https://me:word@127.0.0.1/", "is no address such as https"),
        ("secret_file: desk-secret", "secret_file: none", "No such file or directory: write the secret there"),
        ("secret_file: desk-secret", "secret_file: open-secret", "others may read .*: 'chmod 600' it"),
        ("secret_file: desk-secret", "secret_file: short-secret", "holds no secret of 16 or more characters"),
        ("ca: ca.pem}", "ca: cb.pem}", "there is no file .*cb.pem"),
        ("bench@example.org,", "bench,", "mail.to"),
    ],
)  # fmt: skip
def test_a_file_of_notifications_is_refused_with_its_line(identity: Identity, old: str, new: str, said: str):
    file = notify_file(identity.folder, 25, "https://127.0.0.1:9/x")
    for name, mode, text in (("open-secret", 0o644, SECRET), ("short-secret", 0o600, "short")):
        (identity.folder / name).write_text(text)
        (identity.folder / name).chmod(mode)
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    with pytest.raises(AutolabError, match=said) as caught:
        load_notify(file)
    assert "notify.yaml:" in str(caught.value)
    assert SECRET not in str(caught.value)


def test_nobody_to_tell_is_refused(tmp_path: Path):
    (tmp_path / "notify.yaml").write_text("after: 1 min\n")
    with pytest.raises(AutolabError, match="nobody is told: add 'mail' or 'webhooks'"):
        load_notify(tmp_path / "notify.yaml")
