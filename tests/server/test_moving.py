"""A device is moved by hand from its page: by who may start campaigns, while none runs, and never past a check."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from autolab.compose.detached import Said, said_of
from autolab.core.roles import Role
from tests.compose.files import example
from tests.rigs import until
from tests.server.house import NAMES, Answer, Client, House, house

API = "/api/v1"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("moving")
    with house(example("colour", folder).with_name("lab.yaml"), folder / "data") as found:
        yield found


@pytest.fixture(scope="module")
def technician(home: House) -> Client:
    return home.enter(Role.TECHNICIAN)


def ended(home: House, start: str) -> Said:
    """Wait for the end of a start, and give what was said."""
    until(lambda: said_of(home.data, start).state in ("ended", "refused"), "the move", 120.0)
    return said_of(home.data, start)


def send(client: Client, device: str, **form: str) -> Answer:
    fields = {name.replace("__", ":"): text for name, text in form.items()}
    return client.post(
        f"/devices/{device}/move", form={"back": f"/devices/{device}/move", "simulate": "true", **fields}
    )


def test_the_page_shows_what_may_be_set_within_what_and_to_whom(home: House, technician: Client):
    stage, arm = (technician.get(f"/devices/{name}/move").text for name in ("stage", "arm"))
    assert all(text in stage for text in ("position (mm)", "0 to 300 mm", "velocity (mm/s)", "Move it"))
    assert all(text in arm for text in ("Carry it", "<option>rack_1</option>", "gripper (what it holds)"))
    assert "what it does is an action" in technician.get("/devices/dispenser/move").text
    assert "/devices/stage/move" in technician.get("/devices").text
    assert "/devices/stage/move" not in home.enter(Role.OBSERVER).get("/devices").text
    assert technician.get("/devices/nothing/move").status == 404
    listed = {each["name"]: each for each in technician.get(f"{API}/movable").json}
    assert listed["stage"]["settings"][1] == {"name": "position", "unit": "mm", "limits": "0 to 300 mm"}
    assert listed["spectrometer"]["settings"][0]["unit"] == "ms", "as the envelope has it"
    assert listed["arm"]["places"][:2] == ["rack_1", "rack_2"]


def test_a_technician_moves_a_device_and_the_record_says_who(home: House, technician: Client):
    answer = send(technician, "stage", time_factor="20", values__position="12 cm")
    assert answer.status == 303, answer.text
    said = ended(home, answer.headers["location"].rpartition("/")[2])
    assert said.state == "ended", said
    with home.context.reading() as reader:
        record = reader.campaign(said.campaign or "")
        (trial,) = reader.trials(record.id)
    assert (record.name, record.principal) == ("move-stage", NAMES[Role.TECHNICIAN])
    assert trial.suggestion.values["position"] == 12
    stage = next(each for each in technician.get(f"{API}/devices").json if each["name"] == "stage")
    assert stage["readings"] == ["stage_position 120 mm"]


@pytest.mark.parametrize(
    ("device", "values", "status", "said"),
    [
        ("stage", {}, 422, "nothing was moved: type what stage is to be set to"),
        ("nothing", {"position": "1"}, 404, "there is no device 'nothing' in colour-bench"),
    ],
)
def test_what_names_nothing_is_refused_at_the_door(
    technician: Client, device: str, values: dict[str, str], status: int, said: str
):
    answer = technician.post(f"{API}/devices/{device}/move", {"values": values, "simulate": True})
    assert (answer.status, answer.json["detail"]) == (status, said)


def test_what_the_checks_refuse_moves_nothing_and_says_why(home: House, technician: Client):
    before = len(home.enter(Role.OBSERVER).get(f"{API}/campaigns").json["items"])
    start = technician.post(f"{API}/devices/stage/move", {"values": {"positon": "1"}, "simulate": True})
    said = ended(home, start.json["start"])
    assert (start.status, said.state) == (202, "refused")
    assert "takes no parameter 'positon'; did you mean 'position'?" in said.message
    assert len(home.enter(Role.OBSERVER).get(f"{API}/campaigns").json["items"]) == before
    hardware = technician.post(f"{API}/devices/stage/move", {"values": {"position": "1"}, "simulate": False})
    assert (hardware.status, "--simulate" in hardware.json["detail"]) == (403, True)


def test_nothing_is_moved_beside_a_campaign(home: House, technician: Client):
    wish = {"file": "campaign.yaml", "simulate": True, "seed": 1, "trials": 3}
    start = technician.post(f"{API}/campaigns", wish).json["start"]
    until(lambda: said_of(home.data, start).campaign is not None, "the campaign", 120.0)
    try:
        answer = technician.post(f"{API}/devices/stage/move", {"values": {"position": "1"}, "simulate": True})
        assert (answer.status, "a campaign runs in this lab already" in answer.json["detail"]) == (422, True)
        assert "holds the lab's devices: pause it first" in technician.get("/devices/stage/move").text
    finally:
        technician.post(f"{API}/stop")
        assert ended(home, start).state == "ended"
