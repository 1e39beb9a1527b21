"""What the YAML reader stumbled over, in plain words."""

from __future__ import annotations

import re

import yaml

__all__ = ["syntax_problem"]

_SENTENCES: tuple[tuple[str, str], ...] = (
    (r"found character '\\t'", "a tab stands where a value was expected: indent with spaces"),
    (
        r"found character '(.)' that cannot start any token",
        "a value cannot begin with '{0}': put the whole value in quotes",
    ),
    (
        r"mapping values are not allowed here",
        "a second ':' stands where a value was expected: give each key a line of its own, "
        "or put text that holds ': ' in quotes",
    ),
    (r"could not find expected ':'", "a ':' after the key was expected: write 'key: value'"),
    (r"found unexpected end of stream", "the closing quote was expected before the end of the file: add it"),
    (r"found unexpected document separator", "the closing quote was expected before '---' or '...': add it"),
    (r"expected ',' or '\}'", "a ',' or a closing '}}' was expected: add it"),
    (r"expected ',' or '\]'", "a ',' or a closing ']' was expected: add it"),
    (r"invalid indentation or unclosed", "a closing ']' or '}}' was expected: add it, or correct the indentation"),
    (r"sequence entries are not allowed here", "a list item cannot begin here: put each '- ' on a line of its own"),
    (r"mapping keys are not allowed here", "a key cannot begin here: put it on a line of its own"),
    (
        r"expected <block end>",
        "a key at the same indentation as its neighbours was expected: correct the indentation or close the quotes",
    ),
    (r"found unknown escape character '(.)'", "'\\{0}' means nothing inside double quotes: use single quotes"),
    (r"expected escape sequence", "hexadecimal digits were expected after the backslash: use single quotes"),
    (r"expected the node content", "a value was expected: add it, or close the bracket"),
    (r"indentation indicator|chomping", "'|' and '>' begin a block of text: put the whole value in quotes"),
    (r"undefined tag handle", "a value cannot begin with '!': put it in quotes"),
    (r"incompatible YAML document", "another version of YAML is declared: remove the line that begins with '%YAML'"),
    (r"directive|tag handle", "a key was expected: remove the line that begins with '%'"),
    (
        r"'<document start>'",
        "a key at the left edge was expected: keep one document, and remove lines that begin with '%', '---' or '...'",
    ),
    (r"while scanning an? (anchor|alias)|alphabetic", "a value cannot begin with '&' or '*': put it in quotes"),
    (r"while (scanning|parsing) a tag|non-specific tag", "a value cannot begin with '!': put it in quotes"),
)


def syntax_problem(error: yaml.MarkedYAMLError) -> tuple[int | None, str]:
    """Where the reader stumbled, and what it expected there.

    Returns:
        Line number from 1 (None where it is not known), and one sentence.
    """
    said = f"{error.problem or ''} {error.context or ''}"
    mark = error.problem_mark or error.context_mark
    if "unexpected" in said and "quoted scalar" in said and error.context_mark is not None:
        mark = error.context_mark  # where the quote was opened, not where the file ends
    line = None if mark is None else mark.line + 1
    for pattern, sentence in _SENTENCES:
        if match := re.search(pattern, said):
            return line, sentence.format(*match.groups())
    return line, "this line cannot be read as YAML: a line 'key: value' was expected"
