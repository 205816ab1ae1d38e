"""Numbers: + - * / % div ^ in numeric, bounded so that no row can make PostgreSQL raise.

Double precision raises on overflow and on underflow; numeric holds 131,072 digits before the point and 16,383 after it.
The most that an expression can need is known when it is compiled. A division by zero has no value.
"""

import math
from collections.abc import Sequence
from decimal import Decimal

from geo.layers.cql2.operands import Number, Scope, shortened
from geo.layers.cql2.reading import refuse
from geo.layers.layer import Property

ARITHMETIC = ("+", "-", "*", "/", "%", "div", "^")
# Half of what is left after one more multiplication still fits.
MAX_DIGITS = 6000
MAX_EXPONENT = 16
LARGEST = 1e308
# Digits before and after the point: of a bigint, and of a double as PostgreSQL casts it to numeric.
INTEGER_BOUNDS = (19, 0)
DOUBLE_BOUNDS = (309, 340)
# The digits of a measurement, and of a quotient or a power after the point.
USUAL_DOUBLE, USUAL_SCALE = (9, 15), 20
# numeric computes with four digits at once: a multiplication of two such groups takes half a nanosecond (measured).
GROUP, GROUPS_PER_US = 4, 2000
# PostgreSQL's division gives 1,000 digits after the point at most.
QUOTIENT_SCALE = 1000


def number_property(prop: Property) -> Number:
    digits, scale = INTEGER_BOUNDS if prop.type == "integer" else DOUBLE_BOUNDS
    column = f"s.{prop.name}"
    usual = INTEGER_BOUNDS if prop.type == "integer" else USUAL_DOUBLE
    return Number(said=prop.name, sql=column, exact=f"{column}::numeric", digits=digits, scale=scale, usual=usual)


def number_literal(value: int | float, scope: Scope) -> Number:
    if (isinstance(value, float) and not math.isfinite(value)) or abs(value) > LARGEST:
        raise refuse(f"a number in the filter lies beyond {LARGEST:g}")
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        value = int(value)
    exact = Decimal(repr(value))
    place = scope.bind(value)
    digits, scale = max(exact.adjusted() + 1, 1), max(-int(exact.as_tuple().exponent), 0)
    return Number(
        said=shortened(f"{value}"),
        is_literal=True,
        sql=place,
        exact=f"{place}::numeric",
        digits=digits,
        scale=scale,
        usual=(digits, scale),
        value=value,
    )


def computed(op: str, args: Sequence[Number], scope: Scope) -> Number:
    """The result of an operator on two numbers."""
    left, right = args
    sql, digits, scale = _power(left, right) if op == "^" else _plain(op, left, right)
    if max(digits, scale) > MAX_DIGITS:
        raise refuse(
            f"what {op!r} computes in the filter can have more than {MAX_DIGITS} digits; a smaller term is possible"
        )
    is_literal = left.is_literal and right.is_literal
    usual = _usual(op, left, right)
    if not is_literal:
        scope.spend(_effort(op, left, right, usual))
    return Number(
        said=f"the result of {op!r}",
        is_literal=is_literal,
        sql=sql,
        exact=sql,
        digits=digits,
        scale=scale,
        usual=usual,
        is_computed=True,
    )


def _usual(op: str, left: Number, right: Number) -> tuple[int, int]:
    (a, fine_a), (b, fine_b) = left.usual, right.usual
    finer = max(fine_a, fine_b)
    if op == "^":
        power = abs(int(right.value or 0))
        return max(a * power, 1), max(fine_a, USUAL_SCALE)
    if op == "*":
        return a + b, fine_a + fine_b
    if op in ("/", "div"):
        return a + fine_b, max(finer, USUAL_SCALE)
    return max(a, b) + (op != "%"), finer


def _effort(op: str, left: Number, right: Number, result: tuple[int, int]) -> float:
    """Microseconds a row, about: sums grow with the digits, the rest with the product of two numbers' digits."""
    a, b, c = (sum(usual) / GROUP for usual in (left.usual, right.usual, result))
    pairs = {"*": a * b, "/": c * b, "div": c * b, "%": max(a, b) * b, "^": c * c}.get(op, a + b)
    return 0.3 + pairs / GROUPS_PER_US


def _plain(op: str, left: Number, right: Number) -> tuple[str, int, int]:
    a, b = left.exact, right.exact
    larger, finer = max(left.digits, right.digits), max(left.scale, right.scale)
    quotient_digits = left.digits + right.scale + 1
    if op == "*":
        return f"({a} * {b})", left.digits + right.digits, left.scale + right.scale
    if op == "/":
        return f"({a} / nullif({b}, 0))", quotient_digits, max(QUOTIENT_SCALE, finer)
    if op == "div":
        return f"div({a}, nullif({b}, 0))", quotient_digits, 0
    if op == "%":
        return f"mod({a}, nullif({b}, 0))", larger, finer
    return f"({a} {op} {b})", larger + 1, finer


def _power(base: Number, exponent: Number) -> tuple[str, int, int]:
    # A root of a negative number, or a large power, is an error in PostgreSQL: the exponent has to be known beforehand.
    power = exponent.value
    if not isinstance(power, int) or abs(power) > MAX_EXPONENT:
        raise refuse(
            f"the exponent after ^ must be a whole number from {-MAX_EXPONENT} to {MAX_EXPONENT}, not {exponent.said}"
        )
    if power < 0:
        return f"power(nullif({base.exact}, 0), {exponent.exact})", (base.scale + 1) * -power, QUOTIENT_SCALE
    return f"power({base.exact}, {exponent.exact})", max(base.digits * power, 1), max(base.scale, QUOTIENT_SCALE)
