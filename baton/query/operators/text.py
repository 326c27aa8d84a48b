"""Text: ignores case, compares composed letters (NFC); `%`, `_` and `\\` are letters like others."""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from .. import expression
from ..moment import Moment
from ..nodes import Value
from ..operator import BLANK, Cell, Operator, by_key, fold, gettext_noop, is_text, negated

Shape = Callable[[str, str], str]  # the stored text as it is compared (query/expression.py)


def _as(shape: Shape, text: str) -> str:
    """The filter's text in the same shape: both sides are folded by the database, so that they agree whatever its collation is."""
    return f"lower(normalize({text}, NFC))" if shape is expression.text else f"normalize({text}, NFC)"


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _words(asked: str) -> list[str]:
    """A regular expression for each word that is asked for: whole words, `*` stands for any letters."""
    return [r"(^|\W)" + r"[^\s]*".join(re.escape(part) for part in word.split("*")) + r"($|\W)" for word in asked.split()]


def _test(
    key: str, label: str, sentence: str, sql: Callable[[str, str], str], holds: Callable[[str, str], bool], bound: Callable[[str], Any] | None = None
) -> Operator:
    """An operator over two texts, the stored one and the filter's, or over what `bound` makes of the filter's: folded, and with their capital letters."""

    def made(shape: Shape, as_compared: Callable[[str], str]) -> Operator:
        def condition(cell: Cell, value: Value, _: Moment) -> str:
            asked = _as(shape, cell.bind(value)) if bound is None else cell.bind(bound(as_compared(str(value))))
            return cell.compared(shape, sql("{}", asked), cell.typed("string", "true"))

        def meaning(stored: Any, value: Value, _: Moment) -> bool:
            return is_text(stored) and holds(as_compared(stored), as_compared(str(value)))

        return Operator(key, label, "one", sentence, condition, meaning)

    return replace(made(expression.text, fold), cased=made(expression.exact, _composed))


def _any_of() -> Operator:
    def made(shape: Shape, as_compared: Callable[[str], str]) -> Operator:
        def condition(cell: Cell, value: Value, _: Moment) -> str:
            return cell.compared(shape, f"{{}} IN ({', '.join(_as(shape, cell.bind(v)) for v in _many(value))})", cell.typed("string", "true"))

        def meaning(stored: Any, value: Value, _: Moment) -> bool:
            return is_text(stored) and as_compared(stored) in {as_compared(v) for v in _many(value)}

        return Operator("any_of", gettext_noop("is any of"), "many", gettext_noop("{property} is any of {value}"), condition, meaning)

    return replace(made(expression.text, fold), cased=made(expression.exact, _composed))


PLAIN = re.compile(r"[0-9 +#@,.:_()/-]+")  # letters that no other one folds to


def _found(operator: Operator) -> Operator:
    """Numbers and codes are stored as they are asked for, so that the index over all properties finds them; other text may be written in many ways."""

    def condition(cell: Cell, value: Value, moment: Moment) -> str:
        same, asked = operator.sql(cell, value, moment), _many(value) or (str(value),)
        if cell.column is not None or not all(PLAIN.fullmatch(one) for one in asked):
            return same
        return f"(({' OR '.join(cell.equals(one) for one in asked)}) AND {same})"

    return replace(operator, sql=condition)


def _many(value: Value) -> tuple[str, ...]:
    return tuple(str(v) for v in value) if isinstance(value, tuple) else ()


IS = _found(_test("is", gettext_noop("is"), gettext_noop("{property} is {value}"), lambda a, b: f"{a} = {b}", lambda a, b: a == b))
CONTAINS = _test("contains", gettext_noop("contains"), gettext_noop("{property} contains {value}"), lambda a, b: f"strpos({a}, {b}) > 0", lambda a, b: b in a)
STARTS_WITH = _test(
    "starts_with",
    gettext_noop("starts with"),
    gettext_noop("{property} starts with {value}"),
    lambda a, b: f"starts_with({a}, {b})",
    lambda a, b: a.startswith(b),
)
ENDS_WITH = _test(
    "ends_with",
    gettext_noop("ends with"),
    gettext_noop("{property} ends with {value}"),
    lambda a, b: f"right({a}, length({b})) = {b}",
    lambda a, b: a.endswith(b),
)
HAS_WORD = _test(
    "has_word",
    gettext_noop("has the word"),
    gettext_noop("{property} has the word {value}"),
    lambda a, b: f"{a} ~ ALL ({b}::text[])",
    lambda a, b: all(re.search(pattern, a) for pattern in _words(b)),
    bound=_words,
)
ANY_OF = _found(_any_of())
KNOWN = Operator(
    "known",
    gettext_noop("is known"),
    "nothing",
    gettext_noop("{property} is known"),
    sql=lambda cell, _value, _: cell.typed("string", f"btrim({cell.text}, {cell.bind(BLANK)}) <> ''"),
    holds=lambda stored, _value, _: is_text(stored),
)
UNKNOWN = negated(KNOWN, "unknown", gettext_noop("is unknown"), gettext_noop("{property} is unknown"))

OPERATORS = by_key(
    IS,
    negated(IS, "is_not", gettext_noop("is not"), gettext_noop("{property} is not {value}")),
    CONTAINS,
    negated(CONTAINS, "not_contains", gettext_noop("does not contain"), gettext_noop("{property} does not contain {value}")),
    STARTS_WITH,
    ENDS_WITH,
    HAS_WORD,
    negated(HAS_WORD, "has_no_word", gettext_noop("has not the word"), gettext_noop("{property} has not the word {value}")),
    ANY_OF,
    negated(ANY_OF, "none_of", gettext_noop("is none of"), gettext_noop("{property} is none of {value}")),
    KNOWN,
    UNKNOWN,
)
