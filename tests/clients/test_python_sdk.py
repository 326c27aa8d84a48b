"""The Python SDK (hubspot-api-client): create, read, change, search, batches, links, pipelines, owners, properties, lists."""

import json
from types import SimpleNamespace
from typing import Any

import pytest
from hubspot import HubSpot, communication_preferences
from hubspot.crm import associations as links
from hubspot.crm import companies, contacts, deals, pipelines, properties, tickets
from hubspot.crm import lists as list_api
from hubspot.crm.associations.v4 import schema as link_schema
from hubspot.crm.associations.v4.models import AssociationSpec
from hubspot.marketing import emails as mails
from hubspot.marketing import transactional

from tests.clients import cast

pytestmark = pytest.mark.filterwarnings("ignore")  # of the client's own making


@pytest.fixture(scope="module")
def client(baton: SimpleNamespace) -> Any:
    return HubSpot(access_token=baton.token, host=baton.url)


def test_every_contact_is_met_once_however_many_pages_there_are(client: Any, baton: SimpleNamespace) -> None:
    found = client.crm.contacts.get_all(properties=["email", "hubspot_owner_id", "lifecyclestage"], associations=["companies"])
    mine = [one for one in found if one.properties["email"].endswith(".example") and one.properties["email"].startswith("p")]
    assert sorted(int(one.id) for one in mine) == baton.contacts
    assert mine[0].properties["lifecyclestage"] == "marketingqualifiedlead"
    assert mine[0].properties["hubspot_owner_id"] == str(baton.sales)
    assert {row.type for row in mine[0].associations["companies"].results} == {"contact_to_company", "contact_to_company_unlabeled"}


def test_a_contact_lives_and_ends(client: Any) -> None:
    api = client.crm.contacts.basic_api
    made = api.create(contacts.SimplePublicObjectInputForCreate(properties={"email": "Neu@Sdk.example", "firstname": "Neu"}, associations=[]))
    assert made.properties["email"] == "neu@sdk.example"
    with pytest.raises(contacts.exceptions.ApiException) as taken:
        api.create(contacts.SimplePublicObjectInputForCreate(properties={"email": "neu@sdk.example"}, associations=[]))
    assert taken.value.status == 409
    assert json.loads(taken.value.body)["message"] == f"Contact already exists. Existing ID: {made.id}"
    changed = api.update(made.id, contacts.SimplePublicObjectInput(properties={"lastname": "Mensch", "numberofemployees": "12"}))
    assert changed.properties["lastname"] == "Mensch"
    read = api.get_by_id("neu@sdk.example", id_property="email", properties=["lastname", "numberofemployees"], properties_with_history=["lastname"])
    assert read.id == made.id
    assert read.properties["numberofemployees"] == "12"
    assert [entry.value for entry in read.properties_with_history["lastname"]] == ["Mensch"] or read.properties_with_history["lastname"][0].value == "Mensch"
    assert read.created_at.tzinfo is not None
    api.archive(made.id)
    with pytest.raises(contacts.exceptions.ApiException) as gone:
        api.get_by_id(made.id)
    assert gone.value.status == 404


def test_faults_come_as_its_users_parse_them(client: Any, baton: SimpleNamespace) -> None:
    with pytest.raises(contacts.exceptions.ApiException) as wrong:
        client.crm.contacts.basic_api.update(str(baton.contacts[0]), contacts.SimplePublicObjectInput(properties={"email": "nonsense", "nix": "1"}))
    body = json.loads(wrong.value.body)
    assert (wrong.value.status, body["category"]) == (400, "VALIDATION_ERROR")
    listed = json.loads(body["message"].removeprefix("Property values were not valid: "))
    assert {row["name"]: row["error"] for row in listed} == {"email": "INVALID_EMAIL", "nix": "PROPERTY_DOESNT_EXIST"}
    with pytest.raises(contacts.exceptions.ApiException) as unauthorized:
        HubSpot(access_token="bat_no", host=baton.url).crm.contacts.basic_api.get_page()
    assert unauthorized.value.status == 401


def test_many_contacts_at_once(client: Any) -> None:
    api = client.crm.contacts.batch_api
    inputs = [contacts.SimplePublicObjectBatchInputForCreate(properties={"email": f"b{n}@batch.example"}, associations=[]) for n in range(100)]
    made = api.create(contacts.BatchInputSimplePublicObjectBatchInputForCreate(inputs=inputs))
    assert len(made.results) == 100
    some = [contacts.SimplePublicObjectBatchInput(id=one.id, properties={"firstname": "Batch"}) for one in made.results[:50]]
    assert {one.properties["firstname"] for one in api.update(contacts.BatchInputSimplePublicObjectBatchInput(inputs=some)).results} == {"Batch"}
    upserts = [contacts.SimplePublicObjectBatchInputUpsert(id=f"b{n}@batch.example", id_property="email", properties={"lastname": "U"}) for n in range(98, 102)]
    assert [one.new for one in api.upsert(contacts.BatchInputSimplePublicObjectBatchInputUpsert(inputs=upserts)).results] == [False, False, True, True]
    read = api.read(
        contacts.BatchReadInputSimplePublicObjectId(
            inputs=[contacts.SimplePublicObjectId(id=f"b{n}@batch.example") for n in (1, 99)],
            id_property="email",
            properties=["firstname", "lastname"],
            properties_with_history=[],
        )
    )
    assert {(one.properties["firstname"], one.properties["lastname"]) for one in read.results} == {("Batch", None), (None, "U")}
    missing = api.read(
        contacts.BatchReadInputSimplePublicObjectId(
            inputs=[contacts.SimplePublicObjectId(id=made.results[0].id), contacts.SimplePublicObjectId(id="999999999")],
            properties=[],
            properties_with_history=[],
        )
    )
    assert len(missing.results) == 1
    assert missing.num_errors == 1
    api.archive(contacts.BatchInputSimplePublicObjectId(inputs=[contacts.SimplePublicObjectId(id=one.id) for one in made.results]))
    assert not [one for one in client.crm.contacts.get_all(properties=["email"]) if one.properties["email"].startswith(("b0@", "b50@", "b99@"))]


def test_a_search_finds_sorts_and_pages(client: Any) -> None:
    api = client.crm.companies.search_api
    more_than = companies.Filter(property_name="numberofemployees", operator="GT", value="200")
    asked = companies.PublicObjectSearchRequest(
        filter_groups=[companies.FilterGroup(filters=[more_than])],
        properties=["name", "numberofemployees"],
        sorts=[{"propertyName": "numberofemployees", "direction": "DESCENDING"}],
        limit=10,
        after="0",
    )
    first = api.do_search(asked)
    assert first.total == cast.COMPANIES - 21
    assert [int(one.properties["numberofemployees"]) for one in first.results[:3]] == [440, 430, 420]
    asked.after = first.paging.next.after
    assert int(api.do_search(asked).results[0].properties["numberofemployees"]) == 340
    by_word = client.crm.contacts.search_api.do_search(contacts.PublicObjectSearchRequest(query="p007", limit=5, sorts=[], properties=[], filter_groups=[]))
    assert [one.properties["email"] for one in by_word.results] == ["p007@c7.example"]


def test_deals_go_through_stages_and_are_linked(client: Any, baton: SimpleNamespace) -> None:
    spec = deals.AssociationSpec(association_category="HUBSPOT_DEFINED", association_type_id=3)
    to = deals.PublicAssociationsForObject(to=deals.PublicObjectId(id=str(baton.contacts[5])), types=[spec])
    made = client.crm.deals.basic_api.create(
        deals.SimplePublicObjectInputForCreate(properties={"dealname": "SDK", "amount": "1500", "closedate": "2026-12-01"}, associations=[to])
    )
    assert (made.properties["pipeline"], made.properties["dealstage"]) == ("default", "appointmentscheduled")
    won = client.crm.deals.basic_api.update(made.id, deals.SimplePublicObjectInput(properties={"dealstage": "closedwon"}))
    assert won.properties["dealstage"] == "closedwon"
    read = client.crm.deals.basic_api.get_by_id(made.id, properties=["hs_is_closed_won", "hs_v2_date_entered_closedwon"], associations=["contacts"])
    assert read.properties["hs_is_closed_won"] == "true"
    assert read.properties["hs_v2_date_entered_closedwon"]
    assert [row.id for row in read.associations["contacts"].results] == [str(baton.contacts[5])]
    with pytest.raises(deals.exceptions.ApiException) as wrong:
        client.crm.deals.basic_api.update(made.id, deals.SimplePublicObjectInput(properties={"dealstage": "nowhere"}))
    assert "is not a valid pipeline stage ID" in wrong.value.body
    client.crm.deals.basic_api.archive(made.id)


def test_links_with_labels(client: Any, baton: SimpleNamespace) -> None:
    api, contact, company = client.crm.associations.v4.basic_api, str(baton.contacts[20]), str(baton.companies[3])
    api.create_default("contact", contact, "company", company)
    found = {str(row.to_object_id): [kind.type_id for kind in row.association_types] for row in api.get_page("contact", contact, "company").results}
    assert found[company] == [279]
    label = client.crm.associations.v4.schema.definitions_api.create(
        "contact", "company", link_schema.PublicAssociationDefinitionCreateRequest(label="Adviser", name="adviser", inverse_label="Advised by")
    )
    number = next(one.type_id for one in label.results if one.label == "Adviser")
    api.create("contact", contact, "company", company, [AssociationSpec(association_category="USER_DEFINED", association_type_id=number)])
    found = {str(row.to_object_id): {kind.label for kind in row.association_types} for row in api.get_page("contact", contact, "company").results}
    assert "Adviser" in found[company]
    api.archive("contact", contact, "company", company)
    assert company not in {str(row.to_object_id) for row in api.get_page("contact", contact, "company").results}
    old = client.crm.associations.batch_api.read(
        "companies", "contacts", links.BatchInputPublicObjectId(inputs=[links.PublicObjectId(id=str(baton.companies[0]))])
    )
    assert len(old.results[0].to) >= cast.CONTACTS // cast.COMPANIES


def test_owners_are_the_colleagues(client: Any, baton: SimpleNamespace) -> None:
    owners = {owner.email: owner for owner in client.crm.owners.get_all()}
    assert owners["han@nuriwork.example"].id == str(baton.sales)
    assert (owners["han@nuriwork.example"].first_name, owners["han@nuriwork.example"].last_name) == ("도윤", "한")
    assert owners["anna@nuriwork.example"].last_name == "Berg"
    assert owners["han@nuriwork.example"].teams[0].name == "영업"
    assert client.crm.owners.owners_api.get_by_id(baton.other).email == "anna@nuriwork.example"


def test_pipelines_and_stages(client: Any) -> None:
    api = client.crm.pipelines.pipelines_api
    default = next(one for one in api.get_all("deals").results if one.id == "default")
    assert [(stage.id, stage.metadata["probability"]) for stage in default.stages] == [
        ("appointmentscheduled", "0.2"), ("qualifiedtobuy", "0.4"), ("presentationscheduled", "0.6"), ("decisionmakerboughtin", "0.8"),
        ("contractsent", "0.9"), ("closedwon", "1.0"), ("closedlost", "0.0"),
    ]  # fmt: skip
    assert [(stage.id, stage.metadata["ticketState"]) for stage in api.get_by_id("tickets", "0").stages] == [
        ("1", "OPEN"), ("2", "OPEN"), ("3", "OPEN"), ("4", "CLOSED"),
    ]  # fmt: skip
    stages = [
        pipelines.PipelineStageInput(label=label, display_order=n, metadata={"probability": p}) for n, (label, p) in enumerate((("In", "0.1"), ("Out", "1.0")))
    ]
    made = api.create("deals", pipelines.PipelineInput(label="Partner", display_order=1, stages=stages))
    assert [stage.label for stage in made.stages] == ["In", "Out"]
    assert made.stages[1].metadata["isClosed"] == "true"
    stage = client.crm.pipelines.pipeline_stages_api.create(
        "deals", made.id, pipelines.PipelineStageInput(label="Between", display_order=1, metadata={"probability": "0.5"})
    )
    changed = client.crm.pipelines.pipeline_stages_api.update("deals", made.id, stage.id, pipelines.PipelineStagePatchInput(label="Middle", metadata={}))
    assert (changed.label, changed.metadata["probability"]) == ("Middle", "0.5")
    assert api.update("deals", made.id, pipelines.PipelinePatchInput(label="Partners")).label == "Partners"
    assert client.crm.pipelines.pipeline_audits_api.get_audit("deals", made.id).results
    api.archive("deals", made.id)
    assert made.id not in {one.id for one in api.get_all("deals").results}


def test_properties_and_groups(client: Any) -> None:
    api = client.crm.properties.core_api
    names = {one.name for one in api.get_all("contacts").results}
    assert {"email", "hs_object_id", "lifecyclestage"} <= names
    client.crm.properties.groups_api.create("contacts", properties.PropertyGroupCreate(name="sdk", label="SDK", display_order=-1))
    options = [
        properties.OptionInput(label=label, value=value, display_order=n, hidden=False) for n, (label, value) in enumerate((("Red", "r"), ("Blue", "b")))
    ]
    made = api.create(
        "contacts",
        properties.PropertyCreate(name="colour", label="Colour", type="enumeration", field_type="checkbox", group_name="sdk", options=options),
    )
    assert [option.value for option in made.options] == ["r", "b"]
    assert made.created_at
    assert api.update("contacts", "colour", properties.PropertyUpdate(label="Colours")).label == "Colours"
    with pytest.raises(properties.exceptions.ApiException) as taken:
        api.create("contacts", properties.PropertyCreate(name="colour", label="C", type="string", field_type="text", group_name="sdk"))
    assert taken.value.status == 409
    contact = client.crm.contacts.basic_api.create(
        contacts.SimplePublicObjectInputForCreate(properties={"email": "c@colour.example", "colour": "b;r"}, associations=[])
    )
    assert contact.properties["colour"] == "r;b"
    client.crm.contacts.basic_api.archive(contact.id)
    api.archive("contacts", "colour")


def test_lists_are_filled_by_hand_and_by_filter(client: Any, baton: SimpleNamespace) -> None:
    api, members = client.crm.lists.lists_api, client.crm.lists.memberships_api
    made = api.create(list_api.ListCreateRequest(name="SDK fixed", object_type_id="0-1", processing_type="MANUAL")).list
    ids = [str(id) for id in baton.contacts[:3]]
    assert sorted(members.add(made.list_id, [*ids, "999999999"]).records_ids_added) == sorted(ids)
    assert [row.record_id for row in members.get_page(made.list_id).results] == ids
    assert members.remove(made.list_id, ids[:1]).record_ids_removed == ids[:1]
    found = api.do_search(list_api.ListSearchRequest(query="SDK fixed", offset=0, count=10, additional_properties=[], processing_types=[], list_ids=[]))
    assert [row.additional_properties["hs_list_size"] for row in found.lists] == ["2"]
    api.remove(made.list_id)


def test_tickets_and_whatever_api_request_reaches(client: Any, baton: SimpleNamespace) -> None:
    made = client.crm.tickets.basic_api.create(
        tickets.SimplePublicObjectInputForCreate(properties={"subject": "Help", "hs_pipeline_stage": "2", "hs_ticket_priority": "HIGH"}, associations=[])
    )
    assert (made.properties["hs_pipeline"], made.properties["hs_pipeline_stage"]) == ("0", "2")
    details = client.api_request({"path": "/account-info/v3/details", "base_url": baton.url})
    assert details.json()["portalId"] == baton.portal
    assert details.json()["timeZone"] == "Asia/Seoul"
    schemas = client.crm.schemas.core_api.get_all().results
    assert [one.fully_qualified_name for one in schemas] == [f"p{baton.portal}_contract"]
    objects = client.crm.objects.basic_api.get_page("contract", properties=["name"]).results
    assert [one.properties["name"] for one in objects] == ["계약 0", "계약 1", "계약 2"]


def test_who_subscribes_to_what(client: Any, baton: SimpleNamespace) -> None:
    api = client.communication_preferences
    [news] = api.definition_api.get_page().subscription_definitions
    assert (news.id, news.is_active, news.is_default) == (str(baton.news), True, True)
    email = "p001@c1.example"
    wanted = communication_preferences.PublicUpdateSubscriptionStatusRequest(
        email_address=email, subscription_id=news.id, legal_basis="CONSENT_WITH_NOTICE", legal_basis_explanation="Asked at the fair"
    )
    assert api.status_api.subscribe(wanted).status == "SUBSCRIBED"
    [one] = api.status_api.get_email_status(email).subscription_statuses
    assert (one.status, one.legal_basis, one.legal_basis_explanation) == ("SUBSCRIBED", "CONSENT_WITH_NOTICE", "Asked at the fair")
    assert api.status_api.unsubscribe(wanted).status == "NOT_SUBSCRIBED"
    all_of_it = f"/communication-preferences/v4/statuses/{email}/unsubscribe-all?channel=EMAIL"
    left = client.api_request({"path": f"{all_of_it}&verbose=true", "method": "POST", "base_url": baton.url})
    assert left.json()["results"][0]["status"] == "UNSUBSCRIBED"
    assert client.api_request({"path": all_of_it, "base_url": baton.url}).json()["results"][0]["wideStatusType"] == "PORTAL_WIDE"
    with pytest.raises(communication_preferences.exceptions.ApiException) as refused:
        api.status_api.subscribe(wanted)
    assert refused.value.status == 400


def test_a_mail_is_written_published_and_counted(client: Any, baton: SimpleNamespace) -> None:
    api = client.marketing.emails.marketing_emails_api
    made = api.create(mails.EmailCreateRequest(name="SDK", subject="하나", _from=mails.PublicEmailFromDetails(from_name="누리워크")))
    assert (made.name, made.state, made._from.from_name) == ("SDK", "DRAFT", "누리워크")
    assert api.update(made.id, mails.EmailUpdateRequest(subject="둘")).subject == "둘"
    assert api.get_by_id(made.id).subject == "둘"
    assert api.clone(mails.ContentCloneRequestVNext(id=made.id, clone_name="사본")).name == "사본"
    assert {one.id for one in api.get_page(limit=100).results} >= {made.id, str(baton.mail)}
    api.publish_or_send(made.id)
    assert [one.id for one in api.get_revisions(made.id).results] == ["1"]
    api.archive(made.id)
    stats = client.marketing.emails.statistics_api.get_emails_list(
        start_timestamp="2020-01-01T00:00:00Z", end_timestamp="2028-01-01T00:00:00Z", email_ids=[baton.mail]
    )
    assert (stats.aggregate.counters["sent"], stats.aggregate.counters["open"]) == (1, 2)


def test_one_mail_goes_to_one_person_once(client: Any, baton: SimpleNamespace) -> None:
    message = transactional.PublicSingleSendEmail(to="p000@c0.example", send_id="sdk-1")
    wanted = transactional.PublicSingleSendRequestEgg(email_id=baton.mail, message=message, contact_properties={}, custom_properties={})
    said = [client.marketing.transactional.single_send_api.send_email(wanted) for _ in range(2)]
    assert [one.send_result for one in said] == ["QUEUED", "IDEMPOTENT_IGNORE"]
    assert said[0].status_id == said[1].status_id
    wanted.message = transactional.PublicSingleSendEmail(to="p000@c0.example", send_id="sdk-2", reply_to=["help@nuriwork.example"], cc=["boss@y.example"])
    wanted.custom_properties = {"order": {"number": 7}}
    with pytest.raises(transactional.exceptions.ApiException) as refused:  # an advertisement has one receiver
        client.marketing.transactional.single_send_api.send_email(wanted)
    assert refused.value.status == 400
    wanted.message.cc = None
    assert client.marketing.transactional.single_send_api.send_email(wanted).send_result == "QUEUED"
