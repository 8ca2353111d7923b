const key = "fulmen-token";

/** What of a browser a session needs. */
export interface SessionHost {
  readonly storage: Pick<Storage, "getItem" | "setItem" | "removeItem">;
  readonly location: { readonly hash: string; readonly pathname: string };
  /** Puts another address into the address bar, without a new entry in the history. */
  readonly replaceAddress: (address: string) => void;
}

/**
 * The token of this tab. One in the address (`#token=...`) is kept and taken out of the address bar at once, so that it
 * is in no bookmark, history or screenshot.
 */
export function openSession({ storage, location, replaceAddress }: SessionHost): string | undefined {
  const [, given] = /^#token=([!-~]{1,200})$/.exec(location.hash) ?? [];
  if (given !== undefined) {
    replaceAddress(location.pathname);
    storage.setItem(key, decodeURIComponent(given));
  }
  return storage.getItem(key) ?? undefined;
}

/** Keeps a token that was pasted until the tab is closed. */
export function keepToken(storage: SessionHost["storage"], token: string): void {
  storage.setItem(key, token);
}

/** Forgets the token. */
export function endSession(storage: SessionHost["storage"]): void {
  storage.removeItem(key);
}
