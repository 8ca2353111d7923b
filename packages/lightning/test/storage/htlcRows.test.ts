import assert from "node:assert/strict";
import { test } from "node:test";
import type { Disposition } from "#src/channel/disposition";
import { decode, encode } from "#src/codec/codec";
import { dispositionRow } from "#src/storage/v1/htlcRows";
import type { Bytes32 } from "#src/util/bytes";
import { msat } from "#src/util/units";

const bytes32 = (fill: number): Bytes32 => new Uint8Array(32).fill(fill) as Bytes32;

test("a spontaneous payment has no payment secret, and is stored all the same", () => {
  const disposition: Exclude<Disposition, { readonly kind: "undecided" }> = {
    kind: "claimable",
    sharedSecret: bytes32(1),
    totalAmount: msat(8_000_000n),
    preimage: bytes32(2),
    spontaneous: true,
  };
  assert.deepEqual(decode(dispositionRow, encode(dispositionRow, { disposition })), { disposition });
});
