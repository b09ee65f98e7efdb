from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...models.problem import Problem
from ...models.profile_values import ProfileValues
from ...models.written_profile import WrittenProfile
from ...types import Response


def _get_kwargs(
    user_id: str,
    *,
    body: ProfileValues,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {
        "method": "put",
        "url": "/users/{user_id}".format(
            user_id=quote(str(user_id), safe=""),
        ),
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> Problem | WrittenProfile:
    if response.status_code == 200:
        response_200 = WrittenProfile.from_dict(response.json())

        return response_200

    if response.status_code == 201:
        response_201 = WrittenProfile.from_dict(response.json())

        return response_201

    response_default = Problem.from_dict(response.json())

    return response_default


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[Problem | WrittenProfile]:
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
    body: ProfileValues,
) -> Response[Problem | WrittenProfile]:
    """Makes a viewer, or writes the whole profile: what is left out is reset. Scope users:write.

     Makes a viewer, or writes the whole profile: what is left out is reset. Scope users:write.

    Args:
        user_id (str):
        body (ProfileValues): Validate only the fields that were sent: an absent one costs its
            default, where the base class asks every field.

            One instance serves all requests: it keeps no state.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | WrittenProfile]
    """

    kwargs = _get_kwargs(
        user_id=user_id,
        body=body,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    user_id: str,
    *,
    client: AuthenticatedClient,
    body: ProfileValues,
) -> Problem | WrittenProfile | None:
    """Makes a viewer, or writes the whole profile: what is left out is reset. Scope users:write.

     Makes a viewer, or writes the whole profile: what is left out is reset. Scope users:write.

    Args:
        user_id (str):
        body (ProfileValues): Validate only the fields that were sent: an absent one costs its
            default, where the base class asks every field.

            One instance serves all requests: it keeps no state.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | WrittenProfile
    """

    return sync_detailed(
        user_id=user_id,
        client=client,
        body=body,
    ).parsed


async def asyncio_detailed(
    user_id: str,
    *,
    client: AuthenticatedClient,
    body: ProfileValues,
) -> Response[Problem | WrittenProfile]:
    """Makes a viewer, or writes the whole profile: what is left out is reset. Scope users:write.

     Makes a viewer, or writes the whole profile: what is left out is reset. Scope users:write.

    Args:
        user_id (str):
        body (ProfileValues): Validate only the fields that were sent: an absent one costs its
            default, where the base class asks every field.

            One instance serves all requests: it keeps no state.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | WrittenProfile]
    """

    kwargs = _get_kwargs(
        user_id=user_id,
        body=body,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    user_id: str,
    *,
    client: AuthenticatedClient,
    body: ProfileValues,
) -> Problem | WrittenProfile | None:
    """Makes a viewer, or writes the whole profile: what is left out is reset. Scope users:write.

     Makes a viewer, or writes the whole profile: what is left out is reset. Scope users:write.

    Args:
        user_id (str):
        body (ProfileValues): Validate only the fields that were sent: an absent one costs its
            default, where the base class asks every field.

            One instance serves all requests: it keeps no state.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | WrittenProfile
    """

    return (
        await asyncio_detailed(
            user_id=user_id,
            client=client,
            body=body,
        )
    ).parsed
