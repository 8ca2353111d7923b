/** A file that is served to everybody. */
export interface Asset {
  readonly contentType: string;
  readonly body: Uint8Array<ArrayBuffer>;
}

/**
 * The file at a request's path, or the page that begins at `/`. Files are looked up by their whole path in a map and
 * never on the disk, so that no path leads out of it.
 */
export function assetResponse(
  assets: ReadonlyMap<string, Asset> | undefined,
  request: Request,
): Response | undefined {
  if (request.method !== "GET" && request.method !== "HEAD") return undefined;
  const { pathname } = new URL(request.url);
  const asset = assets?.get(pathname === "/" ? "/index.html" : pathname);
  if (asset === undefined) return undefined;
  return new Response(request.method === "HEAD" ? null : asset.body, {
    headers: {
      "content-type": asset.contentType,
      "content-security-policy":
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
      "referrer-policy": "no-referrer",
      "x-content-type-options": "nosniff",
      "cache-control": "no-cache",
    },
  });
}
