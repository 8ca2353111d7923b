import assert from "node:assert/strict";
import { StoreError, type StoreErrorCode } from "@fulmen/persist";

/** For `assert.rejects`: a `StoreError` with this code, whose message says this. */
export function refusal(code: StoreErrorCode, message: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof StoreError, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, message);
    return true;
  };
}
