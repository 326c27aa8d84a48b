"""The rules that keep Citus possible (docs/architecture.md), checked over every model and every statement of the source.

Each rule is a function from a model or a text to faults, so that the tests below can also show that it finds one.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.db import models

import baton

ROOT = Path(baton.__file__).parent
SOURCES = sorted(path for path in ROOT.rglob("*") if path.suffix in (".py", ".sql") and "node_modules" not in path.parts)

OURS = [model for config in apps.get_app_configs() if config.name.startswith("baton.") for model in config.get_models(include_auto_created=True)]

# What a table is spread by: the first of these fields it has. `id` of contact and record is one too, as their whole key.
SPREAD_BY = ("bucket", "contact_id", "record_id", "from_id")
BY_VALUE = {"identity": "value", "unique_value": "value"}
# Local tables that only mention a contact: a notice belongs to a colleague.
LOCAL = {"notification"}


def spread_by(model: type[models.Model]) -> str | None:
    """The field a table is spread by, or None for a local table."""
    if model._meta.db_table in LOCAL:
        return None
    names = {field.attname for field in model._meta.concrete_fields}
    return BY_VALUE.get(model._meta.db_table) or next((name for name in SPREAD_BY if name in names), None)


def is_spread(model: type[models.Model]) -> bool:
    return spread_by(model) is not None or model._meta.db_table in ("contact", "record")


def model_faults(model: type[models.Model]) -> Iterator[str]:
    """What the rules have against one model."""
    meta, by = model._meta, spread_by(model)
    if by is not None:
        key = [field.attname for field in meta.pk_fields]
        if key[0] != by:
            yield f"{meta.label}: the primary key must start with {by}, not {key}"
        for constraint in meta.constraints:
            if isinstance(constraint, models.UniqueConstraint) and (not constraint.fields or constraint.fields[0] != by):
                yield f"{meta.label}: unique constraint {constraint.name} must start with {by}"
    if is_spread(model):
        for field in meta.local_concrete_fields:
            if field.unique and not field.primary_key:
                yield f"{meta.label}.{field.name}: unique=True; uniqueness lives in Identity"
            if field.attname in SPREAD_BY and field.get_internal_type() not in ("BigIntegerField", "SmallIntegerField"):
                yield f"{meta.label}.{field.name}: the field a table is spread by is a bigint (a bucket: smallint)"
            if field.attname in SPREAD_BY and field.null:
                yield f"{meta.label}.{field.name}: the field a table is spread by is never null"
        if meta.unique_together:
            yield f"{meta.label}: unique_together; use a constraint that starts with {by}"
        for constraint in meta.constraints:
            if by is None and isinstance(constraint, models.UniqueConstraint):
                yield f"{meta.label}: unique constraint {constraint.name}; uniqueness lives in Identity"
    for field in meta.local_fields:
        if isinstance(field, models.ForeignKey) and getattr(field, "db_constraint", True) and (is_spread(model) or is_spread(field.related_model)):
            yield f"{meta.label}.{field.name}: a foreign key from or to a spread table needs db_constraint=False"
    for field in meta.local_many_to_many:
        between = field.remote_field.through
        if between is not None and between._meta.auto_created:
            yield f"{meta.label}.{field.name}: name the table between; its key must be chosen"


SOURCE_RULES = {
    "NOT IN (SELECT: use NOT EXISTS": re.compile(r"\bNOT\s+IN\s*\(\s*SELECT\b", re.IGNORECASE),
    "SET timezone: name the zone in the statement": re.compile(r"\bSET\s+(SESSION\s+|LOCAL\s+)?TIME\s*ZONE\b", re.IGNORECASE),
    ".pk of what bulk_create returned: take the ids before": re.compile(r"bulk_create\([^\n]*\)(\[[^\]]*\])?\.(pk|id)\b"),
    "CREATE TRIGGER: triggers do not work on spread tables": re.compile(r"\bCREATE\s+(OR\s+REPLACE\s+)?(CONSTRAINT\s+)?TRIGGER\b", re.IGNORECASE),
}
VOLATILE = re.compile(r"\b(random|gen_random_uuid|now|clock_timestamp|statement_timestamp|timeofday|nextval)\s*\(", re.IGNORECASE)
LOCK = re.compile(r"\bFOR\s+(NO\s+KEY\s+)?UPDATE\b")
ONE = re.compile(r"\b(contact_id|bucket|id)\s*=\s*(%|\$)")
VERBS = re.compile(r"\bUPDATE\b|\bDELETE\b", re.IGNORECASE)  # one of them is in all that follows
CHANGES = re.compile(r"^\s*(WITH\b.*?\)\s*)?(UPDATE|DELETE\s+FROM)\b", re.IGNORECASE | re.DOTALL)


SPREAD = "|".join(model.__name__ for model in OURS if is_spread(model))
ORM_LOCK = re.compile(rf"\b({SPREAD})\.objects\b(?:[^\n]|\n\s*\.)*\.select_for_update\((?:[^\n]|\n\s*\.)*")


def lock_faults(path: Path, text: str) -> Iterator[str]:
    """Row locks through the ORM on a spread table that do not name one contact or one bucket; local tables may be locked freely."""
    for found in ORM_LOCK.finditer(text) if "select_for_update" in text else ():
        if not re.search(r"\b(contact_id|bucket|id|pk)=", found.group()):
            yield f"{path}:{text[: found.start()].count(chr(10)) + 1}: a lock on more than one contact or bucket"


def statements(path: Path, text: str) -> Iterator[str]:
    """The SQL of a file: the statements of a .sql file, the strings of a .py file that are none of its documentation."""
    if path.suffix == ".sql":
        yield from re.sub(r"--[^\n]*", "", text).split(";")
        return
    tree = ast.parse(text)
    inside: set[ast.AST] = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr) and not isinstance(node.value, ast.Call)}
    for node in ast.walk(tree):
        if node in inside or not isinstance(node, (ast.Constant, ast.JoinedStr, ast.BinOp)):
            continue
        inside.update(ast.walk(node))
        if any(isinstance(part, ast.Constant) and isinstance(part.value, str) for part in ast.walk(node)):
            yield re.sub(r"--[^\n]*", "", written(node))


def written(node: ast.AST) -> str:
    """The text of a string expression, with a blank for what is put in at run time."""
    match node:
        case ast.Constant(value=str() as value):
            return value
        case ast.JoinedStr(values=parts):
            return "".join(written(part) for part in parts)
        case ast.BinOp(left=left, right=right):
            return f"{written(left)}{written(right)}"
    return " "


FROM = re.compile(r"\b(?:FROM|JOIN)\s+(\w+)\b(?!\s*\()", re.IGNORECASE)  # no function, such as unnest()
NAMED = re.compile(r"\b(\w+)\s+AS\s+(?:NOT\s+)?(?:MATERIALIZED\s+)?\(", re.IGNORECASE)  # a part of the statement itself
LOCALS = {model._meta.db_table for model in OURS if not is_spread(model)}


def of_local_tables(statement: str) -> bool:
    """Whether a statement reads local tables only: their rows may be locked freely."""
    return {name.lower() for name in FROM.findall(statement)} - {name.lower() for name in NAMED.findall(statement)} <= LOCALS


INNER = re.compile(r"\bIN\s*\((\s*SELECT\b.*)", re.IGNORECASE | re.DOTALL)
PORTION = re.compile(r"\bLIMIT\b.*\bFOR\s+UPDATE\b", re.IGNORECASE | re.DOTALL)


def claims_more(statement: str) -> bool:
    """Whether a portion is locked within IN (...): a join may run that part again and again, and each time it locks further rows. ARRAY(...) runs once."""
    found = INNER.search(statement)
    if found is None:
        return False
    own, depth = "", 0  # what stands in the brackets, without what stands in brackets within them
    for letter in found[1]:
        depth += (letter == "(") - (letter == ")")
        if depth < 0:
            break
        own += letter if depth == 0 else ""
    return bool(PORTION.search(own)) or claims_more(found[1])


def source_faults(path: Path, text: str) -> Iterator[str]:
    """What the rules have against one file."""
    for name, rule in SOURCE_RULES.items():
        for found in rule.finditer(text):
            yield f"{path}:{text[: found.start()].count(chr(10)) + 1}: {name}"
    yield from lock_faults(path, text)
    for statement in statements(path, text) if VERBS.search(text) else ():
        if CHANGES.search(statement) and (called := VOLATILE.search(statement)):
            yield f"{path}: {called.group()}) in {' '.join(statement.split())[:80]}: compute it in Python"
        if LOCK.search(statement) and not ONE.search(statement) and not of_local_tables(statement):
            yield f"{path}: a lock on more than one contact or bucket: {' '.join(statement.split())[:80]}"
        if claims_more(statement):
            yield f"{path}: a portion within IN (...) may become more than its portion, ARRAY(...) does not: {' '.join(statement.split())[:80]}"


@pytest.mark.parametrize("model", OURS, ids=lambda model: model._meta.label)
def test_every_table_can_be_spread(model: type[models.Model]) -> None:
    assert list(model_faults(model)) == []


def test_tables_about_people_are_recognised() -> None:
    kinds = {model._meta.db_table: spread_by(model) for model in OURS}
    assert {"event", "membership", "score", "enrollment", "message", "consent", "suppression"} <= {name for name, by in kinds.items() if by == "contact_id"}
    assert {name for name, by in kinds.items() if by == "bucket"} >= {"change", "outbox", "timer"}
    assert kinds["property_history"] == "record_id"
    assert kinds["association"] == "from_id"
    assert kinds["identity"] == "value"
    assert kinds["segment"] is None


def test_the_source_keeps_the_rules() -> None:
    faults = [fault for path in SOURCES for fault in source_faults(path, path.read_text())]
    assert faults == []


class TestTheRulesFindFaults:
    """A rule that cannot fail protects nothing."""

    def fault(self, name: str, **fields: object) -> str:
        meta = type("Meta", (), {"app_label": "crm", "db_table": f"lint_{name.lower()}", **fields.pop("meta", {})})  # type: ignore[dict-item]
        try:
            model = type(name, (models.Model,), {"__module__": __name__, "Meta": meta, **fields})
            return "; ".join(model_faults(model))
        finally:
            apps.all_models["crm"].pop(name.lower(), None)
            apps.clear_cache()

    def test_a_key_that_does_not_start_with_the_contact(self) -> None:
        assert "must start with contact_id" in self.fault("LintKey", contact_id=models.BigIntegerField())

    def test_a_composite_key_in_the_wrong_order(self) -> None:
        fields = {"pk": models.CompositePrimaryKey("id", "contact_id"), "id": models.BigIntegerField(), "contact_id": models.BigIntegerField()}
        assert "must start with contact_id" in self.fault("LintOrder", **fields)

    def test_a_unique_constraint_across_contacts(self) -> None:
        constraint = models.UniqueConstraint(fields=["address"], name="lint_address")
        fields = {"contact_id": models.BigIntegerField(primary_key=True), "address": models.TextField(), "meta": {"constraints": [constraint]}}
        assert "lint_address must start with contact_id" in self.fault("LintConstraint", **fields)

    def test_a_unique_field(self) -> None:
        fields = {"contact_id": models.BigIntegerField(primary_key=True), "address": models.TextField(unique=True)}
        assert "uniqueness lives in Identity" in self.fault("LintUnique", **fields)

    def test_a_narrow_or_nullable_contact(self) -> None:
        fields = {"pk": models.CompositePrimaryKey("contact_id", "id"), "contact_id": models.IntegerField(null=True), "id": models.BigIntegerField()}
        told = self.fault("LintNarrow", **fields)
        assert "is a bigint" in told
        assert "never null" in told

    def test_a_foreign_key_to_or_from_a_spread_table(self) -> None:
        to_contact = models.ForeignKey("crm.Contact", on_delete=models.CASCADE, related_name="+")
        assert "db_constraint=False" in self.fault("LintTo", contact_ref=to_contact)
        from_contact = models.ForeignKey("crm.Pipeline", on_delete=models.CASCADE, related_name="+")
        assert "db_constraint=False" in self.fault("LintFrom", contact_id=models.BigIntegerField(primary_key=True), pipeline=from_contact)
        loose = models.ForeignKey("crm.Contact", on_delete=models.DO_NOTHING, related_name="+", db_constraint=False)
        assert self.fault("LintLoose", contact_ref=loose) == ""

    def test_an_automatic_table_between(self) -> None:
        assert "name the table between" in self.fault("LintBetween", pipelines=models.ManyToManyField("crm.Pipeline", related_name="+"))

    @pytest.mark.parametrize(
        ("file", "text"),
        [
            ("a.sql", "SELECT 1 FROM contact WHERE id NOT IN\n (SELECT contact_id FROM event)"),
            ("a.py", "sql.run(\"SET TIME ZONE 'Asia/Seoul'\")"),
            ("a.py", "cursor.execute(\"SET timezone = 'UTC'\")"),
            ("a.py", "made = Event.objects.bulk_create([Event(id=f(1))])[0].pk"),
            ("a.py", "Contact.objects.select_for_update().filter(id__in=ids)"),
            ("a.py", 'sql.rows("SELECT id FROM contact WHERE id = ANY(%s) FOR UPDATE")'),
            ("a.sql", "-- why\nUPDATE contact SET updated_at = now() WHERE id = 1"),
            ("a.sql", "SELECT 1; DELETE FROM event WHERE random() < 0.5"),
            ("a.py", 'sql.run("UPDATE message SET id = nextval(\'x\')"\n  " WHERE contact_id = %s")'),
            ("a.py", 'sql.run("""\n    DELETE FROM event\n    WHERE ts < NOW() - %s\n""")'),
            (
                "a.sql",
                "DELETE FROM timer WHERE id IN (SELECT id FROM timer WHERE bucket = %s AND k IN (SELECT 1) LIMIT %(n)s FOR UPDATE)",
            ),
            ("a.sql", "CREATE TRIGGER t AFTER INSERT ON contact EXECUTE FUNCTION f()"),
        ],
    )
    def test_a_statement_that_breaks_a_rule(self, file: str, text: str) -> None:
        assert list(source_faults(Path(file), text))

    @pytest.mark.parametrize(
        ("file", "text"),
        [
            ("a.sql", "SELECT id FROM timer WHERE bucket = %s AND due_at <= %s FOR UPDATE SKIP LOCKED"),
            ("a.sql", "DELETE FROM timer WHERE id = ANY (ARRAY(SELECT id FROM timer WHERE bucket = %s AND k IN (SELECT 1) LIMIT %(n)s FOR UPDATE))"),
            ("a.sql", "INSERT INTO message SELECT nextval('message_id_seq')"),
            ("a.py", "Workflow.objects.select_for_update().get(pk=id)"),
            ("a.py", "Enrollment.objects.select_for_update().get(contact_id=contact_id, id=id)"),
            ("a.py", 'sql.run("UPDATE contact SET updated_at = %s WHERE id = %s", [clock.now(), id])'),
            ("a.py", '"""Times come from clock.now(), never from now() in an UPDATE."""'),
            ("a.sql", "SELECT 1 FROM contact c WHERE NOT EXISTS (SELECT 1 FROM event e WHERE e.contact_id = c.id)"),
        ],
    )
    def test_a_statement_that_keeps_them(self, file: str, text: str) -> None:
        assert list(source_faults(Path(file), text)) == []
