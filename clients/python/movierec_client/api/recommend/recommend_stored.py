import datetime
from http import HTTPStatus
from typing import Any

import httpx

from ...client import AuthenticatedClient, Client
from ...models.problem import Problem
from ...models.recommend_answer import RecommendAnswer
from ...models.recommend_stored_certificate import RecommendStoredCertificate
from ...models.recommend_stored_country import RecommendStoredCountry
from ...models.recommend_stored_seen import RecommendStoredSeen
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    age_limit: int | Unset = UNSET,
    at: datetime.datetime | float | Unset = UNSET,
    certificate: RecommendStoredCertificate | Unset = UNSET,
    country: RecommendStoredCountry | Unset = UNSET,
    cursor: str | Unset = UNSET,
    details: bool | Unset = False,
    diversity: float | Unset = 0.0,
    exclude: str | Unset = UNSET,
    explain: bool | Unset = False,
    language: str | Unset = UNSET,
    liked_genres: list[str] | Unset = UNSET,
    seen: RecommendStoredSeen | Unset = RecommendStoredSeen.EXCLUDE,
    titles: bool | Unset = False,
    top_k: int | Unset = 20,
    user_id: int | str,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

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

    json_country: str | Unset = UNSET
    if not isinstance(country, Unset):
        json_country = country.value

    params["country"] = json_country

    params["cursor"] = cursor

    params["details"] = details

    params["diversity"] = diversity

    params["exclude"] = exclude

    params["explain"] = explain

    params["language"] = language

    json_liked_genres: list[str] | Unset = UNSET
    if not isinstance(liked_genres, Unset):
        json_liked_genres = liked_genres

    params["liked_genres"] = json_liked_genres

    json_seen: str | Unset = UNSET
    if not isinstance(seen, Unset):
        json_seen = seen.value

    params["seen"] = json_seen

    params["titles"] = titles

    params["top_k"] = top_k

    json_user_id: int | str
    json_user_id = user_id
    params["user_id"] = json_user_id

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/recommend",
        "params": params,
    }

    return _kwargs


def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> Problem | RecommendAnswer:
    if response.status_code == 200:
        response_200 = RecommendAnswer.from_dict(response.json())

        return response_200

    response_default = Problem.from_dict(response.json())

    return response_default


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[Problem | RecommendAnswer]:
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
    at: datetime.datetime | float | Unset = UNSET,
    certificate: RecommendStoredCertificate | Unset = UNSET,
    country: RecommendStoredCountry | Unset = UNSET,
    cursor: str | Unset = UNSET,
    details: bool | Unset = False,
    diversity: float | Unset = 0.0,
    exclude: str | Unset = UNSET,
    explain: bool | Unset = False,
    language: str | Unset = UNSET,
    liked_genres: list[str] | Unset = UNSET,
    seen: RecommendStoredSeen | Unset = RecommendStoredSeen.EXCLUDE,
    titles: bool | Unset = False,
    top_k: int | Unset = 20,
    user_id: int | str,
) -> Response[Problem | RecommendAnswer]:
    """A viewer's list: the cached one while it is current.

     A viewer's list: the cached one while it is current.

    Args:
        age_limit (int | Unset):
        at (datetime.datetime | float | Unset):
        certificate (RecommendStoredCertificate | Unset):
        country (RecommendStoredCountry | Unset):
        cursor (str | Unset):
        details (bool | Unset):  Default: False.
        diversity (float | Unset):  Default: 0.0.
        exclude (str | Unset):
        explain (bool | Unset):  Default: False.
        language (str | Unset):
        liked_genres (list[str] | Unset):
        seen (RecommendStoredSeen | Unset):  Default: RecommendStoredSeen.EXCLUDE.
        titles (bool | Unset):  Default: False.
        top_k (int | Unset):  Default: 20.
        user_id (int | str):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | RecommendAnswer]
    """

    kwargs = _get_kwargs(
        age_limit=age_limit,
        at=at,
        certificate=certificate,
        country=country,
        cursor=cursor,
        details=details,
        diversity=diversity,
        exclude=exclude,
        explain=explain,
        language=language,
        liked_genres=liked_genres,
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
    age_limit: int | Unset = UNSET,
    at: datetime.datetime | float | Unset = UNSET,
    certificate: RecommendStoredCertificate | Unset = UNSET,
    country: RecommendStoredCountry | Unset = UNSET,
    cursor: str | Unset = UNSET,
    details: bool | Unset = False,
    diversity: float | Unset = 0.0,
    exclude: str | Unset = UNSET,
    explain: bool | Unset = False,
    language: str | Unset = UNSET,
    liked_genres: list[str] | Unset = UNSET,
    seen: RecommendStoredSeen | Unset = RecommendStoredSeen.EXCLUDE,
    titles: bool | Unset = False,
    top_k: int | Unset = 20,
    user_id: int | str,
) -> Problem | RecommendAnswer | None:
    """A viewer's list: the cached one while it is current.

     A viewer's list: the cached one while it is current.

    Args:
        age_limit (int | Unset):
        at (datetime.datetime | float | Unset):
        certificate (RecommendStoredCertificate | Unset):
        country (RecommendStoredCountry | Unset):
        cursor (str | Unset):
        details (bool | Unset):  Default: False.
        diversity (float | Unset):  Default: 0.0.
        exclude (str | Unset):
        explain (bool | Unset):  Default: False.
        language (str | Unset):
        liked_genres (list[str] | Unset):
        seen (RecommendStoredSeen | Unset):  Default: RecommendStoredSeen.EXCLUDE.
        titles (bool | Unset):  Default: False.
        top_k (int | Unset):  Default: 20.
        user_id (int | str):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | RecommendAnswer
    """

    return sync_detailed(
        client=client,
        age_limit=age_limit,
        at=at,
        certificate=certificate,
        country=country,
        cursor=cursor,
        details=details,
        diversity=diversity,
        exclude=exclude,
        explain=explain,
        language=language,
        liked_genres=liked_genres,
        seen=seen,
        titles=titles,
        top_k=top_k,
        user_id=user_id,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    age_limit: int | Unset = UNSET,
    at: datetime.datetime | float | Unset = UNSET,
    certificate: RecommendStoredCertificate | Unset = UNSET,
    country: RecommendStoredCountry | Unset = UNSET,
    cursor: str | Unset = UNSET,
    details: bool | Unset = False,
    diversity: float | Unset = 0.0,
    exclude: str | Unset = UNSET,
    explain: bool | Unset = False,
    language: str | Unset = UNSET,
    liked_genres: list[str] | Unset = UNSET,
    seen: RecommendStoredSeen | Unset = RecommendStoredSeen.EXCLUDE,
    titles: bool | Unset = False,
    top_k: int | Unset = 20,
    user_id: int | str,
) -> Response[Problem | RecommendAnswer]:
    """A viewer's list: the cached one while it is current.

     A viewer's list: the cached one while it is current.

    Args:
        age_limit (int | Unset):
        at (datetime.datetime | float | Unset):
        certificate (RecommendStoredCertificate | Unset):
        country (RecommendStoredCountry | Unset):
        cursor (str | Unset):
        details (bool | Unset):  Default: False.
        diversity (float | Unset):  Default: 0.0.
        exclude (str | Unset):
        explain (bool | Unset):  Default: False.
        language (str | Unset):
        liked_genres (list[str] | Unset):
        seen (RecommendStoredSeen | Unset):  Default: RecommendStoredSeen.EXCLUDE.
        titles (bool | Unset):  Default: False.
        top_k (int | Unset):  Default: 20.
        user_id (int | str):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | RecommendAnswer]
    """

    kwargs = _get_kwargs(
        age_limit=age_limit,
        at=at,
        certificate=certificate,
        country=country,
        cursor=cursor,
        details=details,
        diversity=diversity,
        exclude=exclude,
        explain=explain,
        language=language,
        liked_genres=liked_genres,
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
    age_limit: int | Unset = UNSET,
    at: datetime.datetime | float | Unset = UNSET,
    certificate: RecommendStoredCertificate | Unset = UNSET,
    country: RecommendStoredCountry | Unset = UNSET,
    cursor: str | Unset = UNSET,
    details: bool | Unset = False,
    diversity: float | Unset = 0.0,
    exclude: str | Unset = UNSET,
    explain: bool | Unset = False,
    language: str | Unset = UNSET,
    liked_genres: list[str] | Unset = UNSET,
    seen: RecommendStoredSeen | Unset = RecommendStoredSeen.EXCLUDE,
    titles: bool | Unset = False,
    top_k: int | Unset = 20,
    user_id: int | str,
) -> Problem | RecommendAnswer | None:
    """A viewer's list: the cached one while it is current.

     A viewer's list: the cached one while it is current.

    Args:
        age_limit (int | Unset):
        at (datetime.datetime | float | Unset):
        certificate (RecommendStoredCertificate | Unset):
        country (RecommendStoredCountry | Unset):
        cursor (str | Unset):
        details (bool | Unset):  Default: False.
        diversity (float | Unset):  Default: 0.0.
        exclude (str | Unset):
        explain (bool | Unset):  Default: False.
        language (str | Unset):
        liked_genres (list[str] | Unset):
        seen (RecommendStoredSeen | Unset):  Default: RecommendStoredSeen.EXCLUDE.
        titles (bool | Unset):  Default: False.
        top_k (int | Unset):  Default: 20.
        user_id (int | str):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | RecommendAnswer
    """

    return (
        await asyncio_detailed(
            client=client,
            age_limit=age_limit,
            at=at,
            certificate=certificate,
            country=country,
            cursor=cursor,
            details=details,
            diversity=diversity,
            exclude=exclude,
            explain=explain,
            language=language,
            liked_genres=liked_genres,
            seen=seen,
            titles=titles,
            top_k=top_k,
            user_id=user_id,
        )
    ).parsed
