"""`/api/providers`: who treats."""

from __future__ import annotations

from litestar import Response, get, post, put
from litestar.params import FromQuery, JSONBody

from medstack.flows import schedule
from medstack.kit.bridge import call
from medstack.kit.ids import ProviderId, id_out
from medstack.people import Provider
from medstack.web.identity import Asked
from medstack.web.params import IdInPath, IfMatch, etag_out, path_id, revision_in
from medstack.web.wire import Page
from medstack.web.wire.schedule import (
    ProviderEdit,
    ProviderIn,
    ProviderOut,
    provider_changed,
    provider_out,
)

TAGS = ["providers"]


def _answer(provider: Provider) -> Response[ProviderOut]:
    return Response(provider_out(provider), headers={"ETag": etag_out(provider.revision)})


@post("/api/providers", tags=TAGS)
async def add_provider(request: Asked, data: JSONBody[ProviderIn]) -> Response[ProviderOut]:
    provider = await call(
        schedule.add_provider,
        request.house,
        request.actor,
        name=data.name,
        discipline=data.discipline,
        user_email=data.user_email,
    )
    location = f"/api/providers/{id_out(provider.id)}"
    headers = {"ETag": etag_out(provider.revision), "Location": location}
    return Response(provider_out(provider), status_code=201, headers=headers)


@get("/api/providers", tags=TAGS)
async def list_providers(request: Asked, archived: FromQuery[bool] = False) -> Page[ProviderOut]:
    """The practice's providers, by name."""
    found = await call(schedule.list_providers, request.house, request.actor, is_archived=archived)
    return Page(items=[provider_out(provider) for provider in found])


@get("/api/providers/{provider_id:str}", tags=TAGS)
async def get_provider(request: Asked, provider_id: IdInPath) -> Response[ProviderOut]:
    wanted = ProviderId(path_id(provider_id))
    return _answer(await call(schedule.get_provider, request.house, request.actor, wanted))


@put("/api/providers/{provider_id:str}", tags=TAGS, opt={"refusals": (412, 428)})
async def change_provider(
    request: Asked,
    provider_id: IdInPath,
    data: JSONBody[ProviderEdit],
    if_match: IfMatch = None,
) -> Response[ProviderOut]:
    """Change a provider. A field left out stays as it is."""
    provider = await call(
        schedule.change_provider,
        request.house,
        request.actor,
        ProviderId(path_id(provider_id)),
        lambda now: provider_changed(data, now),
        expected=revision_in(if_match),
    )
    return _answer(provider)


HANDLERS = (add_provider, list_providers, get_provider, change_provider)
