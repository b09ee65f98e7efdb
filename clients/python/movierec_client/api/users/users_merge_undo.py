from http import HTTPStatus
from typing import Any

import httpx

from ...client import AuthenticatedClient, Client
from ...models.problem import Problem
from ...models.undo_answer import UndoAnswer
from ...models.undo_request import UndoRequest
from ...types import Response


def _get_kwargs(
    *,
    body: UndoRequest,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/users/merge/undo",
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> Problem | UndoAnswer:
    if response.status_code == 200:
        response_200 = UndoAnswer.from_dict(response.json())

        return response_200

    response_default = Problem.from_dict(response.json())

    return response_default


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[Problem | UndoAnswer]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    body: UndoRequest,
) -> Response[Problem | UndoAnswer]:
    """Gives back what a merge of the last day had moved.

     Gives back what a merge of the last day had moved.

    Args:
        body (UndoRequest): Validate only the fields that were sent: an absent one costs its
            default, where the base class asks every field.

            One instance serves all requests: it keeps no state.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | UndoAnswer]
    """

    kwargs = _get_kwargs(
        body=body,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
    body: UndoRequest,
) -> Problem | UndoAnswer | None:
    """Gives back what a merge of the last day had moved.

     Gives back what a merge of the last day had moved.

    Args:
        body (UndoRequest): Validate only the fields that were sent: an absent one costs its
            default, where the base class asks every field.

            One instance serves all requests: it keeps no state.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | UndoAnswer
    """

    return sync_detailed(
        client=client,
        body=body,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    body: UndoRequest,
) -> Response[Problem | UndoAnswer]:
    """Gives back what a merge of the last day had moved.

     Gives back what a merge of the last day had moved.

    Args:
        body (UndoRequest): Validate only the fields that were sent: an absent one costs its
            default, where the base class asks every field.

            One instance serves all requests: it keeps no state.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | UndoAnswer]
    """

    kwargs = _get_kwargs(
        body=body,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    body: UndoRequest,
) -> Problem | UndoAnswer | None:
    """Gives back what a merge of the last day had moved.

     Gives back what a merge of the last day had moved.

    Args:
        body (UndoRequest): Validate only the fields that were sent: an absent one costs its
            default, where the base class asks every field.

            One instance serves all requests: it keeps no state.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | UndoAnswer
    """

    return (
        await asyncio_detailed(
            client=client,
            body=body,
        )
    ).parsed
