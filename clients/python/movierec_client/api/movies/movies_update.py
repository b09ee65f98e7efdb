from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...models.movie_details import MovieDetails
from ...models.movies_update_response_default import MoviesUpdateResponseDefault
from ...models.patched_movie_values import PatchedMovieValues
from ...types import Response


def _get_kwargs(
    movie_id: str,
    *,
    body: PatchedMovieValues,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {
        "method": "patch",
        "url": "/movies/{movie_id}".format(
            movie_id=quote(str(movie_id), safe=""),
        ),
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> MovieDetails | MoviesUpdateResponseDefault:
    if response.status_code == 200:
        response_200 = MovieDetails.from_dict(response.json())

        return response_200

    response_default = MoviesUpdateResponseDefault.from_dict(response.json())

    return response_default


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[MovieDetails | MoviesUpdateResponseDefault]:
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
    body: PatchedMovieValues,
) -> Response[MovieDetails | MoviesUpdateResponseDefault]:
    """Changes what is named and leaves the rest; published: false hides the film. Scope catalog:write.

     Changes what is named and leaves the rest; published: false hides the film. Scope catalog:write.

    Args:
        movie_id (str):
        body (PatchedMovieValues): The body of PATCH /movies/{id}.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[MovieDetails | MoviesUpdateResponseDefault]
    """

    kwargs = _get_kwargs(
        movie_id=movie_id,
        body=body,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    movie_id: str,
    *,
    client: AuthenticatedClient,
    body: PatchedMovieValues,
) -> MovieDetails | MoviesUpdateResponseDefault | None:
    """Changes what is named and leaves the rest; published: false hides the film. Scope catalog:write.

     Changes what is named and leaves the rest; published: false hides the film. Scope catalog:write.

    Args:
        movie_id (str):
        body (PatchedMovieValues): The body of PATCH /movies/{id}.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        MovieDetails | MoviesUpdateResponseDefault
    """

    return sync_detailed(
        movie_id=movie_id,
        client=client,
        body=body,
    ).parsed


async def asyncio_detailed(
    movie_id: str,
    *,
    client: AuthenticatedClient,
    body: PatchedMovieValues,
) -> Response[MovieDetails | MoviesUpdateResponseDefault]:
    """Changes what is named and leaves the rest; published: false hides the film. Scope catalog:write.

     Changes what is named and leaves the rest; published: false hides the film. Scope catalog:write.

    Args:
        movie_id (str):
        body (PatchedMovieValues): The body of PATCH /movies/{id}.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[MovieDetails | MoviesUpdateResponseDefault]
    """

    kwargs = _get_kwargs(
        movie_id=movie_id,
        body=body,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    movie_id: str,
    *,
    client: AuthenticatedClient,
    body: PatchedMovieValues,
) -> MovieDetails | MoviesUpdateResponseDefault | None:
    """Changes what is named and leaves the rest; published: false hides the film. Scope catalog:write.

     Changes what is named and leaves the rest; published: false hides the film. Scope catalog:write.

    Args:
        movie_id (str):
        body (PatchedMovieValues): The body of PATCH /movies/{id}.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        MovieDetails | MoviesUpdateResponseDefault
    """

    return (
        await asyncio_detailed(
            movie_id=movie_id,
            client=client,
            body=body,
        )
    ).parsed
