from http import HTTPStatus
from typing import Any

import httpx

from ...client import AuthenticatedClient, Client
from ...models.problem import Problem
from ...models.viewer_token_answer import ViewerTokenAnswer
from ...models.viewer_token_request import ViewerTokenRequest
from ...types import Response


def _get_kwargs(
    *,
    body: ViewerTokenRequest,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/viewer-tokens",
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> Problem | ViewerTokenAnswer:
    if response.status_code == 200:
        response_200 = ViewerTokenAnswer.from_dict(response.json())

        return response_200

    response_default = Problem.from_dict(response.json())

    return response_default


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[Problem | ViewerTokenAnswer]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    body: ViewerTokenRequest,
) -> Response[Problem | ViewerTokenAnswer]:
    """A short-lived token for one viewer's lists, and events if asked for, for an app that must not have
    the key.

     A short-lived token for one viewer's lists, and events if asked for, for an app that must not have
    the key.

    Args:
        body (ViewerTokenRequest): Validate only the fields that were sent: an absent one costs
            its default, where the base class asks every field.

            One instance serves all requests: it keeps no state.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | ViewerTokenAnswer]
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
    body: ViewerTokenRequest,
) -> Problem | ViewerTokenAnswer | None:
    """A short-lived token for one viewer's lists, and events if asked for, for an app that must not have
    the key.

     A short-lived token for one viewer's lists, and events if asked for, for an app that must not have
    the key.

    Args:
        body (ViewerTokenRequest): Validate only the fields that were sent: an absent one costs
            its default, where the base class asks every field.

            One instance serves all requests: it keeps no state.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | ViewerTokenAnswer
    """

    return sync_detailed(
        client=client,
        body=body,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    body: ViewerTokenRequest,
) -> Response[Problem | ViewerTokenAnswer]:
    """A short-lived token for one viewer's lists, and events if asked for, for an app that must not have
    the key.

     A short-lived token for one viewer's lists, and events if asked for, for an app that must not have
    the key.

    Args:
        body (ViewerTokenRequest): Validate only the fields that were sent: an absent one costs
            its default, where the base class asks every field.

            One instance serves all requests: it keeps no state.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | ViewerTokenAnswer]
    """

    kwargs = _get_kwargs(
        body=body,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    body: ViewerTokenRequest,
) -> Problem | ViewerTokenAnswer | None:
    """A short-lived token for one viewer's lists, and events if asked for, for an app that must not have
    the key.

     A short-lived token for one viewer's lists, and events if asked for, for an app that must not have
    the key.

    Args:
        body (ViewerTokenRequest): Validate only the fields that were sent: an absent one costs
            its default, where the base class asks every field.

            One instance serves all requests: it keeps no state.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | ViewerTokenAnswer
    """

    return (
        await asyncio_detailed(
            client=client,
            body=body,
        )
    ).parsed
