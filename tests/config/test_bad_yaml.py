"""Each file that cannot be read as YAML of our kind, and the exact sentence it gets."""

import tempfile
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from autolab.config.yamlfile import MAX_BYTES, read_yaml
from autolab.core.errors import FileError, InputErrors

CASES = [
    ("empty", b"", ": the file is empty: write the keys that it needs ('autolab schema' lists them)"),
    ("only-comments", b"# x\n", ": the file is empty: write the keys that it needs ('autolab schema' lists them)"),
    ("binary", b"\x7fELF\0\0", ": this is a binary file (it holds NUL bytes), and a YAML text is wanted"),
    ("utf-16", "a: 1".encode("utf-16"), ": the file is UTF-16 text: save it as UTF-8"),
    ("latin-1", b"a: 1\nb: \xb5L", ":2: byte 0xb5 is not UTF-8: save the file as UTF-8"),
    (
        "huge",
        b"a: 1\n" * 200_001,
        f": the file has 1000005 bytes, and at most {MAX_BYTES} are read: check that it is the right one",
    ),
    ("duplicate-key", b"a: 1\nb: 2\na: 3", ":3: the key 'a' is given twice, first in line 1: keep one of them"),
    ("tag", b"a: !!python/name:os.system", ":1: '!!python/name:os.system' is a tag, and tags are not read: remove it"),
    ("local-tag", b"a: !x 1", ":1: '!x' is a tag, and tags are not read: remove it"),
    ("unknown-tag-handle", b"a: !x!y 1", ":1: a value cannot begin with '!': put it in quotes"),
    ("anchor", b"a: &x 1", ":1: '&x' names a value for use elsewhere: remove it, and write each value out"),
    ("alias", b"a: *x", ":1: '*x' refers to another place: write the value out"),
    ("merge-key", b"<<: {a: 1}", ":1: '<<' merges another mapping: write its keys out"),
    ("deep", b"a: " + b"[" * 30, ":1: lists and mappings are nested more than 20 deep: flatten them"),
    (
        "many-values",
        b"a: [" + b"1," * 30_000 + b"1]",
        ":1: more than 20000 keys and values stand up to here: is it the right file?",
    ),
    ("list-at-the-top", b"[1]", ":1: a list stands at the top, and keys with values are wanted, such as 'name: ...'"),
    ("text-at-the-top", b"hello", ":1: text stands at the top, and keys with values are wanted, such as 'name: ...'"),
    ("number-as-key", b"1: a", ":1: the key 1 is not a text: put it in quotes, as '1'"),
    ("list-as-key", b"? [a]\n: b", ":1: a list is used as a key, and a key is a text: write 'key: value'"),
    ("two-documents", b"a: 1\n---\nb: 1", ":2: a second document begins here: keep one '---' at most"),
    (
        "tab",
        b"a:\n\t- 1",
        ":2: a tab stands where a value was expected: indent with spaces",
    ),
    ("open-bracket", b"a: [1, 2\nb: 3", ":2: a ',' or a closing ']' was expected: add it"),
    ("open-brace", b"a: {x: 1\nb: 3", ":2: a ',' or a closing '}' was expected: add it"),
    ("open-quote", b"a: 1\nb: 'c\nd: 1", ":2: the closing quote was expected before the end of the file: add it"),
    (
        "colon-twice",
        b"a: b: c",
        ":1: a second ':' stands where a value was expected: give each key a line of its own, "
        "or put text that holds ': ' in quotes",
    ),
    (
        "indentation",
        b"a: 1\n b: 2",
        ":2: a second ':' stands where a value was expected: give each key a line of its own, "
        "or put text that holds ': ' in quotes",
    ),
    ("no-colon", b"a: 1\nb\n", ":3: a ':' after the key was expected: write 'key: value'"),
    ("at-sign", b"a: @b", ":1: a value cannot begin with '@': put the whole value in quotes"),
    ("escape", b'a: "\\q"', ":1: '\\q' means nothing inside double quotes: use single quotes"),
    ("escape-beyond-unicode", b'a: "\\UFFFFFFFF"', ":1: an escape after this line is no character: use single quotes"),
    ("escape-of-nul", b'a: "\\0"', ":1: the text holds the control character U+0000: remove it"),
    ("escape-of-surrogate", b'a: "\\ud800"', ":1: the text holds the control character U+D800: remove it"),
    ("control-character", b"a: 1\nb: \x01", ":2: the control character U+0001 stands here: remove it"),
    (
        "long-number",
        b"a: " + b"9" * 5000,
        ":1: a number has at most 64 characters, and this one has 5000: shorten it",
    ),
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(("content", "message"), [pytest.param(*case[1:], id=case[0]) for case in CASES])
def test_a_file_that_is_no_yaml_of_our_kind_is_refused(folder: Path, content: bytes, message: str) -> None:
    Path("lab.yaml").write_bytes(content)
    with pytest.raises(FileError) as caught:
        read_yaml("lab.yaml")
    assert str(caught.value) == f"lab.yaml{message}"


def test_a_missing_file_is_named_with_its_nearest_neighbour(folder: Path) -> None:
    Path("campaign.yaml").write_text("a: 1")
    with pytest.raises(FileError, match=r"^campain\.yaml: there is no such file: did you mean 'campaign\.yaml'\?$"):
        read_yaml("campain.yaml")


def test_a_missing_file_without_neighbours_is_named(folder: Path) -> None:
    with pytest.raises(FileError, match=r"^nowhere/x\.yaml: there is no such file: check the path$"):
        read_yaml("nowhere/x.yaml")


def test_a_directory_is_refused(folder: Path) -> None:
    Path("lab").mkdir()
    with pytest.raises(FileError) as caught:
        read_yaml("lab")
    assert str(caught.value) == "lab: this is a directory, and a YAML file is wanted: name the file inside it"


def test_a_device_file_is_refused_without_being_read() -> None:
    with pytest.raises(FileError) as caught:
        read_yaml("/dev/zero")
    assert str(caught.value) == "/dev/zero: this is not a regular file: save the text in a file, and name that"


@pytest.mark.parametrize("name", ["a\0b", "x" * 300])
def test_an_impossible_name_is_refused(folder: Path, name: str) -> None:
    with pytest.raises(FileError, match="cannot be read"):
        read_yaml(name)


def test_all_refusals_are_reported_together(folder: Path) -> None:
    Path("lab.yaml").write_text("a: 1\na: 2\nb: !x 1\n")
    with pytest.raises(InputErrors) as caught:
        read_yaml("lab.yaml")
    assert str(caught.value).splitlines() == [
        "lab.yaml:2: the key 'a' is given twice, first in line 1: keep one of them",
        "lab.yaml:3: '!x' is a tag, and tags are not read: remove it",
    ]


def test_a_flood_of_refusals_is_cut_short_and_counted(folder: Path) -> None:
    Path("lab.yaml").write_text("a: 1\n" * 61)
    with pytest.raises(InputErrors) as caught:
        read_yaml("lab.yaml")
    lines = str(caught.value).splitlines()
    assert len(lines) == 51
    assert lines[-1] == "lab.yaml: 10 more problems were found: mend these first, and check the file again"


def test_scalars_mean_what_they_look_like(folder: Path) -> None:
    Path("lab.yaml").write_text(
        "on: on\nno: no\nclock: 12:30:00\nday: 2020-01-01\nsmall: 1e-3\ngrouped: 1_000\noctal: 0o17\nleading: 010\n"
        "hexadecimal: 0x1F\nnothing: ~\nquoted: '1'\ntrue_: TRUE\ninfinite: -.inf\npoint: 1.\ntext: 'true'\n"
    )
    assert read_yaml("lab.yaml").values == {
        "on": "on",
        "no": "no",
        "clock": "12:30:00",
        "day": "2020-01-01",
        "small": 0.001,
        "grouped": "1_000",
        "octal": 15,
        "leading": 10,
        "hexadecimal": 31,
        "nothing": None,
        "quoted": "1",
        "true_": True,
        "infinite": float("-inf"),
        "point": 1.0,
        "text": "true",
    }


def test_each_value_knows_its_line(folder: Path) -> None:
    Path("lab.yaml").write_text("\ufeff# comment\na:\n  b: [1,\n      2]\n  c: {d: 1}\n", encoding="utf-8")
    source = read_yaml("lab.yaml").source
    assert [source.line(path) for path in [(), ("a",), ("a", "b"), ("a", "b", 1), ("a", "c", "d")]] == [2, 2, 3, 4, 5]
    assert source.line(("a", "c", "unknown")) == 5


ROOT = Path(__file__).parents[2]
EXAMPLES = [*(ROOT / "examples").rglob("*.yaml"), *(ROOT / "autolab/demo").rglob("*.yaml")]


@settings(max_examples=150, deadline=None)
@given(
    file=st.sampled_from(EXAMPLES),
    where=st.floats(0, 1),
    what=st.sampled_from([*":-[]{}\"'#\n &*!|>%@`,?x", "\n\n", "é"]),
)
def test_the_quick_parser_reads_what_the_slow_one_reads_and_refuses_at_the_same_line(
    file: Path, where: float, what: str
) -> None:
    text = file.read_text(encoding="utf-8")
    at = int(where * len(text))

    def said() -> object:
        try:
            found = read_yaml(path)
        except InputErrors as refused:
            return [each.line for each in refused.errors if isinstance(each, FileError)]
        except FileError as refused:
            return [refused.line]
        return found.values, found.source.lines

    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        path = Path(folder, file.name)
        path.write_text(text[:at] + what + text[at:], encoding="utf-8")
        quick = said()
        patch.setattr(yaml, "__with_libyaml__", False)
        slow = said()
    assert quick == slow or what == "?", "a question mark inside a word is taken by libyaml alone"
