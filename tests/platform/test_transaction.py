"""Work that lost a deadlock is done again, as a whole, by whoever owns the transaction."""

import threading

import pytest
from django.db import OperationalError, connection, transaction

from baton.platform import sql
from baton.platform.transaction import retrying

pytestmark = pytest.mark.django_db(transaction=True)


def test_two_that_lock_each_other_out_both_finish() -> None:
    sql.run("INSERT INTO history (at, actor, verb, subject_type, subject_id, detail) SELECT now(), '', '', 'x', n::text, '{}' FROM generate_series(1, 2) AS n")
    both = threading.Barrier(2, timeout=10)
    done, starts = [], []

    @retrying
    def write(first: str, second: str) -> None:
        starts.append(first)
        with transaction.atomic():
            sql.run("UPDATE history SET verb = %s WHERE subject_id = %s", [first, first])
            if len(starts) <= 2:
                both.wait()
            sql.run("UPDATE history SET verb = %s WHERE subject_id = %s", [first, second])
        done.append(first)

    def work(first: str, second: str) -> None:
        write(first, second)
        connection.close()

    threads = [threading.Thread(target=work, args=order) for order in (("1", "2"), ("2", "1"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(done) == ["1", "2"]
    assert len(starts) >= 3  # on a busy machine they may meet again


def test_inside_a_transaction_the_owner_repeats() -> None:
    calls = []

    @retrying
    def work() -> None:
        calls.append(1)
        sql.run("DO $$ BEGIN RAISE EXCEPTION 'lost' USING ERRCODE = '40P01'; END $$")

    with pytest.raises(OperationalError), transaction.atomic():
        work()
    assert len(calls) == 1


def test_other_faults_are_not_repeated() -> None:
    calls = []

    @retrying
    def work() -> None:
        calls.append(1)
        raise OperationalError("the connection is closed")

    with pytest.raises(OperationalError):
        work()
    assert len(calls) == 1


def test_it_gives_up_in_the_end() -> None:
    calls = []

    @retrying
    def work() -> None:
        calls.append(1)
        sql.run("DO $$ BEGIN RAISE EXCEPTION 'lost' USING ERRCODE = '40001'; END $$")

    with pytest.raises(OperationalError):
        work()
    assert len(calls) == 5
