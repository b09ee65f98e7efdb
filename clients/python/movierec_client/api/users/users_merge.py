from http import HTTPStatus
from typing import Any

import httpx

from ...client import AuthenticatedClient, Client
from ...models.merge_answer import MergeAnswer
from ...models.merge_request import MergeRequest
from ...models.problem import Problem
from ...types import Response


def _get_kwargs(
    *,
    body: MergeRequest,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/users/merge",
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> MergeAnswer | Problem:
    if response.status_code == 200:
        response_200 = MergeAnswer.from_dict(response.json())

        return response_200

    response_default = Problem.from_dict(response.json())

    return response_default


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[MergeAnswer | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    body: MergeRequest,
) -> Response[MergeAnswer | Problem]:
    """Folds what an anonymous session did into an account; an account into another only for users:erase.

     Folds what an anonymous session did into an account; an account into another only for users:erase.

    Args:
        body (MergeRequest): Validate only the fields that were sent: an absent one costs its
            default, where the base class asks every field.

            One instance serves all requests: it keeps no state.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[MergeAnswer | Problem]
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
    body: MergeRequest,
) -> MergeAnswer | Problem | None:
    """Folds what an anonymous session did into an account; an account into another only for users:erase.

     Folds what an anonymous session did into an account; an account into another only for users:erase.

    Args:
        body (MergeRequest): Validate only the fields that were sent: an absent one costs its
            default, where the base class asks every field.

            One instance serves all requests: it keeps no state.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        MergeAnswer | Problem
    """

    return sync_detailed(
        client=client,
        body=body,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    body: MergeRequest,
) -> Response[MergeAnswer | Problem]:
    """Folds what an anonymous session did into an account; an account into another only for users:erase.

     Folds what an anonymous session did into an account; an account into another only for users:erase.

    Args:
        body (MergeRequest): Validate only the fields that were sent: an absent one costs its
            default, where the base class asks every field.

            One instance serves all requests: it keeps no state.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[MergeAnswer | Problem]
    """

    kwargs = _get_kwargs(
        body=body,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    body: MergeRequest,
) -> MergeAnswer | Problem | None:
    """Folds what an anonymous session did into an account; an account into another only for users:erase.

     Folds what an anonymous session did into an account; an account into another only for users:erase.

    Args:
        body (MergeRequest): Validate only the fields that were sent: an absent one costs its
            default, where the base class asks every field.

            One instance serves all requests: it keeps no state.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        MergeAnswer | Problem
    """

    return (
        await asyncio_detailed(
            client=client,
            body=body,
        )
    ).parsed
