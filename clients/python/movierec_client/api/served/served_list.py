from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...models.problem import Problem
from ...models.served_list import ServedList
from ...types import Response


def _get_kwargs(
    recommendation_id: str,
) -> dict[str, Any]:

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/recommendations/{recommendation_id}".format(
            recommendation_id=quote(str(recommendation_id), safe=""),
        ),
    }

    return _kwargs


def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> Problem | ServedList:
    if response.status_code == 200:
        response_200 = ServedList.from_dict(response.json())

        return response_200

    response_default = Problem.from_dict(response.json())

    return response_default


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[Problem | ServedList]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    recommendation_id: str,
    *,
    client: AuthenticatedClient,
) -> Response[Problem | ServedList]:
    """A list as a client got it.

     A list as a client got it.

    Args:
        recommendation_id (str):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | ServedList]
    """

    kwargs = _get_kwargs(
        recommendation_id=recommendation_id,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    recommendation_id: str,
    *,
    client: AuthenticatedClient,
) -> Problem | ServedList | None:
    """A list as a client got it.

     A list as a client got it.

    Args:
        recommendation_id (str):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | ServedList
    """

    return sync_detailed(
        recommendation_id=recommendation_id,
        client=client,
    ).parsed


async def asyncio_detailed(
    recommendation_id: str,
    *,
    client: AuthenticatedClient,
) -> Response[Problem | ServedList]:
    """A list as a client got it.

     A list as a client got it.

    Args:
        recommendation_id (str):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | ServedList]
    """

    kwargs = _get_kwargs(
        recommendation_id=recommendation_id,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    recommendation_id: str,
    *,
    client: AuthenticatedClient,
) -> Problem | ServedList | None:
    """A list as a client got it.

     A list as a client got it.

    Args:
        recommendation_id (str):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | ServedList
    """

    return (
        await asyncio_detailed(
            recommendation_id=recommendation_id,
            client=client,
        )
    ).parsed
