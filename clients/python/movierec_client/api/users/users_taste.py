from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...models.problem import Problem
from ...models.taste_answer import TasteAnswer
from ...types import UNSET, Response, Unset


def _get_kwargs(
    user_id: str,
    *,
    language: str | Unset = UNSET,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    params["language"] = language

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/users/{user_id}/taste".format(
            user_id=quote(str(user_id), safe=""),
        ),
        "params": params,
    }

    return _kwargs


def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> Problem | TasteAnswer:
    if response.status_code == 200:
        response_200 = TasteAnswer.from_dict(response.json())

        return response_200

    response_default = Problem.from_dict(response.json())

    return response_default


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[Problem | TasteAnswer]:
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
    language: str | Unset = UNSET,
) -> Response[Problem | TasteAnswer]:
    """What the system thinks that a viewer likes. Scope users:read.

     What the system thinks that a viewer likes. Scope users:read.

    Args:
        user_id (str):
        language (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | TasteAnswer]
    """

    kwargs = _get_kwargs(
        user_id=user_id,
        language=language,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    user_id: str,
    *,
    client: AuthenticatedClient,
    language: str | Unset = UNSET,
) -> Problem | TasteAnswer | None:
    """What the system thinks that a viewer likes. Scope users:read.

     What the system thinks that a viewer likes. Scope users:read.

    Args:
        user_id (str):
        language (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | TasteAnswer
    """

    return sync_detailed(
        user_id=user_id,
        client=client,
        language=language,
    ).parsed


async def asyncio_detailed(
    user_id: str,
    *,
    client: AuthenticatedClient,
    language: str | Unset = UNSET,
) -> Response[Problem | TasteAnswer]:
    """What the system thinks that a viewer likes. Scope users:read.

     What the system thinks that a viewer likes. Scope users:read.

    Args:
        user_id (str):
        language (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | TasteAnswer]
    """

    kwargs = _get_kwargs(
        user_id=user_id,
        language=language,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    user_id: str,
    *,
    client: AuthenticatedClient,
    language: str | Unset = UNSET,
) -> Problem | TasteAnswer | None:
    """What the system thinks that a viewer likes. Scope users:read.

     What the system thinks that a viewer likes. Scope users:read.

    Args:
        user_id (str):
        language (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | TasteAnswer
    """

    return (
        await asyncio_detailed(
            user_id=user_id,
            client=client,
            language=language,
        )
    ).parsed
