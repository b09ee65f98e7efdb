from http import HTTPStatus
from typing import Any

import httpx

from ...client import AuthenticatedClient, Client
from ...models.batch_job_answer import BatchJobAnswer
from ...models.cache_batch_request import CacheBatchRequest
from ...models.problem import Problem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    body: CacheBatchRequest | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/batch/recommend/cache",
    }

    if not isinstance(body, Unset):
        _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> BatchJobAnswer | Problem:
    if response.status_code == 202:
        response_202 = BatchJobAnswer.from_dict(response.json())

        return response_202

    response_default = Problem.from_dict(response.json())

    return response_default


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[BatchJobAnswer | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    body: CacheBatchRequest | Unset = UNSET,
) -> Response[BatchJobAnswer | Problem]:
    """Computes and stores lists for all viewers, or for those sent.

     With the header `Idempotency-Key` (1 to 128 printable ASCII characters) the same body sent again is
    answered with the same job, and another body with 422.

    Args:
        body (CacheBatchRequest | Unset): Validate only the fields that were sent: an absent one
            costs its default, where the base class asks every field.

            One instance serves all requests: it keeps no state.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[BatchJobAnswer | Problem]
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
    body: CacheBatchRequest | Unset = UNSET,
) -> BatchJobAnswer | Problem | None:
    """Computes and stores lists for all viewers, or for those sent.

     With the header `Idempotency-Key` (1 to 128 printable ASCII characters) the same body sent again is
    answered with the same job, and another body with 422.

    Args:
        body (CacheBatchRequest | Unset): Validate only the fields that were sent: an absent one
            costs its default, where the base class asks every field.

            One instance serves all requests: it keeps no state.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        BatchJobAnswer | Problem
    """

    return sync_detailed(
        client=client,
        body=body,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    body: CacheBatchRequest | Unset = UNSET,
) -> Response[BatchJobAnswer | Problem]:
    """Computes and stores lists for all viewers, or for those sent.

     With the header `Idempotency-Key` (1 to 128 printable ASCII characters) the same body sent again is
    answered with the same job, and another body with 422.

    Args:
        body (CacheBatchRequest | Unset): Validate only the fields that were sent: an absent one
            costs its default, where the base class asks every field.

            One instance serves all requests: it keeps no state.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[BatchJobAnswer | Problem]
    """

    kwargs = _get_kwargs(
        body=body,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    body: CacheBatchRequest | Unset = UNSET,
) -> BatchJobAnswer | Problem | None:
    """Computes and stores lists for all viewers, or for those sent.

     With the header `Idempotency-Key` (1 to 128 printable ASCII characters) the same body sent again is
    answered with the same job, and another body with 422.

    Args:
        body (CacheBatchRequest | Unset): Validate only the fields that were sent: an absent one
            costs its default, where the base class asks every field.

            One instance serves all requests: it keeps no state.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        BatchJobAnswer | Problem
    """

    return (
        await asyncio_detailed(
            client=client,
            body=body,
        )
    ).parsed
