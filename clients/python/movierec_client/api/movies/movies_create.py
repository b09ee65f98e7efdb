from http import HTTPStatus
from typing import Any

import httpx

from ...client import AuthenticatedClient, Client
from ...models.movie_details import MovieDetails
from ...models.movies_create_response_default import MoviesCreateResponseDefault
from ...models.new_movie import NewMovie
from ...types import Response


def _get_kwargs(
    *,
    body: NewMovie,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/movies",
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> MovieDetails | MoviesCreateResponseDefault:
    if response.status_code == 201:
        response_201 = MovieDetails.from_dict(response.json())

        return response_201

    response_default = MoviesCreateResponseDefault.from_dict(response.json())

    return response_default


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[MovieDetails | MoviesCreateResponseDefault]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    body: NewMovie,
) -> Response[MovieDetails | MoviesCreateResponseDefault]:
    """A new film; it is in lists on the next read. Scope catalog:write.

     A new film; it is in lists on the next read. Scope catalog:write.

    Args:
        body (NewMovie): The body of POST /movies.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[MovieDetails | MoviesCreateResponseDefault]
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
    body: NewMovie,
) -> MovieDetails | MoviesCreateResponseDefault | None:
    """A new film; it is in lists on the next read. Scope catalog:write.

     A new film; it is in lists on the next read. Scope catalog:write.

    Args:
        body (NewMovie): The body of POST /movies.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        MovieDetails | MoviesCreateResponseDefault
    """

    return sync_detailed(
        client=client,
        body=body,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    body: NewMovie,
) -> Response[MovieDetails | MoviesCreateResponseDefault]:
    """A new film; it is in lists on the next read. Scope catalog:write.

     A new film; it is in lists on the next read. Scope catalog:write.

    Args:
        body (NewMovie): The body of POST /movies.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[MovieDetails | MoviesCreateResponseDefault]
    """

    kwargs = _get_kwargs(
        body=body,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    body: NewMovie,
) -> MovieDetails | MoviesCreateResponseDefault | None:
    """A new film; it is in lists on the next read. Scope catalog:write.

     A new film; it is in lists on the next read. Scope catalog:write.

    Args:
        body (NewMovie): The body of POST /movies.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        MovieDetails | MoviesCreateResponseDefault
    """

    return (
        await asyncio_detailed(
            client=client,
            body=body,
        )
    ).parsed
