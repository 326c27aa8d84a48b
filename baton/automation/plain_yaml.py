"""YAML as people write it and every reader understands it: version 1.2's plain values (`yes` is a text, `12:30` is no number), nothing by reference."""

import re
from typing import Any

import yaml
from django.utils.translation import gettext as _

from baton.platform.errors import Invalid

LARGEST = 1_000_000  # characters of a file
VALUES = {  # what stands without quotes and is no text: its kind, and the letters it begins with
    "null": (r"~|null|", ["~", "n", ""]),
    "bool": (r"true|false", list("tf")),
    "int": (r"-?(?:0|[1-9][0-9]*)", list("-0123456789")),
    "float": (r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?", list("-0123456789")),
}


class _Reader(yaml.SafeLoader):
    yaml_implicit_resolvers: dict[str, Any] = {}  # PyYAML's own way

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):  # a few of them can mean a file of gigabytes
            raise yaml.YAMLError(_("References (*name) are not read."))
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        said = [str(key.value) for key, _value in node.value]
        if len(said) != len(set(said)):
            raise yaml.YAMLError(_("A field is there twice, below line {line}.").format(line=node.start_mark.line + 1))
        return super().construct_mapping(node, deep)


class _Writer(yaml.SafeDumper):
    """Texts that any version of YAML would take for something else are quoted; texts of several lines stand as they are read."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        return super().increase_indent(flow, False)


for _kind, (_pattern, _first) in VALUES.items():
    for _class in (_Reader, _Writer):
        _class.add_implicit_resolver(f"tag:yaml.org,2002:{_kind}", re.compile(f"^(?:{_pattern})$"), _first)


def _text(writer: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    odd = any(letter in text for letter in "\r\x85\u2028\u2029\ufeff")  # some readers take these for the end of a line
    return writer.represent_scalar("tag:yaml.org,2002:str", text, style='"' if odd else "|" if "\n" in text else None)


_Writer.add_representer(str, _text)


def read(text: str) -> Any:
    """Raises Invalid (at no place) for what is no YAML."""
    if len(text) > LARGEST:
        raise Invalid.one("", "TOO_LONG", _("The file is too large."))
    try:
        return yaml.load(text, _Reader)
    except (yaml.YAMLError, RecursionError, ValueError, TypeError, AttributeError) as error:  # a tag (!!timestamp) on what is none: PyYAML looks no further
        raise Invalid.one("", "INVALID_VALUE", _("The file is not YAML: {why}").format(why=" ".join(str(error).split())[:300])) from None


def write(data: Any) -> str:
    """Fields in the order they have."""
    return yaml.dump(data, Dumper=_Writer, allow_unicode=True, sort_keys=False, width=120)
