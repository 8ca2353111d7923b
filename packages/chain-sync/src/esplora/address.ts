import { ChainSourceError } from "../chainSourceError.ts";

/** Where a server is, and how it knows us. */
export interface EsploraAddress {
  /** Without a slash at its end, and without credentials. */
  readonly base: string;
  /** For logs: `esplora at https://example.com/api`. */
  readonly name: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Takes apart an address as users write it: user and password in it become a header, as browsers ask for. */
export function esploraAddress(text: string): EsploraAddress | undefined {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return undefined;
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") return undefined;
  const base = `${url.origin}${url.pathname.replace(/\/+$/, "")}`;
  const user = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  const headers: Record<string, string> = user === ":" ? {} : { Authorization: `Basic ${base64(user)}` };
  return { base, name: `esplora at ${base}`, headers };
}

/** For an address that is none. */
export function badAddress(): ChainSourceError {
  return new ChainSourceError(
    "unsupported",
    "the address of the Esplora server is no http or https address",
    "give the address of its API, such as https://blockstream.info/api",
  );
}

function base64(text: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}
