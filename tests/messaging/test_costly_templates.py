"""What people write in a mail is a program: whatever it does, it is refused or done in no time, and says at which field."""

import time

import pytest

from baton.messaging.mail import frame, letters, render
from baton.messaging.mail.sandbox import STEPS
from baton.messaging.models import Email
from baton.platform.errors import Invalid
from tests.messaging.conftest import person

SECONDS = 2.0  # each of these took from seconds to for ever; they take some hundredths
TEXT = "{% set x = 'x'|center(900) %}"
GROW = "".join(f"{{% set a{n + 1} = [a{n}, a{n}] %}}{{% set b{n + 1} = (b{n}, b{n}) %}}" for n in range(40))
BOMBS = {
    "loops": "{% for a in range(1000) %}{% for b in range(1000) %}{% for c in range(1000) %}{% endfor %}{% endfor %}{% endfor %}",
    "text in loops": "{% for a in range(1000) %}{% for b in range(19) %}" + "x" * 5000 + "{% endfor %}{% endfor %}",
    "macros": "{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(60) }}",
    "for ever": "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
    "recursive": "{% for a in [1, 2] recursive %}{{ loop([1, 2]) }}{% endfor %}",
    "replace": TEXT + "{% set y = x|replace(' ', x)|replace(' ', x)|replace(' ', x)|replace(' ', x) %}{{ y|length }}",
    "method replace": TEXT + "{% set y = x.replace(' ', x).replace(' ', x).replace(' ', x) %}{{ y|length }}",
    "nothing replaced": TEXT + "{{ x|replace('', x)|replace('', x)|replace('', x)|length }}",
    "join": TEXT + "{% set y = range(1000)|join(x) %}{{ range(1000)|join(y)|length }}",
    "method join": TEXT + "{{ x.join(x).join(x).join(x)|length }}",
    "format": TEXT + "{% set f = '%s' ~ '%s' * 1 %}{{ ('{0}' ~ '{0}' ~ '{0}').format(x).format(x) }}{{ ('%s' ~ x).replace(' ', '%s') % x }}",
    "placeholders": TEXT + "{% set f = x|replace(' ', '{0}') %}{% set y = f.format(f) %}{% set z = f.format(y) %}{{ f.format(z)|length }}",
    "lists": "{% set a0 = 'x' %}{% set b0 = 'x' %}" + GROW + "{{ a40 == b40 }}{{ {b40: 1} }}{{ a40 }}",
    "adding": "{% set a = range(1000)|list %}" + "{% set a = a + a %}" * 30,
    "sum": "{% set a = range(1000)|list %}{% set b = range(1000)|map('string')|list %}{{ [" + "a, " * 22 + "]|sum(start=[]) }}",
    "map": "{% for a in range(1000) %}{{ range(1000)|map('upper')|list|length }}{% endfor %}",
    "lazy": "{% for a in range(1000) %}{% for b in range(1000)|map('upper')|select %}{% endfor %}{% endfor %}",
    "sort": "{% for a in range(1000) %}{{ range(1000)|list|sort|length }}{% endfor %}",
    "bytes": "{{ (5).to_bytes(1000000000, 'big')|length }}",
    "indent": TEXT + "{{ x|replace(' ', '\n')|indent(x)|length }}" * 3 + "{{ [1]|tojson(indent=1000000000) }}",
    "tags": TEXT + "{% set y = x|replace(' ', '<a>'|center(100)) %}" + "{{ y|striptags }}" * 300,
    "padding": "{{ 'x'|center(100000000) }}{{ '%99999999d' % 1 }}{{ '{:99999999}'.format(1) }}{{ 10 ** 100000000 }}{{ 'x' * 100000000 }}",
    "set blocks": "{% set a %}" + "x" * 900 + "{% endset %}" + "{% set a %}{{ a }}{{ a }}{{ a }}{% endset %}" * 20,
    "values": "{% for a in range(1000) %}{% for b in range(19) %}{{ contact.note }}{% endfor %}{% endfor %}",
}


@pytest.mark.parametrize("source", BOMBS.values(), ids=BOMBS)
def test_a_template_that_costs_too_much_is_refused_at_its_field(source: str) -> None:
    started = time.process_time()
    with pytest.raises(Invalid) as refused:
        render.check(subject="{{ contact.firstname }}", body=source)
    assert [problem.path for problem in refused.value.problems] == ["body"]
    assert time.process_time() - started < SECONDS


@pytest.mark.parametrize(
    "source",
    [
        "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}", "{% if 1 %}" * 1000 + "{% endif %}" * 1000,
        "{% for a in [1] %}" * 30 + "{% endfor %}" * 30, "{{ " + "9" * 5000 + " }}",
    ],
    ids=["brackets", "conditions", "loops", "digits"],
)  # fmt: skip
def test_what_lies_in_one_another_without_end_is_a_fault_of_the_template(source: str) -> None:
    with pytest.raises(Invalid) as refused:
        render.check(subject=source, body="fine")
    assert refused.value.problems[0].path == "subject"
    with pytest.raises(Invalid):
        render.value(source, {})


def test_what_mails_do_costs_nothing_to_speak_of() -> None:
    rows = "{% for row in range(200) %}<tr><td>{{ loop.index }}</td><td>{{ contact.firstname|default('고객')|upper|truncate(20) }}</td></tr>{% endfor %}"
    joined = "{{ ['a', 'b']|join(', ') }}{{ '%s / %s' % ('a', 12345) }}{{ '{} {}'.format('a', 'b') }}{{ contact.note|replace('\n', ', ')|truncate(2000) }}"
    render.check(subject="{{ contact.firstname|title }}", body=rows + joined, text=rows)
    assert render.line("{{ 'ab'|center(6) ~ [1, 2]|sum }}{% for a in (1, 2) %}{{ a }}{{ loop.length }}{% endfor %}", {}) == "ab 31222"


@pytest.mark.django_db
def test_a_person_whose_values_make_a_mail_costly_is_left_out_and_the_others_get_theirs(email: Email) -> None:
    """Each person has his own steps; all parts of his mail share them."""
    many = " ".join("x" * 30 for _ in range(300))
    costly, usual = person("a@gaon.example", jobtitle=many), person("b@gaon.example", jobtitle="x y")
    words = "{% for a in contact.jobtitle.split() %}{% for b in contact.jobtitle.split() %}{{ a[:1] }}{% endfor %}{% endfor %}"
    email.subject, email.body, email.text = "{{ contact.jobtitle|truncate(10) }}", f"<p>{words}</p>", ""
    started = time.process_time()
    first, second = letters.written(frame.of(email), [letters.Recipient(costly, 1), letters.Recipient(usual, 2)])
    assert time.process_time() - started < SECONDS
    assert f"{STEPS:,}" in first.problem
    assert (first.content, second.problem) == (b"", "")
    assert "<p>xyxy</p>" in second.html.replace("xxyy", "xyxy")
    shown, fine = render.mail(email, [costly, usual])
    assert (bool(shown.problem), fine.problem) == (True, "")
