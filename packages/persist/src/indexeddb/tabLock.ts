import { StoreError } from "../storeError.ts";
import type { Locks } from "./browser.ts";

/**
 * Keeps all other tabs and workers of this origin out of the store with that name, for as long as this one lives. Gives
 * what lets them in again. Rejects with `StoreError` `locked`.
 */
export function lockTab(locks: Locks, name: string): Promise<() => void> {
  return new Promise((fulfil, reject) => {
    locks
      .request(`fulmen-store:${name}`, { ifAvailable: true }, (lock) => {
        if (lock === null) {
          const text = `the store ${name} is in use by another tab or window of this browser: close that one first`;
          reject(new StoreError("locked", text));
          return undefined;
        }
        // The lock is held until this promise is fulfilled, or the page is gone.
        return new Promise<void>((release) => fulfil(release));
      })
      .catch(reject);
  });
}
