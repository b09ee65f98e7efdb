from http import HTTPStatus
from typing import Any

import httpx

from ...client import AuthenticatedClient, Client
from ...models.catalogue_report import CatalogueReport
from ...models.catalogue_report_response_default import CatalogueReportResponseDefault
from ...types import Response


def _get_kwargs() -> dict[str, Any]:

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/catalogue/report",
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> CatalogueReport | CatalogueReportResponseDefault:
    if response.status_code == 200:
        response_200 = CatalogueReport.from_dict(response.json())

        return response_200

    response_default = CatalogueReportResponseDefault.from_dict(response.json())

    return response_default


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[CatalogueReport | CatalogueReportResponseDefault]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
) -> Response[CatalogueReport | CatalogueReportResponseDefault]:
    """How many films lack what, hidden ones too, and which are there twice. Scope catalog:write.

     How many films lack what, hidden ones too, and which are there twice. Scope catalog:write.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[CatalogueReport | CatalogueReportResponseDefault]
    """

    kwargs = _get_kwargs()

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
) -> CatalogueReport | CatalogueReportResponseDefault | None:
    """How many films lack what, hidden ones too, and which are there twice. Scope catalog:write.

     How many films lack what, hidden ones too, and which are there twice. Scope catalog:write.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        CatalogueReport | CatalogueReportResponseDefault
    """

    return sync_detailed(
        client=client,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
) -> Response[CatalogueReport | CatalogueReportResponseDefault]:
    """How many films lack what, hidden ones too, and which are there twice. Scope catalog:write.

     How many films lack what, hidden ones too, and which are there twice. Scope catalog:write.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[CatalogueReport | CatalogueReportResponseDefault]
    """

    kwargs = _get_kwargs()

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
) -> CatalogueReport | CatalogueReportResponseDefault | None:
    """How many films lack what, hidden ones too, and which are there twice. Scope catalog:write.

     How many films lack what, hidden ones too, and which are there twice. Scope catalog:write.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        CatalogueReport | CatalogueReportResponseDefault
    """

    return (
        await asyncio_detailed(
            client=client,
        )
    ).parsed
