"""Link whoever walks with the company of his e-mail address, or with the deals, tickets or people of his company."""

from typing import Annotated, Literal

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from baton.automation import whom
from baton.automation.field import Input
from baton.automation.step import Batch, Step
from baton.crm import associations, employers
from baton.crm.associations import PRIMARY, Link
from baton.crm.models import AssociationLabel
from baton.platform.errors import DomainError, Problem

HOW = (
    ("domain", _("The company of the e-mail address")),
    ("company_deals", _("The deals of the main company")),
    ("company_tickets", _("The tickets of the main company")),
    ("company_contacts", _("The contacts of the main company")),
)
NEW = (("find", _("Only if there is one already")), ("create", _("Make the company if there is none")))


class Associate(Step):
    key = "associate"
    label = _("Link records")
    icon = "link"
    group = "record"
    objects = ("contact", "deal", "ticket")

    how: Annotated[Literal["domain", "company_deals", "company_tickets", "company_contacts"], Input("choice", _("With"), options=HOW)] = "domain"
    new: Annotated[Literal["find", "create"], Input("choice", _("Company"), options=NEW, shown_when=("how", "domain"))] = "find"
    main: Annotated[bool, Input("boolean", _("Make it the main company"), shown_when=("how", "domain"))] = True
    role: Annotated[str, Input("role", _("Role"), optional=True, empty=_("None"))] = ""

    def run(self, batch: Batch) -> None:
        links = self._by_address(batch) if self.how == "domain" else self._of_company(batch)
        flat = [(enrollment, link) for enrollment, some in links.items() for link in some]
        faults = dict(zip(flat, associations.link_many([link for _one, link in flat], actor=batch.actor), strict=True))
        for one in batch.standing:
            mine = links.get(one.enrollment_id, [])
            refused = [fault for link in mine if isinstance(fault := faults[one.enrollment_id, link], DomainError)]
            if not mine:
                batch.skip(one, gettext("There is nothing to link with."))
            elif len(refused) == len(mine):
                batch.skip(one, whom.said(refused))
            else:
                batch.note(one, linked=[link.to_id for link in mine][:20])

    def _by_address(self, batch: Batch) -> dict[int, list[Link]]:
        """Contacts' own addresses; a deal or ticket goes by the address of its first contact."""
        people = {enrollment: ids[0] for enrollment, ids in whom.targets(batch, "contact").items() if ids}
        companies = employers.of_address(set(people.values()), create=self.new == "create", actor=batch.actor)
        label = PRIMARY if self.main else self.role
        return {
            one.enrollment_id: [Link(batch.object_type, one.contact_id, "company", company, label)]
            for one in batch.standing
            if (company := companies.get(people.get(one.enrollment_id, 0))) is not None
        }

    def _of_company(self, batch: Batch) -> dict[int, list[Link]]:
        other = self.links_to()
        company = {enrollment: ids[0] for enrollment, ids in whom.targets(batch, "company").items() if ids}
        theirs = associations.linked(set(company.values()), other)
        return {
            one.enrollment_id: [
                Link(batch.object_type, one.contact_id, other, id, self.role)
                for id, _labels in theirs.get(company.get(one.enrollment_id, 0), [])
                if id != one.contact_id
            ]
            for one in batch.standing
        }

    def links_to(self) -> str:
        """The type of what it links with."""
        return "company" if self.how == "domain" else self.how.removeprefix("company_").removesuffix("s")

    def detail(self) -> str:
        return str(dict(HOW)[self.how])

    def problems(self) -> list[Problem]:
        other = self.links_to()
        if self.role and not AssociationLabel.objects.filter(from_type=self.object_type, to_type=other, name=self.role).exists():
            return [Problem("role", "NOT_FOUND", gettext("There is no such role between these records."))]
        return []
