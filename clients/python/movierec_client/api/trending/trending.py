import datetime
from http import HTTPStatus
from typing import Any

import httpx

from ...client import AuthenticatedClient, Client
from ...models.chart_answer import ChartAnswer
from ...models.problem import Problem
from ...models.trending_certificate import TrendingCertificate
from ...models.trending_country import TrendingCountry
from ...models.trending_seen import TrendingSeen
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    actors: list[str] | Unset = UNSET,
    age_limit: int | Unset = UNSET,
    at: datetime.datetime | float | Unset = UNSET,
    certificate: TrendingCertificate | Unset = UNSET,
    countries: list[str] | Unset = UNSET,
    country: TrendingCountry | Unset = UNSET,
    cursor: str | Unset = UNSET,
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
    personal: bool | Unset = False,
    seen: TrendingSeen | Unset = TrendingSeen.EXCLUDE,
    titles: bool | Unset = False,
    top_k: int | Unset = 20,
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

    params["cursor"] = cursor

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

    params["personal"] = personal

    json_seen: str | Unset = UNSET
    if not isinstance(seen, Unset):
        json_seen = seen.value

    params["seen"] = json_seen

    params["titles"] = titles

    params["top_k"] = top_k

    json_user_id: int | str | Unset
    if isinstance(user_id, Unset):
        json_user_id = UNSET
    else:
        json_user_id = user_id
    params["user_id"] = json_user_id

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/trending",
        "params": params,
    }

    return _kwargs


def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> ChartAnswer | Problem:
    if response.status_code == 200:
        response_200 = ChartAnswer.from_dict(response.json())

        return response_200

    response_default = Problem.from_dict(response.json())

    return response_default


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[ChartAnswer | Problem]:
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
    certificate: TrendingCertificate | Unset = UNSET,
    countries: list[str] | Unset = UNSET,
    country: TrendingCountry | Unset = UNSET,
    cursor: str | Unset = UNSET,
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
    personal: bool | Unset = False,
    seen: TrendingSeen | Unset = TrendingSeen.EXCLUDE,
    titles: bool | Unset = False,
    top_k: int | Unset = 20,
    user_id: int | str | Unset = UNSET,
) -> Response[ChartAnswer | Problem]:
    """What is watched more than usual lately.

     Only films that are, so the list may be shorter than `top_k`. The recent window ends where the data
    ends: imported events of years ago have a trend too. With `personal=true` it is mixed with the
    viewer's taste: the mean of 61 / (61 + place) in the trend and in the model's ranking; `source` is
    then `trending_for_you`.

    Args:
        actors (list[str] | Unset):
        age_limit (int | Unset):
        at (datetime.datetime | float | Unset):
        certificate (TrendingCertificate | Unset):
        countries (list[str] | Unset):
        country (TrendingCountry | Unset):
        cursor (str | Unset):
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
        personal (bool | Unset):  Default: False.
        seen (TrendingSeen | Unset):  Default: TrendingSeen.EXCLUDE.
        titles (bool | Unset):  Default: False.
        top_k (int | Unset):  Default: 20.
        user_id (int | str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ChartAnswer | Problem]
    """

    kwargs = _get_kwargs(
        actors=actors,
        age_limit=age_limit,
        at=at,
        certificate=certificate,
        countries=countries,
        country=country,
        cursor=cursor,
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
        personal=personal,
        seen=seen,
        titles=titles,
        top_k=top_k,
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
    certificate: TrendingCertificate | Unset = UNSET,
    countries: list[str] | Unset = UNSET,
    country: TrendingCountry | Unset = UNSET,
    cursor: str | Unset = UNSET,
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
    personal: bool | Unset = False,
    seen: TrendingSeen | Unset = TrendingSeen.EXCLUDE,
    titles: bool | Unset = False,
    top_k: int | Unset = 20,
    user_id: int | str | Unset = UNSET,
) -> ChartAnswer | Problem | None:
    """What is watched more than usual lately.

     Only films that are, so the list may be shorter than `top_k`. The recent window ends where the data
    ends: imported events of years ago have a trend too. With `personal=true` it is mixed with the
    viewer's taste: the mean of 61 / (61 + place) in the trend and in the model's ranking; `source` is
    then `trending_for_you`.

    Args:
        actors (list[str] | Unset):
        age_limit (int | Unset):
        at (datetime.datetime | float | Unset):
        certificate (TrendingCertificate | Unset):
        countries (list[str] | Unset):
        country (TrendingCountry | Unset):
        cursor (str | Unset):
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
        personal (bool | Unset):  Default: False.
        seen (TrendingSeen | Unset):  Default: TrendingSeen.EXCLUDE.
        titles (bool | Unset):  Default: False.
        top_k (int | Unset):  Default: 20.
        user_id (int | str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ChartAnswer | Problem
    """

    return sync_detailed(
        client=client,
        actors=actors,
        age_limit=age_limit,
        at=at,
        certificate=certificate,
        countries=countries,
        country=country,
        cursor=cursor,
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
        personal=personal,
        seen=seen,
        titles=titles,
        top_k=top_k,
        user_id=user_id,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    actors: list[str] | Unset = UNSET,
    age_limit: int | Unset = UNSET,
    at: datetime.datetime | float | Unset = UNSET,
    certificate: TrendingCertificate | Unset = UNSET,
    countries: list[str] | Unset = UNSET,
    country: TrendingCountry | Unset = UNSET,
    cursor: str | Unset = UNSET,
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
    personal: bool | Unset = False,
    seen: TrendingSeen | Unset = TrendingSeen.EXCLUDE,
    titles: bool | Unset = False,
    top_k: int | Unset = 20,
    user_id: int | str | Unset = UNSET,
) -> Response[ChartAnswer | Problem]:
    """What is watched more than usual lately.

     Only films that are, so the list may be shorter than `top_k`. The recent window ends where the data
    ends: imported events of years ago have a trend too. With `personal=true` it is mixed with the
    viewer's taste: the mean of 61 / (61 + place) in the trend and in the model's ranking; `source` is
    then `trending_for_you`.

    Args:
        actors (list[str] | Unset):
        age_limit (int | Unset):
        at (datetime.datetime | float | Unset):
        certificate (TrendingCertificate | Unset):
        countries (list[str] | Unset):
        country (TrendingCountry | Unset):
        cursor (str | Unset):
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
        personal (bool | Unset):  Default: False.
        seen (TrendingSeen | Unset):  Default: TrendingSeen.EXCLUDE.
        titles (bool | Unset):  Default: False.
        top_k (int | Unset):  Default: 20.
        user_id (int | str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ChartAnswer | Problem]
    """

    kwargs = _get_kwargs(
        actors=actors,
        age_limit=age_limit,
        at=at,
        certificate=certificate,
        countries=countries,
        country=country,
        cursor=cursor,
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
        personal=personal,
        seen=seen,
        titles=titles,
        top_k=top_k,
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
    certificate: TrendingCertificate | Unset = UNSET,
    countries: list[str] | Unset = UNSET,
    country: TrendingCountry | Unset = UNSET,
    cursor: str | Unset = UNSET,
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
    personal: bool | Unset = False,
    seen: TrendingSeen | Unset = TrendingSeen.EXCLUDE,
    titles: bool | Unset = False,
    top_k: int | Unset = 20,
    user_id: int | str | Unset = UNSET,
) -> ChartAnswer | Problem | None:
    """What is watched more than usual lately.

     Only films that are, so the list may be shorter than `top_k`. The recent window ends where the data
    ends: imported events of years ago have a trend too. With `personal=true` it is mixed with the
    viewer's taste: the mean of 61 / (61 + place) in the trend and in the model's ranking; `source` is
    then `trending_for_you`.

    Args:
        actors (list[str] | Unset):
        age_limit (int | Unset):
        at (datetime.datetime | float | Unset):
        certificate (TrendingCertificate | Unset):
        countries (list[str] | Unset):
        country (TrendingCountry | Unset):
        cursor (str | Unset):
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
        personal (bool | Unset):  Default: False.
        seen (TrendingSeen | Unset):  Default: TrendingSeen.EXCLUDE.
        titles (bool | Unset):  Default: False.
        top_k (int | Unset):  Default: 20.
        user_id (int | str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ChartAnswer | Problem
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
            cursor=cursor,
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
            personal=personal,
            seen=seen,
            titles=titles,
            top_k=top_k,
            user_id=user_id,
        )
    ).parsed
