from http import HTTPStatus
from typing import Any
from urllib.parse import quote
from uuid import UUID

import httpx

from ...client import AuthenticatedClient, Client
from ...models.problem import Problem
from ...models.rejected_answer import RejectedAnswer
from ...types import UNSET, Response, Unset


def _get_kwargs(
    job_id: UUID,
    *,
    cursor: int | Unset = -1,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    params["cursor"] = cursor

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/jobs/{job_id}/rejected".format(
            job_id=quote(str(job_id), safe=""),
        ),
        "params": params,
    }

    return _kwargs


def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> Problem | RejectedAnswer:
    if response.status_code == 200:
        response_200 = RejectedAnswer.from_dict(response.json())

        return response_200

    response_default = Problem.from_dict(response.json())

    return response_default


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[Problem | RejectedAnswer]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    job_id: UUID,
    *,
    client: AuthenticatedClient,
    cursor: int | Unset = -1,
) -> Response[Problem | RejectedAnswer]:
    """Every row of an import that was rejected, a page at a time.

     Every row of an import that was rejected, a page at a time.

    Args:
        job_id (UUID):
        cursor (int | Unset):  Default: -1.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | RejectedAnswer]
    """

    kwargs = _get_kwargs(
        job_id=job_id,
        cursor=cursor,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    job_id: UUID,
    *,
    client: AuthenticatedClient,
    cursor: int | Unset = -1,
) -> Problem | RejectedAnswer | None:
    """Every row of an import that was rejected, a page at a time.

     Every row of an import that was rejected, a page at a time.

    Args:
        job_id (UUID):
        cursor (int | Unset):  Default: -1.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | RejectedAnswer
    """

    return sync_detailed(
        job_id=job_id,
        client=client,
        cursor=cursor,
    ).parsed


async def asyncio_detailed(
    job_id: UUID,
    *,
    client: AuthenticatedClient,
    cursor: int | Unset = -1,
) -> Response[Problem | RejectedAnswer]:
    """Every row of an import that was rejected, a page at a time.

     Every row of an import that was rejected, a page at a time.

    Args:
        job_id (UUID):
        cursor (int | Unset):  Default: -1.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | RejectedAnswer]
    """

    kwargs = _get_kwargs(
        job_id=job_id,
        cursor=cursor,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    job_id: UUID,
    *,
    client: AuthenticatedClient,
    cursor: int | Unset = -1,
) -> Problem | RejectedAnswer | None:
    """Every row of an import that was rejected, a page at a time.

     Every row of an import that was rejected, a page at a time.

    Args:
        job_id (UUID):
        cursor (int | Unset):  Default: -1.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | RejectedAnswer
    """

    return (
        await asyncio_detailed(
            job_id=job_id,
            client=client,
            cursor=cursor,
        )
    ).parsed
