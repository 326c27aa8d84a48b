"""Every table that is about people or records is in the data map: none is forgotten when two merge or somebody is erased."""

from django.apps import apps

from baton.crm.part import Nothing, Rows, parts

OWNERS = {"contact_id", "record_id", "from_id", "to_id", "gone_id", "other_id"}
COVERED = {
    "contact": "merge.py and erase.py",
    "record": "merge.py and erase.py",
    "import_link": "ids alone; undoing an import passes over what is gone",
}


def test_every_table_that_names_a_contact_or_record_is_there() -> None:
    tables = {
        model._meta.db_table
        for model in apps.get_models()
        if model.__module__.startswith("baton.") and OWNERS & {field.column for field in model._meta.local_concrete_fields}
    }
    assert tables - parts().keys() - COVERED.keys() == set()


def test_every_entry_is_a_table_with_these_columns() -> None:
    for part in parts().values():
        if isinstance(part, Rows):
            assert {part.by, *part.key} <= part.columns.keys(), part.name
            if isinstance(part.blank, dict):
                assert part.blank.keys() <= part.columns.keys(), part.name


def test_every_exception_says_why() -> None:
    assert all(part.why for part in parts().values() if isinstance(part, Nothing))
