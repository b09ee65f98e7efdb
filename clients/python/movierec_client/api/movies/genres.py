from http import HTTPStatus
from typing import Any

import httpx

from ...client import AuthenticatedClient, Client
from ...models.genres import Genres
from ...models.genres_certificate import GenresCertificate
from ...models.genres_country import GenresCountry
from ...models.genres_response_default import GenresResponseDefault
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    age_limit: int | Unset = UNSET,
    certificate: GenresCertificate | Unset = UNSET,
    country: GenresCountry | Unset = UNSET,
    language: str | Unset = UNSET,
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

    params["language"] = language

    params["user_id"] = user_id

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/genres",
        "params": params,
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Genres | GenresResponseDefault:
    if response.status_code == 200:
        response_200 = Genres.from_dict(response.json())

        return response_200

    response_default = GenresResponseDefault.from_dict(response.json())

    return response_default


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[Genres | GenresResponseDefault]:
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
    certificate: GenresCertificate | Unset = UNSET,
    country: GenresCountry | Unset = UNSET,
    language: str | Unset = UNSET,
    user_id: str | Unset = UNSET,
) -> Response[Genres | GenresResponseDefault]:
    """All genres, with how many films that are shown.

     All genres, with how many films that are shown.

    Args:
        age_limit (int | Unset):
        certificate (GenresCertificate | Unset):
        country (GenresCountry | Unset):
        language (str | Unset):
        user_id (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Genres | GenresResponseDefault]
    """

    kwargs = _get_kwargs(
        age_limit=age_limit,
        certificate=certificate,
        country=country,
        language=language,
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
    certificate: GenresCertificate | Unset = UNSET,
    country: GenresCountry | Unset = UNSET,
    language: str | Unset = UNSET,
    user_id: str | Unset = UNSET,
) -> Genres | GenresResponseDefault | None:
    """All genres, with how many films that are shown.

     All genres, with how many films that are shown.

    Args:
        age_limit (int | Unset):
        certificate (GenresCertificate | Unset):
        country (GenresCountry | Unset):
        language (str | Unset):
        user_id (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Genres | GenresResponseDefault
    """

    return sync_detailed(
        client=client,
        age_limit=age_limit,
        certificate=certificate,
        country=country,
        language=language,
        user_id=user_id,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    age_limit: int | Unset = UNSET,
    certificate: GenresCertificate | Unset = UNSET,
    country: GenresCountry | Unset = UNSET,
    language: str | Unset = UNSET,
    user_id: str | Unset = UNSET,
) -> Response[Genres | GenresResponseDefault]:
    """All genres, with how many films that are shown.

     All genres, with how many films that are shown.

    Args:
        age_limit (int | Unset):
        certificate (GenresCertificate | Unset):
        country (GenresCountry | Unset):
        language (str | Unset):
        user_id (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Genres | GenresResponseDefault]
    """

    kwargs = _get_kwargs(
        age_limit=age_limit,
        certificate=certificate,
        country=country,
        language=language,
        user_id=user_id,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    age_limit: int | Unset = UNSET,
    certificate: GenresCertificate | Unset = UNSET,
    country: GenresCountry | Unset = UNSET,
    language: str | Unset = UNSET,
    user_id: str | Unset = UNSET,
) -> Genres | GenresResponseDefault | None:
    """All genres, with how many films that are shown.

     All genres, with how many films that are shown.

    Args:
        age_limit (int | Unset):
        certificate (GenresCertificate | Unset):
        country (GenresCountry | Unset):
        language (str | Unset):
        user_id (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Genres | GenresResponseDefault
    """

    return (
        await asyncio_detailed(
            client=client,
            age_limit=age_limit,
            certificate=certificate,
            country=country,
            language=language,
            user_id=user_id,
        )
    ).parsed
