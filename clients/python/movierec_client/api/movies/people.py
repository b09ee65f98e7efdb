from http import HTTPStatus
from typing import Any

import httpx

from ...client import AuthenticatedClient, Client
from ...models.people_certificate import PeopleCertificate
from ...models.people_country import PeopleCountry
from ...models.people_page import PeoplePage
from ...models.people_response_default import PeopleResponseDefault
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    age_limit: int | Unset = UNSET,
    certificate: PeopleCertificate | Unset = UNSET,
    country: PeopleCountry | Unset = UNSET,
    cursor: str | Unset = "0",
    page_size: int | Unset = 50,
    search: str | Unset = "",
    user_id: str | Unset = UNSET,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    params["age_limit"] = age_limit

    json_certificate: str | Unset = UNSET
    if not isinstance(certificate, Unset):
        json_certificate = certificate.value

    params["certificate"] = json_certificate

    json_country: str | Unset = UNSET
    if not isinstance(country, Unset):
        json_country = country.value

    params["country"] = json_country

    params["cursor"] = cursor

    params["page_size"] = page_size

    params["search"] = search

    params["user_id"] = user_id

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/people",
        "params": params,
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> PeoplePage | PeopleResponseDefault:
    if response.status_code == 200:
        response_200 = PeoplePage.from_dict(response.json())

        return response_200

    response_default = PeopleResponseDefault.from_dict(response.json())

    return response_default


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[PeoplePage | PeopleResponseDefault]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    age_limit: int | Unset = UNSET,
    certificate: PeopleCertificate | Unset = UNSET,
    country: PeopleCountry | Unset = UNSET,
    cursor: str | Unset = "0",
    page_size: int | Unset = 50,
    search: str | Unset = "",
    user_id: str | Unset = UNSET,
) -> Response[PeoplePage | PeopleResponseDefault]:
    """Directors and actors, a page at a time.

     Directors and actors, a page at a time.

    Args:
        age_limit (int | Unset):
        certificate (PeopleCertificate | Unset):
        country (PeopleCountry | Unset):
        cursor (str | Unset):  Default: '0'.
        page_size (int | Unset):  Default: 50.
        search (str | Unset):  Default: ''.
        user_id (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[PeoplePage | PeopleResponseDefault]
    """

    kwargs = _get_kwargs(
        age_limit=age_limit,
        certificate=certificate,
        country=country,
        cursor=cursor,
        page_size=page_size,
        search=search,
        user_id=user_id,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
    age_limit: int | Unset = UNSET,
    certificate: PeopleCertificate | Unset = UNSET,
    country: PeopleCountry | Unset = UNSET,
    cursor: str | Unset = "0",
    page_size: int | Unset = 50,
    search: str | Unset = "",
    user_id: str | Unset = UNSET,
) -> PeoplePage | PeopleResponseDefault | None:
    """Directors and actors, a page at a time.

     Directors and actors, a page at a time.

    Args:
        age_limit (int | Unset):
        certificate (PeopleCertificate | Unset):
        country (PeopleCountry | Unset):
        cursor (str | Unset):  Default: '0'.
        page_size (int | Unset):  Default: 50.
        search (str | Unset):  Default: ''.
        user_id (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        PeoplePage | PeopleResponseDefault
    """

    return sync_detailed(
        client=client,
        age_limit=age_limit,
        certificate=certificate,
        country=country,
        cursor=cursor,
        page_size=page_size,
        search=search,
        user_id=user_id,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    age_limit: int | Unset = UNSET,
    certificate: PeopleCertificate | Unset = UNSET,
    country: PeopleCountry | Unset = UNSET,
    cursor: str | Unset = "0",
    page_size: int | Unset = 50,
    search: str | Unset = "",
    user_id: str | Unset = UNSET,
) -> Response[PeoplePage | PeopleResponseDefault]:
    """Directors and actors, a page at a time.

     Directors and actors, a page at a time.

    Args:
        age_limit (int | Unset):
        certificate (PeopleCertificate | Unset):
        country (PeopleCountry | Unset):
        cursor (str | Unset):  Default: '0'.
        page_size (int | Unset):  Default: 50.
        search (str | Unset):  Default: ''.
        user_id (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[PeoplePage | PeopleResponseDefault]
    """

    kwargs = _get_kwargs(
        age_limit=age_limit,
        certificate=certificate,
        country=country,
        cursor=cursor,
        page_size=page_size,
        search=search,
        user_id=user_id,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    age_limit: int | Unset = UNSET,
    certificate: PeopleCertificate | Unset = UNSET,
    country: PeopleCountry | Unset = UNSET,
    cursor: str | Unset = "0",
    page_size: int | Unset = 50,
    search: str | Unset = "",
    user_id: str | Unset = UNSET,
) -> PeoplePage | PeopleResponseDefault | None:
    """Directors and actors, a page at a time.

     Directors and actors, a page at a time.

    Args:
        age_limit (int | Unset):
        certificate (PeopleCertificate | Unset):
        country (PeopleCountry | Unset):
        cursor (str | Unset):  Default: '0'.
        page_size (int | Unset):  Default: 50.
        search (str | Unset):  Default: ''.
        user_id (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        PeoplePage | PeopleResponseDefault
    """

    return (
        await asyncio_detailed(
            client=client,
            age_limit=age_limit,
            certificate=certificate,
            country=country,
            cursor=cursor,
            page_size=page_size,
            search=search,
            user_id=user_id,
        )
    ).parsed
