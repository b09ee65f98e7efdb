from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...models.problem import Problem
from ...models.similar_answer import SimilarAnswer
from ...models.similar_to_certificate import SimilarToCertificate
from ...models.similar_to_country import SimilarToCountry
from ...models.similar_to_seen import SimilarToSeen
from ...types import UNSET, Response, Unset


def _get_kwargs(
    movie_id: str,
    *,
    age_limit: int | Unset = UNSET,
    certificate: SimilarToCertificate | Unset = UNSET,
    country: SimilarToCountry | Unset = UNSET,
    cursor: str | Unset = UNSET,
    details: bool | Unset = False,
    language: str | Unset = UNSET,
    seen: SimilarToSeen | Unset = SimilarToSeen.EXCLUDE,
    titles: bool | Unset = False,
    top_k: int | Unset = 20,
    user_id: int | str | Unset = UNSET,
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

    params["details"] = details

    params["language"] = language

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
        "url": "/similar/{movie_id}".format(
            movie_id=quote(str(movie_id), safe=""),
        ),
        "params": params,
    }

    return _kwargs


def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> Problem | SimilarAnswer:
    if response.status_code == 200:
        response_200 = SimilarAnswer.from_dict(response.json())

        return response_200

    response_default = Problem.from_dict(response.json())

    return response_default


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[Problem | SimilarAnswer]:
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
    certificate: SimilarToCertificate | Unset = UNSET,
    country: SimilarToCountry | Unset = UNSET,
    cursor: str | Unset = UNSET,
    details: bool | Unset = False,
    language: str | Unset = UNSET,
    seen: SimilarToSeen | Unset = SimilarToSeen.EXCLUDE,
    titles: bool | Unset = False,
    top_k: int | Unset = 20,
    user_id: int | str | Unset = UNSET,
) -> Response[Problem | SimilarAnswer]:
    """Films like a film, for caches: what POST /similar answers.

     Without a viewer the answer is the same for everyone: a shared cache may keep it. It has an ETag.

    Args:
        movie_id (str):
        age_limit (int | Unset):
        certificate (SimilarToCertificate | Unset):
        country (SimilarToCountry | Unset):
        cursor (str | Unset):
        details (bool | Unset):  Default: False.
        language (str | Unset):
        seen (SimilarToSeen | Unset):  Default: SimilarToSeen.EXCLUDE.
        titles (bool | Unset):  Default: False.
        top_k (int | Unset):  Default: 20.
        user_id (int | str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | SimilarAnswer]
    """

    kwargs = _get_kwargs(
        movie_id=movie_id,
        age_limit=age_limit,
        certificate=certificate,
        country=country,
        cursor=cursor,
        details=details,
        language=language,
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
    movie_id: str,
    *,
    client: AuthenticatedClient,
    age_limit: int | Unset = UNSET,
    certificate: SimilarToCertificate | Unset = UNSET,
    country: SimilarToCountry | Unset = UNSET,
    cursor: str | Unset = UNSET,
    details: bool | Unset = False,
    language: str | Unset = UNSET,
    seen: SimilarToSeen | Unset = SimilarToSeen.EXCLUDE,
    titles: bool | Unset = False,
    top_k: int | Unset = 20,
    user_id: int | str | Unset = UNSET,
) -> Problem | SimilarAnswer | None:
    """Films like a film, for caches: what POST /similar answers.

     Without a viewer the answer is the same for everyone: a shared cache may keep it. It has an ETag.

    Args:
        movie_id (str):
        age_limit (int | Unset):
        certificate (SimilarToCertificate | Unset):
        country (SimilarToCountry | Unset):
        cursor (str | Unset):
        details (bool | Unset):  Default: False.
        language (str | Unset):
        seen (SimilarToSeen | Unset):  Default: SimilarToSeen.EXCLUDE.
        titles (bool | Unset):  Default: False.
        top_k (int | Unset):  Default: 20.
        user_id (int | str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | SimilarAnswer
    """

    return sync_detailed(
        movie_id=movie_id,
        client=client,
        age_limit=age_limit,
        certificate=certificate,
        country=country,
        cursor=cursor,
        details=details,
        language=language,
        seen=seen,
        titles=titles,
        top_k=top_k,
        user_id=user_id,
    ).parsed


async def asyncio_detailed(
    movie_id: str,
    *,
    client: AuthenticatedClient,
    age_limit: int | Unset = UNSET,
    certificate: SimilarToCertificate | Unset = UNSET,
    country: SimilarToCountry | Unset = UNSET,
    cursor: str | Unset = UNSET,
    details: bool | Unset = False,
    language: str | Unset = UNSET,
    seen: SimilarToSeen | Unset = SimilarToSeen.EXCLUDE,
    titles: bool | Unset = False,
    top_k: int | Unset = 20,
    user_id: int | str | Unset = UNSET,
) -> Response[Problem | SimilarAnswer]:
    """Films like a film, for caches: what POST /similar answers.

     Without a viewer the answer is the same for everyone: a shared cache may keep it. It has an ETag.

    Args:
        movie_id (str):
        age_limit (int | Unset):
        certificate (SimilarToCertificate | Unset):
        country (SimilarToCountry | Unset):
        cursor (str | Unset):
        details (bool | Unset):  Default: False.
        language (str | Unset):
        seen (SimilarToSeen | Unset):  Default: SimilarToSeen.EXCLUDE.
        titles (bool | Unset):  Default: False.
        top_k (int | Unset):  Default: 20.
        user_id (int | str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | SimilarAnswer]
    """

    kwargs = _get_kwargs(
        movie_id=movie_id,
        age_limit=age_limit,
        certificate=certificate,
        country=country,
        cursor=cursor,
        details=details,
        language=language,
        seen=seen,
        titles=titles,
        top_k=top_k,
        user_id=user_id,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    movie_id: str,
    *,
    client: AuthenticatedClient,
    age_limit: int | Unset = UNSET,
    certificate: SimilarToCertificate | Unset = UNSET,
    country: SimilarToCountry | Unset = UNSET,
    cursor: str | Unset = UNSET,
    details: bool | Unset = False,
    language: str | Unset = UNSET,
    seen: SimilarToSeen | Unset = SimilarToSeen.EXCLUDE,
    titles: bool | Unset = False,
    top_k: int | Unset = 20,
    user_id: int | str | Unset = UNSET,
) -> Problem | SimilarAnswer | None:
    """Films like a film, for caches: what POST /similar answers.

     Without a viewer the answer is the same for everyone: a shared cache may keep it. It has an ETag.

    Args:
        movie_id (str):
        age_limit (int | Unset):
        certificate (SimilarToCertificate | Unset):
        country (SimilarToCountry | Unset):
        cursor (str | Unset):
        details (bool | Unset):  Default: False.
        language (str | Unset):
        seen (SimilarToSeen | Unset):  Default: SimilarToSeen.EXCLUDE.
        titles (bool | Unset):  Default: False.
        top_k (int | Unset):  Default: 20.
        user_id (int | str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | SimilarAnswer
    """

    return (
        await asyncio_detailed(
            movie_id=movie_id,
            client=client,
            age_limit=age_limit,
            certificate=certificate,
            country=country,
            cursor=cursor,
            details=details,
            language=language,
            seen=seen,
            titles=titles,
            top_k=top_k,
            user_id=user_id,
        )
    ).parsed
