import createFetchClient, { type Client } from "openapi-fetch";
import type { components, paths } from "./schema.js";

export type { components, paths };
export type Schemas = components["schemas"];

export interface ClientOptions {
  /** Where movierec is: "https://films.example"; "" for the page's own site. */
  baseUrl: string;
  /** A key of the site's server. Never in a browser: there a viewer's token stands in its place. */
  apiKey?: string;
  /** Gives the viewer's token, a new one if `renew` says that the last was refused; undefined for none. */
  viewerToken?: (renew: boolean) => Promise<string | undefined>;
  /** In place of the global one. */
  fetch?: (request: Request) => Promise<Response>;
}

/** Make a client of movierec's API: `client.GET("/home", {params: {query: {rows: 8}}})` gives `{data, error, response}`.
 *  With a viewer's token a call that is refused with 401 is sent once more, with a new token. */
export function createClient(options: ClientOptions): Client<paths> {
  const send = options.fetch ?? ((request: Request) => fetch(request));

  async function authorise(request: Request, renew: boolean): Promise<Request> {
    if (options.apiKey !== undefined) {
      request.headers.set("Authorization", `Api-Key ${options.apiKey}`);
    } else {
      const token = await options.viewerToken?.(renew);
      if (token !== undefined) request.headers.set("Authorization", `Viewer-Token ${token}`);
    }
    return request;
  }

  return createFetchClient<paths>({
    baseUrl: options.baseUrl,
    fetch: async (request: Request) => {
      const again = options.viewerToken ? request.clone() : undefined;
      const response = await send(await authorise(request, false));
      if (response.status !== 401 || again === undefined) return response;
      return send(await authorise(again, true));
    },
  });
}
