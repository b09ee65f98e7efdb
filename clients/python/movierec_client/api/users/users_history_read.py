from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...models.history_page import HistoryPage
from ...models.problem import Problem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    user_id: str,
    *,
    cursor: str | Unset = UNSET,
    movie_id: int | str | Unset = UNSET,
    page_size: int | Unset = 50,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    params["cursor"] = cursor

    json_movie_id: int | str | Unset
    if isinstance(movie_id, Unset):
        json_movie_id = UNSET
    else:
        json_movie_id = movie_id
    params["movie_id"] = json_movie_id

    params["page_size"] = page_size

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/users/{user_id}/history".format(
            user_id=quote(str(user_id), safe=""),
        ),
        "params": params,
    }

    return _kwargs


def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> HistoryPage | Problem:
    if response.status_code == 200:
        response_200 = HistoryPage.from_dict(response.json())

        return response_200

    response_default = Problem.from_dict(response.json())

    return response_default


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[HistoryPage | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    user_id: str,
    *,
    client: AuthenticatedClient,
    cursor: str | Unset = UNSET,
    movie_id: int | str | Unset = UNSET,
    page_size: int | Unset = 50,
) -> Response[HistoryPage | Problem]:
    """All that a viewer did, the newest first. Scope users:read.

     All that a viewer did, the newest first. Scope users:read.

    Args:
        user_id (str):
        cursor (str | Unset):
        movie_id (int | str | Unset):
        page_size (int | Unset):  Default: 50.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[HistoryPage | Problem]
    """

    kwargs = _get_kwargs(
        user_id=user_id,
        cursor=cursor,
        movie_id=movie_id,
        page_size=page_size,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    user_id: str,
    *,
    client: AuthenticatedClient,
    cursor: str | Unset = UNSET,
    movie_id: int | str | Unset = UNSET,
    page_size: int | Unset = 50,
) -> HistoryPage | Problem | None:
    """All that a viewer did, the newest first. Scope users:read.

     All that a viewer did, the newest first. Scope users:read.

    Args:
        user_id (str):
        cursor (str | Unset):
        movie_id (int | str | Unset):
        page_size (int | Unset):  Default: 50.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        HistoryPage | Problem
    """

    return sync_detailed(
        user_id=user_id,
        client=client,
        cursor=cursor,
        movie_id=movie_id,
        page_size=page_size,
    ).parsed


async def asyncio_detailed(
    user_id: str,
    *,
    client: AuthenticatedClient,
    cursor: str | Unset = UNSET,
    movie_id: int | str | Unset = UNSET,
    page_size: int | Unset = 50,
) -> Response[HistoryPage | Problem]:
    """All that a viewer did, the newest first. Scope users:read.

     All that a viewer did, the newest first. Scope users:read.

    Args:
        user_id (str):
        cursor (str | Unset):
        movie_id (int | str | Unset):
        page_size (int | Unset):  Default: 50.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[HistoryPage | Problem]
    """

    kwargs = _get_kwargs(
        user_id=user_id,
        cursor=cursor,
        movie_id=movie_id,
        page_size=page_size,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    user_id: str,
    *,
    client: AuthenticatedClient,
    cursor: str | Unset = UNSET,
    movie_id: int | str | Unset = UNSET,
    page_size: int | Unset = 50,
) -> HistoryPage | Problem | None:
    """All that a viewer did, the newest first. Scope users:read.

     All that a viewer did, the newest first. Scope users:read.

    Args:
        user_id (str):
        cursor (str | Unset):
        movie_id (int | str | Unset):
        page_size (int | Unset):  Default: 50.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        HistoryPage | Problem
    """

    return (
        await asyncio_detailed(
            user_id=user_id,
            client=client,
            cursor=cursor,
            movie_id=movie_id,
            page_size=page_size,
        )
    ).parsed
