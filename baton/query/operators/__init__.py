"""The operators of each property type."""

from ..catalog import Type
from ..operator import Operator
from . import boolean, choice, date, number, text

OPERATORS: dict[Type, dict[str, Operator]] = {
    "text": text.OPERATORS,
    "phone": text.OPERATORS,
    "email": text.OPERATORS,
    "url": text.OPERATORS,
    "number": number.OPERATORS,
    "date": date.DATE,
    "datetime": date.DATETIME,
    "choice": choice.CHOICE,
    "multi_choice": choice.MULTI_CHOICE,
    "user": choice.USER,
    "boolean": boolean.OPERATORS,
}
