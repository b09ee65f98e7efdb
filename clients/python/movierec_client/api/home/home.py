import datetime
from http import HTTPStatus
from typing import Any

import httpx

from ...client import AuthenticatedClient, Client
from ...models.home_answer import HomeAnswer
from ...models.home_certificate import HomeCertificate
from ...models.home_country import HomeCountry
from ...models.problem import Problem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    actors: list[str] | Unset = UNSET,
    age_limit: int | Unset = UNSET,
    at: datetime.datetime | float | Unset = UNSET,
    certificate: HomeCertificate | Unset = UNSET,
    countries: list[str] | Unset = UNSET,
    country: HomeCountry | Unset = UNSET,
    details: bool | Unset = False,
    directors: list[str] | Unset = UNSET,
    exclude: str | Unset = UNSET,
    exclude_genres: list[str] | Unset = UNSET,
    genres: list[str] | Unset = UNSET,
    language: str | Unset = UNSET,
    languages: list[str] | Unset = UNSET,
    max_runtime: int | Unset = UNSET,
    max_year: int | Unset = UNSET,
    min_runtime: int | Unset = UNSET,
    min_year: int | Unset = UNSET,
    row_length: int | Unset = 12,
    rows: int | Unset = 8,
    user_id: int | str | Unset = UNSET,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    json_actors: list[str] | Unset = UNSET
    if not isinstance(actors, Unset):
        json_actors = actors

    params["actors"] = json_actors

    params["age_limit"] = age_limit

    json_at: float | str | Unset
    if isinstance(at, Unset):
        json_at = UNSET
    elif isinstance(at, datetime.datetime):
        json_at = at.isoformat()
    else:
        json_at = at
    params["at"] = json_at

    json_certificate: str | Unset = UNSET
    if not isinstance(certificate, Unset):
        json_certificate = certificate.value

    params["certificate"] = json_certificate

    json_countries: list[str] | Unset = UNSET
    if not isinstance(countries, Unset):
        json_countries = countries

    params["countries"] = json_countries

    json_country: str | Unset = UNSET
    if not isinstance(country, Unset):
        json_country = country.value

    params["country"] = json_country

    params["details"] = details

    json_directors: list[str] | Unset = UNSET
    if not isinstance(directors, Unset):
        json_directors = directors

    params["directors"] = json_directors

    params["exclude"] = exclude

    json_exclude_genres: list[str] | Unset = UNSET
    if not isinstance(exclude_genres, Unset):
        json_exclude_genres = exclude_genres

    params["exclude_genres"] = json_exclude_genres

    json_genres: list[str] | Unset = UNSET
    if not isinstance(genres, Unset):
        json_genres = genres

    params["genres"] = json_genres

    params["language"] = language

    json_languages: list[str] | Unset = UNSET
    if not isinstance(languages, Unset):
        json_languages = languages

    params["languages"] = json_languages

    params["max_runtime"] = max_runtime

    params["max_year"] = max_year

    params["min_runtime"] = min_runtime

    params["min_year"] = min_year

    params["row_length"] = row_length

    params["rows"] = rows

    json_user_id: int | str | Unset
    if isinstance(user_id, Unset):
        json_user_id = UNSET
    else:
        json_user_id = user_id
    params["user_id"] = json_user_id

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/home",
        "params": params,
    }

    return _kwargs


def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> HomeAnswer | Problem:
    if response.status_code == 200:
        response_200 = HomeAnswer.from_dict(response.json())

        return response_200

    response_default = Problem.from_dict(response.json())

    return response_default


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[HomeAnswer | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    actors: list[str] | Unset = UNSET,
    age_limit: int | Unset = UNSET,
    at: datetime.datetime | float | Unset = UNSET,
    certificate: HomeCertificate | Unset = UNSET,
    countries: list[str] | Unset = UNSET,
    country: HomeCountry | Unset = UNSET,
    details: bool | Unset = False,
    directors: list[str] | Unset = UNSET,
    exclude: str | Unset = UNSET,
    exclude_genres: list[str] | Unset = UNSET,
    genres: list[str] | Unset = UNSET,
    language: str | Unset = UNSET,
    languages: list[str] | Unset = UNSET,
    max_runtime: int | Unset = UNSET,
    max_year: int | Unset = UNSET,
    min_runtime: int | Unset = UNSET,
    min_year: int | Unset = UNSET,
    row_length: int | Unset = 12,
    rows: int | Unset = 8,
    user_id: int | str | Unset = UNSET,
) -> Response[HomeAnswer | Problem]:
    """A page of rows with a reason each and no film twice.

     What the viewer started first, then top picks, then the rows by the mean score of their first films
    by the model; what may be watched again is last. Without a viewer, or for one without a history:
    what everyone watches.

    Args:
        actors (list[str] | Unset):
        age_limit (int | Unset):
        at (datetime.datetime | float | Unset):
        certificate (HomeCertificate | Unset):
        countries (list[str] | Unset):
        country (HomeCountry | Unset):
        details (bool | Unset):  Default: False.
        directors (list[str] | Unset):
        exclude (str | Unset):
        exclude_genres (list[str] | Unset):
        genres (list[str] | Unset):
        language (str | Unset):
        languages (list[str] | Unset):
        max_runtime (int | Unset):
        max_year (int | Unset):
        min_runtime (int | Unset):
        min_year (int | Unset):
        row_length (int | Unset):  Default: 12.
        rows (int | Unset):  Default: 8.
        user_id (int | str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[HomeAnswer | Problem]
    """

    kwargs = _get_kwargs(
        actors=actors,
        age_limit=age_limit,
        at=at,
        certificate=certificate,
        countries=countries,
        country=country,
        details=details,
        directors=directors,
        exclude=exclude,
        exclude_genres=exclude_genres,
        genres=genres,
        language=language,
        languages=languages,
        max_runtime=max_runtime,
        max_year=max_year,
        min_runtime=min_runtime,
        min_year=min_year,
        row_length=row_length,
        rows=rows,
        user_id=user_id,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
    actors: list[str] | Unset = UNSET,
    age_limit: int | Unset = UNSET,
    at: datetime.datetime | float | Unset = UNSET,
    certificate: HomeCertificate | Unset = UNSET,
    countries: list[str] | Unset = UNSET,
    country: HomeCountry | Unset = UNSET,
    details: bool | Unset = False,
    directors: list[str] | Unset = UNSET,
    exclude: str | Unset = UNSET,
    exclude_genres: list[str] | Unset = UNSET,
    genres: list[str] | Unset = UNSET,
    language: str | Unset = UNSET,
    languages: list[str] | Unset = UNSET,
    max_runtime: int | Unset = UNSET,
    max_year: int | Unset = UNSET,
    min_runtime: int | Unset = UNSET,
    min_year: int | Unset = UNSET,
    row_length: int | Unset = 12,
    rows: int | Unset = 8,
    user_id: int | str | Unset = UNSET,
) -> HomeAnswer | Problem | None:
    """A page of rows with a reason each and no film twice.

     What the viewer started first, then top picks, then the rows by the mean score of their first films
    by the model; what may be watched again is last. Without a viewer, or for one without a history:
    what everyone watches.

    Args:
        actors (list[str] | Unset):
        age_limit (int | Unset):
        at (datetime.datetime | float | Unset):
        certificate (HomeCertificate | Unset):
        countries (list[str] | Unset):
        country (HomeCountry | Unset):
        details (bool | Unset):  Default: False.
        directors (list[str] | Unset):
        exclude (str | Unset):
        exclude_genres (list[str] | Unset):
        genres (list[str] | Unset):
        language (str | Unset):
        languages (list[str] | Unset):
        max_runtime (int | Unset):
        max_year (int | Unset):
        min_runtime (int | Unset):
        min_year (int | Unset):
        row_length (int | Unset):  Default: 12.
        rows (int | Unset):  Default: 8.
        user_id (int | str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        HomeAnswer | Problem
    """

    return sync_detailed(
        client=client,
        actors=actors,
        age_limit=age_limit,
        at=at,
        certificate=certificate,
        countries=countries,
        country=country,
        details=details,
        directors=directors,
        exclude=exclude,
        exclude_genres=exclude_genres,
        genres=genres,
        language=language,
        languages=languages,
        max_runtime=max_runtime,
        max_year=max_year,
        min_runtime=min_runtime,
        min_year=min_year,
        row_length=row_length,
        rows=rows,
        user_id=user_id,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    actors: list[str] | Unset = UNSET,
    age_limit: int | Unset = UNSET,
    at: datetime.datetime | float | Unset = UNSET,
    certificate: HomeCertificate | Unset = UNSET,
    countries: list[str] | Unset = UNSET,
    country: HomeCountry | Unset = UNSET,
    details: bool | Unset = False,
    directors: list[str] | Unset = UNSET,
    exclude: str | Unset = UNSET,
    exclude_genres: list[str] | Unset = UNSET,
    genres: list[str] | Unset = UNSET,
    language: str | Unset = UNSET,
    languages: list[str] | Unset = UNSET,
    max_runtime: int | Unset = UNSET,
    max_year: int | Unset = UNSET,
    min_runtime: int | Unset = UNSET,
    min_year: int | Unset = UNSET,
    row_length: int | Unset = 12,
    rows: int | Unset = 8,
    user_id: int | str | Unset = UNSET,
) -> Response[HomeAnswer | Problem]:
    """A page of rows with a reason each and no film twice.

     What the viewer started first, then top picks, then the rows by the mean score of their first films
    by the model; what may be watched again is last. Without a viewer, or for one without a history:
    what everyone watches.

    Args:
        actors (list[str] | Unset):
        age_limit (int | Unset):
        at (datetime.datetime | float | Unset):
        certificate (HomeCertificate | Unset):
        countries (list[str] | Unset):
        country (HomeCountry | Unset):
        details (bool | Unset):  Default: False.
        directors (list[str] | Unset):
        exclude (str | Unset):
        exclude_genres (list[str] | Unset):
        genres (list[str] | Unset):
        language (str | Unset):
        languages (list[str] | Unset):
        max_runtime (int | Unset):
        max_year (int | Unset):
        min_runtime (int | Unset):
        min_year (int | Unset):
        row_length (int | Unset):  Default: 12.
        rows (int | Unset):  Default: 8.
        user_id (int | str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[HomeAnswer | Problem]
    """

    kwargs = _get_kwargs(
        actors=actors,
        age_limit=age_limit,
        at=at,
        certificate=certificate,
        countries=countries,
        country=country,
        details=details,
        directors=directors,
        exclude=exclude,
        exclude_genres=exclude_genres,
        genres=genres,
        language=language,
        languages=languages,
        max_runtime=max_runtime,
        max_year=max_year,
        min_runtime=min_runtime,
        min_year=min_year,
        row_length=row_length,
        rows=rows,
        user_id=user_id,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    actors: list[str] | Unset = UNSET,
    age_limit: int | Unset = UNSET,
    at: datetime.datetime | float | Unset = UNSET,
    certificate: HomeCertificate | Unset = UNSET,
    countries: list[str] | Unset = UNSET,
    country: HomeCountry | Unset = UNSET,
    details: bool | Unset = False,
    directors: list[str] | Unset = UNSET,
    exclude: str | Unset = UNSET,
    exclude_genres: list[str] | Unset = UNSET,
    genres: list[str] | Unset = UNSET,
    language: str | Unset = UNSET,
    languages: list[str] | Unset = UNSET,
    max_runtime: int | Unset = UNSET,
    max_year: int | Unset = UNSET,
    min_runtime: int | Unset = UNSET,
    min_year: int | Unset = UNSET,
    row_length: int | Unset = 12,
    rows: int | Unset = 8,
    user_id: int | str | Unset = UNSET,
) -> HomeAnswer | Problem | None:
    """A page of rows with a reason each and no film twice.

     What the viewer started first, then top picks, then the rows by the mean score of their first films
    by the model; what may be watched again is last. Without a viewer, or for one without a history:
    what everyone watches.

    Args:
        actors (list[str] | Unset):
        age_limit (int | Unset):
        at (datetime.datetime | float | Unset):
        certificate (HomeCertificate | Unset):
        countries (list[str] | Unset):
        country (HomeCountry | Unset):
        details (bool | Unset):  Default: False.
        directors (list[str] | Unset):
        exclude (str | Unset):
        exclude_genres (list[str] | Unset):
        genres (list[str] | Unset):
        language (str | Unset):
        languages (list[str] | Unset):
        max_runtime (int | Unset):
        max_year (int | Unset):
        min_runtime (int | Unset):
        min_year (int | Unset):
        row_length (int | Unset):  Default: 12.
        rows (int | Unset):  Default: 8.
        user_id (int | str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        HomeAnswer | Problem
    """

    return (
        await asyncio_detailed(
            client=client,
            actors=actors,
            age_limit=age_limit,
            at=at,
            certificate=certificate,
            countries=countries,
            country=country,
            details=details,
            directors=directors,
            exclude=exclude,
            exclude_genres=exclude_genres,
            genres=genres,
            language=language,
            languages=languages,
            max_runtime=max_runtime,
            max_year=max_year,
            min_runtime=min_runtime,
            min_year=min_year,
            row_length=row_length,
            rows=rows,
            user_id=user_id,
        )
    ).parsed
