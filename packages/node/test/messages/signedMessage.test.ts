import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { KeysManager } from "@fulmen/lightning/sign";
import { NodeError } from "@fulmen/node";
import { signerOf, signMessage } from "#src/messages/index";

describe("signed messages", () => {
  it("a signature names its signer, for its own text only", () => {
    const keys = new KeysManager(new Uint8Array(32).fill(9));
    const signature = signMessage(keys, "is everything well?");
    assert.equal(signature.length, 104);
    assert.equal(signerOf("is everything well?", signature), keys.nodeId);
    assert.notEqual(signerOf("is everything fine?", signature), keys.nodeId);
  });

  it("texts that are no signature are refused", () => {
    const keys = new KeysManager(new Uint8Array(32).fill(9));
    const signature = signMessage(keys, "");
    for (const text of ["", signature.slice(1), `${signature.slice(0, -1)}l`, "y".repeat(104)]) {
      assert.throws(
        () => signerOf("", text),
        (error: unknown) => error instanceof NodeError && error.code === "invalid-signature",
      );
    }
  });
});
