"""Frames of the serial protocol: what is garbled is noticed, and nothing else is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autolab.core.errors import WireError
from devices.frames import Frame, checksum, decode, encode, fields, plain_fields

BODIES = st.text(
    st.characters(min_codepoint=0x20, max_codepoint=0x7E, exclude_characters="*"), min_size=1, max_size=200
)
FRAMES = st.builds(Frame, st.sampled_from("<>"), st.integers(0, 0xFFFF), BODIES)


def test_the_checksum_is_crc_16_ccitt_false() -> None:
    assert checksum(b"123456789") == 0x29B1  # the catalogued check value of that algorithm


@given(FRAMES)
def test_what_is_written_is_read_again(frame: Frame) -> None:
    assert decode(encode(frame)) == frame


@given(FRAMES, st.data())
def test_one_wrong_byte_is_always_noticed(frame: Frame, data: st.DataObject) -> None:
    line = bytearray(encode(frame)[:-2])
    place = data.draw(st.integers(0, len(line) - 1))
    line[place] ^= data.draw(st.integers(1, 0xFF))
    with pytest.raises(WireError):
        decode(bytes(line))


@given(st.binary(max_size=300))
def test_garbage_is_no_frame_and_nothing_worse(garbage: bytes) -> None:
    with pytest.raises(WireError):
        decode(garbage)


@pytest.mark.parametrize(
    "body", ["", "5*3", "µL", "two\nlines", "x" * 250], ids=["empty", "star", "µ", "lines", "long"]
)
def test_what_a_frame_cannot_carry_is_refused(body: str) -> None:
    with pytest.raises(WireError):
        encode(Frame(">", 1, body))


def test_arguments_are_read_as_they_were_written() -> None:
    assert fields(plain_fields(state="DONE", volume_nl=12000)) == {"state": "DONE", "volume_nl": "12000"}


@pytest.mark.parametrize("words", ["state", "=3", "a=", "a=1 a=2"])
def test_arguments_of_another_form_are_refused(words: str) -> None:
    with pytest.raises(WireError, match=r"."):
        fields(words)
