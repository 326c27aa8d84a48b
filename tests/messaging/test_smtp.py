"""The lines to a relay: what arrives is what was sent, each letter gets its own answer, and a broken line says truly what it knows."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from baton.messaging.channel import Receipt, Result
from baton.messaging.sending import smtp, transport
from baton.messaging.sending.transport import Down
from baton.messaging.sending.transports.smtp import Smtp
from tests.examples import some
from tests.messaging.relay import free_port
from tests.messaging.scripted import Scripted


@dataclass
class Mail:
    address: str
    content: bytes = b"Subject: x\r\n\r\nx\r\n"
    envelope_from: str = "b+1@bounce.example"
    contact_id: int = 7
    message_id: int = 8


@pytest.fixture(scope="module")
def relay() -> Iterator[Scripted]:
    with Scripted() as relay:
        yield relay


@pytest.fixture(scope="module")
def carrier(relay: Scripted) -> Iterator[Smtp]:
    carrier = transport.of_url(relay.url)
    assert isinstance(carrier, Smtp)
    yield carrier
    carrier.close()


def results(receipts: list[Receipt] | tuple[Receipt, ...] | object) -> list[str]:
    return [str(receipt.result) for receipt in receipts]  # type: ignore[attr-defined]  # receipts


def test_many_letters_arrive_as_they_were_written(relay: Scripted, carrier: Smtp) -> None:
    chance = random.Random(7)
    lines = [b".", b"..", b".x", b"", b"x" * 990, b"From here", b"a.b", b". "]
    mails = [Mail(f"p{n}@b.example", b"".join(chance.choice(lines) + b"\r\n" for _ in range(chance.randrange(40)))) for n in range(400)]
    relay.mails.clear()
    before = relay.connections
    assert set(results(carrier.send(mails))) == {"sent"}
    assert dict(relay.mails) == {mail.address: mail.content or b"\r\n" for mail in mails}
    assert relay.connections - before <= 16  # a few lines carry them all


def test_each_letter_gets_its_own_answer(relay: Scripted, carrier: Smtp) -> None:
    relay.mails.clear()
    names = ["a", "hard", "b", "full", "late", "c", "slow", "hard", "d"]
    receipts = carrier.send([Mail(f"{name}@b.example") for name in names])
    assert results(receipts) == ["sent", "refused", "sent", "deferred", "refused", "sent", "deferred", "refused", "sent"]
    assert (receipts[1].code, receipts[1].reason) == (550, "550 5.1.1 User unknown")
    assert sorted(to for to, _ in relay.mails) == ["a@b.example", "b@b.example", "c@b.example", "d@b.example"]


def test_what_the_relay_had_wholly_may_have_arrived_and_the_rest_goes_another_way(relay: Scripted, carrier: Smtp) -> None:
    relay.mails.clear()
    names = ["vanish", *(f"q{n}" for n in range(30)), "cut"]
    receipts = carrier.send([Mail(f"{name}@b.example") for name in names])
    assert results(receipts) == ["unknown", *["sent"] * 31]
    assert len(relay.mails) == len({to for to, _ in relay.mails}) == 31


def test_a_relay_that_hangs_up_before_a_letter_has_put_it_off(carrier: Smtp) -> None:
    assert results(carrier.send([Mail("busy@b.example"), Mail("r@b.example")])) == ["deferred", "sent"]


def test_a_sender_that_is_not_allowed_is_nobodys_bounce(carrier: Smtp) -> None:
    [receipt] = carrier.send([Mail("s@b.example", envelope_from="stranger@c.example")])
    assert (receipt.result, receipt.code) == (Result.NOT_HANDED, 550)


def test_bounces_are_asked_for_with_our_own_mark(relay: Scripted, carrier: Smtp) -> None:
    relay.commands.clear()
    carrier.send([Mail("a+b=c@b.example")])
    assert b"MAIL FROM:<b+1@bounce.example> RET=HDRS ENVID=7.8" in relay.commands
    assert b"RCPT TO:<a+b=c@b.example> NOTIFY=FAILURE,DELAY ORCPT=rfc822;a+2Bb+3Dc@b.example" in relay.commands


def test_addresses_outside_ascii_need_a_relay_that_carries_them(carrier: Smtp) -> None:
    assert results(carrier.send([Mail("지우@b.example")])) == ["sent"]
    with Scripted("SIZE 1000") as old:
        other = transport.of_url(old.url)
        assert results(other.send([Mail("지우@b.example"), Mail("e@b.example"), Mail("hard@b.example"), Mail("f@b.example")])) == [
            "refused", "sent", "refused", "sent",
        ]  # fmt: skip
        assert not any(b"RET=" in command or b"SMTPUTF8" in command for command in old.commands)
        other.close()


@given(st.text(max_size=30))
@settings(max_examples=some(15), deadline=None)
def test_no_address_adds_a_command(relay: Scripted, carrier: Smtp, address: str) -> None:
    relay.commands.clear()
    carrier.send([Mail(f"{address}@b.example")])
    words = [command[:4].upper() for command in relay.commands]
    assert words.count(b"MAIL") == words.count(b"RCPT") <= 1
    assert set(words) <= {b"MAIL", b"RCPT", b"DATA", b"EHLO", b"RSET"}


def test_options_are_written_as_the_standard_wants() -> None:
    assert smtp.xtext("a+b=c d@e.example") == "a+2Bb+3Dc+20d@e.example"


def test_a_relay_that_is_away_has_nothing_and_is_left_alone_for_a_while() -> None:
    away = transport.of_url(f"smtp://127.0.0.1:{free_port()}")
    receipts = away.send([Mail("a@b.example"), Mail("b@b.example")])
    assert results(receipts) == ["not_handed", "not_handed"]
    assert "refused" in receipts[0].reason
    assert 0 < away.pause() <= 15
    with pytest.raises(Down):
        away.check()


def test_a_connection_that_works_is_told_of(carrier: Smtp) -> None:
    assert "relay.example" in carrier.check()
    assert carrier.pause() == 0


class Pieces:
    """A desk, a loop and a transport in one: letters for one line, and what it writes."""

    def __init__(self, addresses: list[str]) -> None:
        self.mails = [Mail(address) for address in addresses]
        self.wrote = b""
        self.pieces = 0
        self.said: dict[str, str] = {}
        self.closed = False
        line = smtp.Line(self, self, most=100, dsn=False)  # type: ignore[arg-type]  # what is asked of them
        line.features = {"PIPELINING": ""}
        line._expect.clear()
        line.connection_made(self)  # type: ignore[arg-type]
        self.line = line
        line.work()

    def time(self) -> float:
        return 0.0

    def create_future(self) -> object:
        return None

    def writelines(self, pieces: list[bytes]) -> None:
        self.wrote += b"".join(pieces)
        self.pieces += 1

    def close(self) -> None:
        self.closed = True

    def next(self) -> object:
        if not self.mails:
            return None
        mail = self.mails.pop(0)
        return type("Errand", (), {"letter": mail, "tries": 0, "done": lambda _self, receipt: self.said.update({mail.address: str(receipt.result)})})()

    def idle(self, line: object) -> None:
        self.closed = True


ALL = {b"MAIL": b"250 2.1.0 Ok\r\n", b"RCPT": b"250 2.1.5 Ok\r\n", b"DATA": b"354 Go on\r\n", b".": b"250 2.0.0 Ok\r\n", b"RSET": b"250 Ok\r\n"}
HARD = {"hard@b.example": {b"RCPT": b"550 5.1.1 No\r\n", b"DATA": b"554 Nobody\r\n"}, "late@b.example": {b".": b"452-4.2.2 Full\r\n452 later\r\n"}}


@settings(max_examples=some(20), deadline=None)
@given(st.lists(st.sampled_from(["a@b.example", "c@b.example", "hard@b.example", "late@b.example"]), max_size=5), st.randoms(use_true_random=False))
def test_however_answers_are_cut_they_say_the_same(addresses: list[str], chance: random.Random) -> None:
    names = [f"{n}{address}" for n, address in enumerate(addresses)]
    told = []
    for cut in (False, True):
        desk, read, turns, to = Pieces(list(names)), 0, 0, ""
        while read < len(desk.wrote):
            answers = b""
            commands, read = desk.wrote[read:], len(desk.wrote)
            for command in commands.replace(b"Subject: x\r\n\r\nx\r\n", b"").splitlines():
                to = command.decode()[9:-1] if command.startswith(b"RCPT") else to
                answers += HARD.get(to[1:], {}).get(command[:4], ALL[command[:4]])
            while answers:
                size = chance.randint(1, len(answers)) if cut else len(answers)
                desk.line.data_received(answers[:size])
                answers = answers[size:]
            turns += 1
        told.append((desk.wrote, desk.said))
        assert cut or desk.pieces <= turns  # what follows an answer goes out in one piece
    assert told[0] == told[1]
    assert told[0][1] == {name: {"hard@b.example": "refused", "late@b.example": "deferred"}.get(name[1:], "sent") for name in names}
