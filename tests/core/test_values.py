"""Frozen values: refused where they make no sense, rounded to what the hardware can do, hashed by what they say."""

from __future__ import annotations

import math
import pickle

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from autolab.core.canonical import canonical_json, content_hash
from autolab.core.constraints import Constraint
from autolab.core.envelope import AllowedValues, RangeLimit
from autolab.core.errors import FileError, InputError, InputErrors
from autolab.core.objectives import Objective
from autolab.core.operations import MAX_OPERATION_LENGTH, OperationId
from autolab.core.parameters import ChoiceParameter, IntegerParameter, RangeParameter
from autolab.core.problem import Space
from autolab.core.seeds import derive_seed
from autolab.core.trials import Estimate

finite = st.floats(-1e6, 1e6)


@given(finite, st.floats(1e-3, 1e4), st.integers(1, 500), finite)
def test_a_rounded_value_is_inside_the_bounds_on_the_grid_and_rounding_again_changes_nothing(
    lower: float, width: float, steps: int, wish: float
):
    upper = lower + width
    assume(upper > lower)
    parameter = RangeParameter("x", lower, upper, step=(upper - lower) / steps)
    rounded = parameter.round(wish)
    assert parameter.lower <= rounded <= parameter.upper
    assert parameter.holds(rounded)
    assert parameter.round(rounded) == rounded


@given(st.integers(-1000, 1000), st.integers(1, 1000), st.integers(1, 50), finite)
def test_a_rounded_whole_number_is_one_that_the_parameter_takes(lower: int, width: int, step: int, wish: float):
    assume(step <= width)
    parameter = IntegerParameter("n", lower, lower + width, step=step)
    assert parameter.holds(parameter.round(wish))


@pytest.mark.parametrize("step", [None, 25])
@pytest.mark.parametrize("wish", [-1, 0, 100, 200, 201])
def test_a_rounded_value_is_a_real_number_also_where_a_bound_is_a_whole_one(step: float | None, wish: int):
    assert type(RangeParameter("x", 0, 200, step=step).round(wish)) is float


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, "1", True, 1.5, -0.1])
def test_what_is_no_number_inside_the_bounds_is_never_held(value: object):
    assert not RangeParameter("x", 0.0, 1.0).holds(value)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: RangeParameter("x", 1, 1), "x: both bounds are 1: widen them, or write 'value: 1' to fix it"),
        (lambda: RangeParameter("x", 2, 1), "x: bounds [2, 1] are swapped: write [1, 2]"),
        (lambda: RangeParameter("x", math.nan, 1), "x: bound nan is not a finite number"),
        (lambda: RangeParameter("x", 0, 1, step=2), "x: step 2 is larger than the range of 1: use a smaller step"),
        (
            lambda: RangeParameter("x", 0, 1, scale="log"),
            "x: a log scale needs bounds above zero, and the lower bound is 0: "
            "raise the lower bound, or remove 'scale: log'",
        ),
        (lambda: ChoiceParameter("c", ("a",)), "c: choices need at least two values, and there is 1"),
        (lambda: ChoiceParameter("c", ("a", "a")), "c: choice 'a' is given twice"),
        (lambda: Estimate(math.nan), "an outcome must be a finite number, not nan"),
        (lambda: Estimate(1.0, -1.0), "a standard error must be a finite number of at least zero, not -1.0"),
        (lambda: RangeLimit("a.b", 5, 5, "mm"), "a.b: min 5 and max 5 are equal: min must be below max"),
        (lambda: RangeLimit("a.b", 5, 4, "mm"), "a.b: min 5 and max 4 are swapped: min must be below max"),
        (lambda: AllowedValues("a.b", ()), "a.b: give either allowed values or a pattern, and exactly one of the two"),
        (
            lambda: Objective("y", "target"),
            "y: 'goal: target' needs the number to aim for: write 'target: ...'",
        ),
        (
            lambda: Space((RangeParameter("x", 0, 1),), (Constraint("x + z <= 1"),)),
            "constraint 'x + z <= 1': 'z' is not a parameter; numeric parameters are x",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_when_it_is_made(make, message: str):
    with pytest.raises(InputError) as caught:
        make()
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true') <= 1",
        "x.real <= 1",
        "x[0] <= 1",
        "(lambda: 1)() <= 1",
        "x <= 1 <= 2",
        "x < 1",
        "x != 1",
        "x and y <= 1",
        "x <= 'a'",
        "x",
        "",
        "x <= 1\nimport os",
        "(" * 400 + "x" + ")" * 400 + " <= 1",
        "x <= " + "9" * 400,
        "x ** x ** " * 100 + "x <= 1",
    ],
)
def test_code_and_everything_else_outside_the_grammar_is_refused(text: str):
    with pytest.raises(InputError, match="constraint"):
        Constraint(text)


@given(st.floats(-50, 50), st.floats(-50, 50), st.floats(-50, 50))
def test_the_linear_form_of_a_constraint_says_the_same_as_its_text(a: float, b: float, c: float):
    constraint = Constraint("2*a - (b + 3)/4 >= 0.5*c - -a")
    linear = constraint.linear
    assert linear is not None
    left = sum(weight * {"a": a, "b": b, "c": c}[name] for name, weight in linear.coefficients.items())
    assert constraint.excess({"a": a, "b": b, "c": c}) == pytest.approx(linear.bound - left, abs=1e-9)


@pytest.mark.parametrize("text", ["a*b <= 1", "a/b <= 1", "a**2 <= 1", "2**a <= 1"])
def test_a_nonlinear_constraint_has_no_linear_form(text: str):
    assert Constraint(text).linear is None


def test_a_constraint_that_cannot_be_computed_does_not_hold():
    assert not Constraint("a/b <= 1").holds({"a": 1.0, "b": 0.0})
    assert not Constraint("a**b <= 1").holds({"a": -1.0, "b": 0.5})
    assert not Constraint("a <= 1").holds({"a": math.nan})


@given(st.dictionaries(st.text(), st.none() | st.booleans() | st.integers() | finite | st.text(), max_size=5))
def test_equal_values_have_equal_canonical_text_and_hash_whatever_their_order(values: dict):
    shuffled = dict(reversed(list(values.items())))
    assert canonical_json(values) == canonical_json(shuffled)
    assert content_hash(values) == content_hash(shuffled)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_canonical_json_holds_no_number_that_is_not_finite(value: float):
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_json({"a": value})


operation_ids = st.builds(
    OperationId,
    st.from_regex(r"[a-z0-9]{1,8}", fullmatch=True),
    st.integers(0, 99_999),
    st.integers(0, 999),
    st.from_regex(r"[a-z][a-z0-9-]{0,13}", fullmatch=True),
    st.integers(0, 999),
)


@given(operation_ids)
def test_an_operation_id_survives_the_wire_and_fits_an_epics_string(operation: OperationId):
    assert OperationId.parse(str(operation)) == operation
    assert len(str(operation)) <= MAX_OPERATION_LENGTH + 4  # the longest of each part; campaigns use fewer


@given(operation_ids, st.from_regex(r"[a-z0-9]{1,8}", fullmatch=True), st.integers(0, 2**62))
def test_noise_depends_on_the_place_in_the_campaign_and_never_on_its_key(operation: OperationId, key: str, root: int):
    other = OperationId(key, operation.trial, operation.replicate, operation.phase, operation.attempt)
    assert operation.noise_seed(root, "pump") == other.noise_seed(root, "pump")
    assert operation.noise_seed(root, "pump") != operation.noise_seed(root, "valve")


@given(st.integers(0, 2**63 - 1), st.integers(0, 10**6))
def test_a_derived_seed_fits_63_bits_and_differs_from_its_neighbours(root: int, trial: int):
    seed = derive_seed(root, "suggest", trial)
    assert 0 <= seed < 2**63
    assert seed != derive_seed(root, "suggest", trial + 1)


def test_errors_survive_pickling_between_processes():
    errors = InputErrors([FileError("a.yaml", 3, "wrong"), FileError("a.yaml", None, "empty")])
    copy = pickle.loads(pickle.dumps(errors))
    assert str(copy) == "a.yaml:3: wrong\na.yaml: empty"
    assert copy.exit_code == 2
