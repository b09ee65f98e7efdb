interface Config {
  tokenUrl: string; // the site's own address for viewers' tokens; empty: the demo's, or none
  posterOrigins: string[]; // whose images may be shown
  staff: boolean; // whether the page links to the admin
}

function read(): Config {
  const text = document.querySelector<HTMLMetaElement>("meta[name=movierec]")?.content ?? "";
  return text.startsWith("{") ? (JSON.parse(text) as Config) : { tokenUrl: "", posterOrigins: [], staff: true };
}

export const config = read();

/** Return the address of a poster that may be shown; empty: draw one. */
export function allowedPoster(url: string | undefined): string {
  if (!url) return "";
  try {
    const { origin } = new URL(url, location.href);
    return origin === location.origin || config.posterOrigins.includes(origin) ? url : "";
  } catch {
    return "";
  }
}
