from http import HTTPStatus
from typing import Any

import httpx

from ...client import AuthenticatedClient, Client
from ...models.movie_page import MoviePage
from ...models.movies_certificate import MoviesCertificate
from ...models.movies_country import MoviesCountry
from ...models.movies_published import MoviesPublished
from ...models.movies_response_default import MoviesResponseDefault
from ...models.movies_sort import MoviesSort
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    age_limit: int | Unset = UNSET,
    certificate: MoviesCertificate | Unset = UNSET,
    certificates: list[str] | Unset = UNSET,
    countries: list[str] | Unset = UNSET,
    country: MoviesCountry | Unset = UNSET,
    cursor: str | Unset = "0",
    exclude_genres: list[str] | Unset = UNSET,
    facets: str | Unset = "",
    genre: str | Unset = "",
    genres: list[str] | Unset = UNSET,
    ids: str | Unset = UNSET,
    language: str | Unset = UNSET,
    languages: list[str] | Unset = UNSET,
    max_runtime: int | Unset = UNSET,
    max_year: int | Unset = UNSET,
    min_runtime: int | Unset = UNSET,
    min_year: int | Unset = UNSET,
    page_size: int | Unset = 50,
    people: list[str] | Unset = UNSET,
    published: MoviesPublished | Unset = MoviesPublished.TRUE,
    search: str | Unset = "",
    sort: MoviesSort | Unset = UNSET,
    user_id: str | Unset = UNSET,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    params["age_limit"] = age_limit

    json_certificate: str | Unset = UNSET
    if not isinstance(certificate, Unset):
        json_certificate = certificate.value

    params["certificate"] = json_certificate

    json_certificates: list[str] | Unset = UNSET
    if not isinstance(certificates, Unset):
        json_certificates = certificates

    params["certificates"] = json_certificates

    json_countries: list[str] | Unset = UNSET
    if not isinstance(countries, Unset):
        json_countries = countries

    params["countries"] = json_countries

    json_country: str | Unset = UNSET
    if not isinstance(country, Unset):
        json_country = country.value

    params["country"] = json_country

    params["cursor"] = cursor

    json_exclude_genres: list[str] | Unset = UNSET
    if not isinstance(exclude_genres, Unset):
        json_exclude_genres = exclude_genres

    params["exclude_genres"] = json_exclude_genres

    params["facets"] = facets

    params["genre"] = genre

    json_genres: list[str] | Unset = UNSET
    if not isinstance(genres, Unset):
        json_genres = genres

    params["genres"] = json_genres

    params["ids"] = ids

    params["language"] = language

    json_languages: list[str] | Unset = UNSET
    if not isinstance(languages, Unset):
        json_languages = languages

    params["languages"] = json_languages

    params["max_runtime"] = max_runtime

    params["max_year"] = max_year

    params["min_runtime"] = min_runtime

    params["min_year"] = min_year

    params["page_size"] = page_size

    json_people: list[str] | Unset = UNSET
    if not isinstance(people, Unset):
        json_people = people

    params["people"] = json_people

    json_published: str | Unset = UNSET
    if not isinstance(published, Unset):
        json_published = published.value

    params["published"] = json_published

    params["search"] = search

    json_sort: str | Unset = UNSET
    if not isinstance(sort, Unset):
        json_sort = sort.value

    params["sort"] = json_sort

    params["user_id"] = user_id

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/movies",
        "params": params,
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> MoviePage | MoviesResponseDefault:
    if response.status_code == 200:
        response_200 = MoviePage.from_dict(response.json())

        return response_200

    response_default = MoviesResponseDefault.from_dict(response.json())

    return response_default


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[MoviePage | MoviesResponseDefault]:
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
    certificate: MoviesCertificate | Unset = UNSET,
    certificates: list[str] | Unset = UNSET,
    countries: list[str] | Unset = UNSET,
    country: MoviesCountry | Unset = UNSET,
    cursor: str | Unset = "0",
    exclude_genres: list[str] | Unset = UNSET,
    facets: str | Unset = "",
    genre: str | Unset = "",
    genres: list[str] | Unset = UNSET,
    ids: str | Unset = UNSET,
    language: str | Unset = UNSET,
    languages: list[str] | Unset = UNSET,
    max_runtime: int | Unset = UNSET,
    max_year: int | Unset = UNSET,
    min_runtime: int | Unset = UNSET,
    min_year: int | Unset = UNSET,
    page_size: int | Unset = 50,
    people: list[str] | Unset = UNSET,
    published: MoviesPublished | Unset = MoviesPublished.TRUE,
    search: str | Unset = "",
    sort: MoviesSort | Unset = UNSET,
    user_id: str | Unset = UNSET,
) -> Response[MoviePage | MoviesResponseDefault]:
    """The films that are shown now, a page at a time: by id, or by how well they fit a search.

     The films that are shown now, a page at a time: by id, or by how well they fit a search.

    Args:
        age_limit (int | Unset):
        certificate (MoviesCertificate | Unset):
        certificates (list[str] | Unset):
        countries (list[str] | Unset):
        country (MoviesCountry | Unset):
        cursor (str | Unset):  Default: '0'.
        exclude_genres (list[str] | Unset):
        facets (str | Unset):  Default: ''.
        genre (str | Unset):  Default: ''.
        genres (list[str] | Unset):
        ids (str | Unset):
        language (str | Unset):
        languages (list[str] | Unset):
        max_runtime (int | Unset):
        max_year (int | Unset):
        min_runtime (int | Unset):
        min_year (int | Unset):
        page_size (int | Unset):  Default: 50.
        people (list[str] | Unset):
        published (MoviesPublished | Unset):  Default: MoviesPublished.TRUE.
        search (str | Unset):  Default: ''.
        sort (MoviesSort | Unset):
        user_id (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[MoviePage | MoviesResponseDefault]
    """

    kwargs = _get_kwargs(
        age_limit=age_limit,
        certificate=certificate,
        certificates=certificates,
        countries=countries,
        country=country,
        cursor=cursor,
        exclude_genres=exclude_genres,
        facets=facets,
        genre=genre,
        genres=genres,
        ids=ids,
        language=language,
        languages=languages,
        max_runtime=max_runtime,
        max_year=max_year,
        min_runtime=min_runtime,
        min_year=min_year,
        page_size=page_size,
        people=people,
        published=published,
        search=search,
        sort=sort,
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
    certificate: MoviesCertificate | Unset = UNSET,
    certificates: list[str] | Unset = UNSET,
    countries: list[str] | Unset = UNSET,
    country: MoviesCountry | Unset = UNSET,
    cursor: str | Unset = "0",
    exclude_genres: list[str] | Unset = UNSET,
    facets: str | Unset = "",
    genre: str | Unset = "",
    genres: list[str] | Unset = UNSET,
    ids: str | Unset = UNSET,
    language: str | Unset = UNSET,
    languages: list[str] | Unset = UNSET,
    max_runtime: int | Unset = UNSET,
    max_year: int | Unset = UNSET,
    min_runtime: int | Unset = UNSET,
    min_year: int | Unset = UNSET,
    page_size: int | Unset = 50,
    people: list[str] | Unset = UNSET,
    published: MoviesPublished | Unset = MoviesPublished.TRUE,
    search: str | Unset = "",
    sort: MoviesSort | Unset = UNSET,
    user_id: str | Unset = UNSET,
) -> MoviePage | MoviesResponseDefault | None:
    """The films that are shown now, a page at a time: by id, or by how well they fit a search.

     The films that are shown now, a page at a time: by id, or by how well they fit a search.

    Args:
        age_limit (int | Unset):
        certificate (MoviesCertificate | Unset):
        certificates (list[str] | Unset):
        countries (list[str] | Unset):
        country (MoviesCountry | Unset):
        cursor (str | Unset):  Default: '0'.
        exclude_genres (list[str] | Unset):
        facets (str | Unset):  Default: ''.
        genre (str | Unset):  Default: ''.
        genres (list[str] | Unset):
        ids (str | Unset):
        language (str | Unset):
        languages (list[str] | Unset):
        max_runtime (int | Unset):
        max_year (int | Unset):
        min_runtime (int | Unset):
        min_year (int | Unset):
        page_size (int | Unset):  Default: 50.
        people (list[str] | Unset):
        published (MoviesPublished | Unset):  Default: MoviesPublished.TRUE.
        search (str | Unset):  Default: ''.
        sort (MoviesSort | Unset):
        user_id (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        MoviePage | MoviesResponseDefault
    """

    return sync_detailed(
        client=client,
        age_limit=age_limit,
        certificate=certificate,
        certificates=certificates,
        countries=countries,
        country=country,
        cursor=cursor,
        exclude_genres=exclude_genres,
        facets=facets,
        genre=genre,
        genres=genres,
        ids=ids,
        language=language,
        languages=languages,
        max_runtime=max_runtime,
        max_year=max_year,
        min_runtime=min_runtime,
        min_year=min_year,
        page_size=page_size,
        people=people,
        published=published,
        search=search,
        sort=sort,
        user_id=user_id,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    age_limit: int | Unset = UNSET,
    certificate: MoviesCertificate | Unset = UNSET,
    certificates: list[str] | Unset = UNSET,
    countries: list[str] | Unset = UNSET,
    country: MoviesCountry | Unset = UNSET,
    cursor: str | Unset = "0",
    exclude_genres: list[str] | Unset = UNSET,
    facets: str | Unset = "",
    genre: str | Unset = "",
    genres: list[str] | Unset = UNSET,
    ids: str | Unset = UNSET,
    language: str | Unset = UNSET,
    languages: list[str] | Unset = UNSET,
    max_runtime: int | Unset = UNSET,
    max_year: int | Unset = UNSET,
    min_runtime: int | Unset = UNSET,
    min_year: int | Unset = UNSET,
    page_size: int | Unset = 50,
    people: list[str] | Unset = UNSET,
    published: MoviesPublished | Unset = MoviesPublished.TRUE,
    search: str | Unset = "",
    sort: MoviesSort | Unset = UNSET,
    user_id: str | Unset = UNSET,
) -> Response[MoviePage | MoviesResponseDefault]:
    """The films that are shown now, a page at a time: by id, or by how well they fit a search.

     The films that are shown now, a page at a time: by id, or by how well they fit a search.

    Args:
        age_limit (int | Unset):
        certificate (MoviesCertificate | Unset):
        certificates (list[str] | Unset):
        countries (list[str] | Unset):
        country (MoviesCountry | Unset):
        cursor (str | Unset):  Default: '0'.
        exclude_genres (list[str] | Unset):
        facets (str | Unset):  Default: ''.
        genre (str | Unset):  Default: ''.
        genres (list[str] | Unset):
        ids (str | Unset):
        language (str | Unset):
        languages (list[str] | Unset):
        max_runtime (int | Unset):
        max_year (int | Unset):
        min_runtime (int | Unset):
        min_year (int | Unset):
        page_size (int | Unset):  Default: 50.
        people (list[str] | Unset):
        published (MoviesPublished | Unset):  Default: MoviesPublished.TRUE.
        search (str | Unset):  Default: ''.
        sort (MoviesSort | Unset):
        user_id (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[MoviePage | MoviesResponseDefault]
    """

    kwargs = _get_kwargs(
        age_limit=age_limit,
        certificate=certificate,
        certificates=certificates,
        countries=countries,
        country=country,
        cursor=cursor,
        exclude_genres=exclude_genres,
        facets=facets,
        genre=genre,
        genres=genres,
        ids=ids,
        language=language,
        languages=languages,
        max_runtime=max_runtime,
        max_year=max_year,
        min_runtime=min_runtime,
        min_year=min_year,
        page_size=page_size,
        people=people,
        published=published,
        search=search,
        sort=sort,
        user_id=user_id,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    age_limit: int | Unset = UNSET,
    certificate: MoviesCertificate | Unset = UNSET,
    certificates: list[str] | Unset = UNSET,
    countries: list[str] | Unset = UNSET,
    country: MoviesCountry | Unset = UNSET,
    cursor: str | Unset = "0",
    exclude_genres: list[str] | Unset = UNSET,
    facets: str | Unset = "",
    genre: str | Unset = "",
    genres: list[str] | Unset = UNSET,
    ids: str | Unset = UNSET,
    language: str | Unset = UNSET,
    languages: list[str] | Unset = UNSET,
    max_runtime: int | Unset = UNSET,
    max_year: int | Unset = UNSET,
    min_runtime: int | Unset = UNSET,
    min_year: int | Unset = UNSET,
    page_size: int | Unset = 50,
    people: list[str] | Unset = UNSET,
    published: MoviesPublished | Unset = MoviesPublished.TRUE,
    search: str | Unset = "",
    sort: MoviesSort | Unset = UNSET,
    user_id: str | Unset = UNSET,
) -> MoviePage | MoviesResponseDefault | None:
    """The films that are shown now, a page at a time: by id, or by how well they fit a search.

     The films that are shown now, a page at a time: by id, or by how well they fit a search.

    Args:
        age_limit (int | Unset):
        certificate (MoviesCertificate | Unset):
        certificates (list[str] | Unset):
        countries (list[str] | Unset):
        country (MoviesCountry | Unset):
        cursor (str | Unset):  Default: '0'.
        exclude_genres (list[str] | Unset):
        facets (str | Unset):  Default: ''.
        genre (str | Unset):  Default: ''.
        genres (list[str] | Unset):
        ids (str | Unset):
        language (str | Unset):
        languages (list[str] | Unset):
        max_runtime (int | Unset):
        max_year (int | Unset):
        min_runtime (int | Unset):
        min_year (int | Unset):
        page_size (int | Unset):  Default: 50.
        people (list[str] | Unset):
        published (MoviesPublished | Unset):  Default: MoviesPublished.TRUE.
        search (str | Unset):  Default: ''.
        sort (MoviesSort | Unset):
        user_id (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        MoviePage | MoviesResponseDefault
    """

    return (
        await asyncio_detailed(
            client=client,
            age_limit=age_limit,
            certificate=certificate,
            certificates=certificates,
            countries=countries,
            country=country,
            cursor=cursor,
            exclude_genres=exclude_genres,
            facets=facets,
            genre=genre,
            genres=genres,
            ids=ids,
            language=language,
            languages=languages,
            max_runtime=max_runtime,
            max_year=max_year,
            min_runtime=min_runtime,
            min_year=min_year,
            page_size=page_size,
            people=people,
            published=published,
            search=search,
            sort=sort,
            user_id=user_id,
        )
    ).parsed
