"""Properties and pipelines in the words of versions 1 and 2, which taps still read their schemas from."""

from typing import Any

from django.http import HttpRequest
from ninja import Router

from baton.api.auth import Needs
from baton.api.errors import Failure
from baton.api.hubspot import kinds, properties
from baton.api.hubspot.kinds import NeedsType
from baton.api.hubspot.legacy import ms
from baton.api.hubspot.pipelines import metadata
from baton.crm import pipelines, types
from baton.platform.errors import NotFound

router = Router(tags=["versions 1 and 2"])
READ = NeedsType("read")
Shape = dict[str, Any]


@router.get("/companies/v2/properties", auth=Needs("schemas.read", "companies.read"), response=list[Shape], summary="Properties of companies")
def of_companies(request: HttpRequest) -> list[Shape]:
    """The properties of companies as a bare list."""
    return properties.every(types.get("company"))


@router.get("/properties/v1/{object_type}/properties", auth=READ, response=list[Shape], summary="Properties (v1)")
def listed(request: HttpRequest, object_type: str) -> list[Shape]:
    """The properties of an object type as a bare list."""
    return _all(object_type)


@router.get("/properties/v1/{object_type}/properties/named/{name}", auth=READ, response=Shape, summary="One property (v1)")
def named(request: HttpRequest, object_type: str, name: str) -> Shape:
    """One property."""
    found = next((row for row in _all(object_type) if row["name"] == name), None)
    if found is None:
        raise NotFound(name)
    return found


@router.get("/properties/v2/{object_type}/properties", auth=READ, response=list[Shape], summary="Properties (v2)")
def listed_again(request: HttpRequest, object_type: str) -> list[Shape]:
    """The same."""
    return _all(object_type)


def _all(object_type: str) -> list[Shape]:
    if kinds.lacking(object_type) or object_type in ("form", "forms"):
        return []
    return properties.every(kinds.of(object_type))


@router.get("/deals/v1/pipelines", auth=Needs("schemas.read", "deals.read"), response=list[Shape], summary="Pipelines of deals (v1)")
def of_deals(request: HttpRequest) -> list[Shape]:
    """The pipelines of deals as a bare list."""
    return [
        {
            "pipelineId": way.key,
            "label": pipelines.label(way),
            "active": True,
            "displayOrder": way.position,
            "staticDefault": way.key == "default",
            "stages": [
                {
                    "stageId": stage.key,
                    "label": pipelines.label(stage),
                    "probability": stage.probability,
                    "active": True,
                    "displayOrder": stage.position,
                    "closedWon": stage.closed and stage.probability == 1,
                }
                for stage in way.stages_in_order  # type: ignore[attr-defined]
            ],
        }
        for way in pipelines.pipelines("deal")
    ]


@router.get("/crm-pipelines/v1/pipelines/{object_type}", auth=READ, response=Shape, summary="Pipelines (v1)")
def ways(request: HttpRequest, object_type: str) -> Shape:
    """The pipelines of deals or tickets."""
    kind = kinds.of(object_type)
    if not kind.stage_property:
        raise Failure(400, "VALIDATION_ERROR", f"Objects of type {kind.key.upper()} have no pipelines.")
    rows = [
        {
            "pipelineId": way.key,
            "label": pipelines.label(way),
            "displayOrder": way.position,
            "active": True,
            "objectType": kind.key.upper(),
            "objectTypeId": kind.type_id,
            "default": number == 0,
            "createdAt": ms(way.created_at),
            "updatedAt": ms(way.updated_at),
            "stages": [
                {
                    "stageId": stage.key,
                    "label": pipelines.label(stage),
                    "displayOrder": stage.position,
                    "active": True,
                    "createdAt": ms(stage.created_at),
                    "updatedAt": ms(stage.updated_at),
                    "metadata": metadata(kind, stage),
                }
                for stage in way.stages_in_order  # type: ignore[attr-defined]
            ],
        }
        for number, way in enumerate(pipelines.pipelines(kind.key))
    ]
    return {"results": rows}
