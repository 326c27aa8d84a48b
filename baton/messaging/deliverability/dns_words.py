"""What the checks of a sending domain are called, and what each finding means for people."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

# ruff: noqa: E501  # sentences, one a line

LABELS: dict[str, str | Promise] = {
    "from": _("The domain itself"),
    "spf": _("SPF: who may send"),
    "dkim": _("DKIM: the signature"),
    "dmarc": _("DMARC: what holds for the domain"),
    "rdns": _("The name of the sending server"),
    "bounce": _("Where bounces go"),
    "tracking": _("The name in links"),
    "unsubscribe": _("One-click unsubscribe"),
}
WORDS: dict[str, str | Promise] = {
    "silent": _("The DNS did not answer ({question}). Nothing is known; look again."),
    "from_ok": _("The domain can be answered to."),
    "from_nothing": _("The domain has neither MX nor an address: receivers turn mail from it away, because nobody could answer."),
    "spf_ok": _("{host} lets our mail server send."),
    "spf_none": _("{host} has no SPF record. Gmail and Yahoo ask for one."),
    "spf_many": _("{host} has several SPF records; receivers then ignore all of them. Keep one."),
    "spf_missing": _("The SPF record of {host} does not name {missing}, where our mail comes from."),
    "spf_all": _("The SPF record of {host} lets everybody send (+all)."),
    "spf_lookups": _("The SPF record of {host} needs {term} questions to the DNS; receivers stop after 10."),
    "spf_dead": _("The SPF record of {host} names {term}, which has no SPF record."),
    "spf_syntax": _("Receivers cannot read {term} in the SPF record of {host}."),
    "spf_other": _("{host} belongs to another organisation than {domain}, so SPF proves nothing for DMARC; DKIM has to."),
    "spf_unseen": _(
        "The record of {host} reads well. From which address mail leaves cannot be seen from here: the relay has none of its own on the internet. Enter it at the transport."
    ),
    "dkim_ok": _("{selector} signs, and its key is in the DNS."),
    "dkim_ready": _("The key of {selector} is in the DNS. It can be put to use."),
    "dkim_none": _("{selector} signs, but its key is not in the DNS: receivers see a broken signature."),
    "dkim_new": _("The key of {selector} is not in the DNS yet. Nothing is signed by it before."),
    "dkim_other": _("The DNS has another key under {selector}."),
    "dkim_no_key": _("The domain has no key: its mails are not signed."),
    "dmarc_ok": _("Mail that proves nothing is not let in ({policy})."),
    "dmarc_watching": _(
        "The record is there and asks receivers to do nothing (p=none): enough for Gmail and Yahoo. When the reports show only your own senders, quarantine protects your name."
    ),
    "dmarc_none": _("{domain} has no DMARC record. Gmail asks for one of those who send 5,000 mails a day, Outlook.com too."),
    "dmarc_many": _("{name} has several DMARC records; receivers then ignore all of them."),
    "dmarc_broken": _("The DMARC record at {name} has no valid policy (p=)."),
    "dmarc_reports": _("The record is there, but its reports do not come to Baton ({reports})."),
    "rdns_ok": _("The sending server has a name, and the name leads back to it."),
    "rdns_provider": _("The provider sees to the names of its servers."),
    "rdns_broken": _("{ip} has no name, or one that does not lead back to it. Gmail turns its mail away. Whoever runs the network sets the PTR record."),
    "rdns_unseen": _("From which address mail leaves cannot be seen from here: the relay has none of its own on the internet. Enter it at the transport."),
    "bounce_ok": _("Bounces and reports of {host} come to Baton."),
    "bounce_mailbox": _("Bounces of {host} go to a mailbox that Baton reads."),
    "bounce_off": _("Bounces go to the address of the sender, where Baton does not see them. Give them a host of their own, such as {host}."),
    "bounce_none": _("{host} has no MX record: bounces are lost, and receivers doubt mail whose return path does not exist."),
    "bounce_nowhere": _("The MX record of {host} leads to no server."),
    "bounce_elsewhere": _("Mail to {host} does not go to {here}. It should, unless that server hands it on to Baton."),
    "tracking_ok": _("Links of {host} come to Baton."),
    "tracking_here": _("Links carry the name of this Baton ({host})."),
    "tracking_off": _(
        "Links carry the name {host}, which is not of this domain. With a name of your own, such as {domain}, others' mistakes do not count against you."
    ),
    "tracking_none": _("{host} is not in the DNS: links in mails lead nowhere."),
    "tracking_elsewhere": _("{host} does not lead to {here}: links in mails go somewhere else."),
    "unsubscribe_ok": _("Every marketing mail has both headers, and they are signed."),
    "unsubscribe_http": _("The address to unsubscribe is not https, so Gmail and Yahoo do not take it for one-click. Set BATON_BASE_URL, or a name for links."),
    "unsubscribe_unsigned": _("Both headers are there, but nothing is signed; Gmail wants them covered by a signature."),
}
STATES: dict[str, str | Promise] = {"ok": _("In order"), "warn": _("Could be better"), "bad": _("Needs a look"), "unknown": _("Not known")}


def told(why: str, about: dict[str, str]) -> str:
    """A finding in words."""
    return str(WORDS[why]).format(**about)
