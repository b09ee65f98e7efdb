from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...models.movie_certificate import MovieCertificate
from ...models.movie_country import MovieCountry
from ...models.movie_details import MovieDetails
from ...models.movie_published import MoviePublished
from ...models.movie_response_default import MovieResponseDefault
from ...types import UNSET, Response, Unset


def _get_kwargs(
    movie_id: str,
    *,
    age_limit: int | Unset = UNSET,
    certificate: MovieCertificate | Unset = UNSET,
    country: MovieCountry | Unset = UNSET,
    language: str | Unset = UNSET,
    published: MoviePublished | Unset = MoviePublished.TRUE,
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

    json_published: str | Unset = UNSET
    if not isinstance(published, Unset):
        json_published = published.value

    params["published"] = json_published

    params["user_id"] = user_id

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/movies/{movie_id}".format(
            movie_id=quote(str(movie_id), safe=""),
        ),
        "params": params,
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> MovieDetails | MovieResponseDefault:
    if response.status_code == 200:
        response_200 = MovieDetails.from_dict(response.json())

        return response_200

    response_default = MovieResponseDefault.from_dict(response.json())

    return response_default


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[MovieDetails | MovieResponseDefault]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    movie_id: str,
    *,
    client: AuthenticatedClient,
    age_limit: int | Unset = UNSET,
    certificate: MovieCertificate | Unset = UNSET,
    country: MovieCountry | Unset = UNSET,
    language: str | Unset = UNSET,
    published: MoviePublished | Unset = MoviePublished.TRUE,
    user_id: str | Unset = UNSET,
) -> Response[MovieDetails | MovieResponseDefault]:
    """One film with its people. With published=any, and the scope catalog:write, a hidden one too.

     One film with its people. With published=any, and the scope catalog:write, a hidden one too.

    Args:
        movie_id (str):
        age_limit (int | Unset):
        certificate (MovieCertificate | Unset):
        country (MovieCountry | Unset):
        language (str | Unset):
        published (MoviePublished | Unset):  Default: MoviePublished.TRUE.
        user_id (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[MovieDetails | MovieResponseDefault]
    """

    kwargs = _get_kwargs(
        movie_id=movie_id,
        age_limit=age_limit,
        certificate=certificate,
        country=country,
        language=language,
        published=published,
        user_id=user_id,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    movie_id: str,
    *,
    client: AuthenticatedClient,
    age_limit: int | Unset = UNSET,
    certificate: MovieCertificate | Unset = UNSET,
    country: MovieCountry | Unset = UNSET,
    language: str | Unset = UNSET,
    published: MoviePublished | Unset = MoviePublished.TRUE,
    user_id: str | Unset = UNSET,
) -> MovieDetails | MovieResponseDefault | None:
    """One film with its people. With published=any, and the scope catalog:write, a hidden one too.

     One film with its people. With published=any, and the scope catalog:write, a hidden one too.

    Args:
        movie_id (str):
        age_limit (int | Unset):
        certificate (MovieCertificate | Unset):
        country (MovieCountry | Unset):
        language (str | Unset):
        published (MoviePublished | Unset):  Default: MoviePublished.TRUE.
        user_id (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        MovieDetails | MovieResponseDefault
    """

    return sync_detailed(
        movie_id=movie_id,
        client=client,
        age_limit=age_limit,
        certificate=certificate,
        country=country,
        language=language,
        published=published,
        user_id=user_id,
    ).parsed


async def asyncio_detailed(
    movie_id: str,
    *,
    client: AuthenticatedClient,
    age_limit: int | Unset = UNSET,
    certificate: MovieCertificate | Unset = UNSET,
    country: MovieCountry | Unset = UNSET,
    language: str | Unset = UNSET,
    published: MoviePublished | Unset = MoviePublished.TRUE,
    user_id: str | Unset = UNSET,
) -> Response[MovieDetails | MovieResponseDefault]:
    """One film with its people. With published=any, and the scope catalog:write, a hidden one too.

     One film with its people. With published=any, and the scope catalog:write, a hidden one too.

    Args:
        movie_id (str):
        age_limit (int | Unset):
        certificate (MovieCertificate | Unset):
        country (MovieCountry | Unset):
        language (str | Unset):
        published (MoviePublished | Unset):  Default: MoviePublished.TRUE.
        user_id (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[MovieDetails | MovieResponseDefault]
    """

    kwargs = _get_kwargs(
        movie_id=movie_id,
        age_limit=age_limit,
        certificate=certificate,
        country=country,
        language=language,
        published=published,
        user_id=user_id,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    movie_id: str,
    *,
    client: AuthenticatedClient,
    age_limit: int | Unset = UNSET,
    certificate: MovieCertificate | Unset = UNSET,
    country: MovieCountry | Unset = UNSET,
    language: str | Unset = UNSET,
    published: MoviePublished | Unset = MoviePublished.TRUE,
    user_id: str | Unset = UNSET,
) -> MovieDetails | MovieResponseDefault | None:
    """One film with its people. With published=any, and the scope catalog:write, a hidden one too.

     One film with its people. With published=any, and the scope catalog:write, a hidden one too.

    Args:
        movie_id (str):
        age_limit (int | Unset):
        certificate (MovieCertificate | Unset):
        country (MovieCountry | Unset):
        language (str | Unset):
        published (MoviePublished | Unset):  Default: MoviePublished.TRUE.
        user_id (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        MovieDetails | MovieResponseDefault
    """

    return (
        await asyncio_detailed(
            movie_id=movie_id,
            client=client,
            age_limit=age_limit,
            certificate=certificate,
            country=country,
            language=language,
            published=published,
            user_id=user_id,
        )
    ).parsed
