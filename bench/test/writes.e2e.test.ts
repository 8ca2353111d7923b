import assert from "node:assert/strict";
import { before, it } from "node:test";
import { installNodeCrypto } from "@fulmen/crypto-node";
import { fewestChannels } from "#src/fulmen/forwardingLine";
import { bytesOfPayment, sumOf, writingWorld } from "#src/writes";

// What one forwarded payment writes, over all three nodes. Who lowers a number may be proud of it and write it here;
// who raises one should know why.

/** Keys and values, bytes a payment. */
const known: Readonly<Record<string, number>> = {
  "batch-sequence": 442,
  "channel/commitments": 5_090,
  "channel/htlc/disposition": 1_045,
  "channel/htlc/interval": 810,
  "channel/htlc/onion": 3_445,
  "channel/htlc/static": 1_310,
  "channel/secret": 968,
  event: 1_510,
  "event-ack": 105,
  "monitor/htlcs": 1_630,
  "monitor/secret": 968,
  "monitor/update": 4_290,
  payment: 712,
  settled: 670,
};

before(() => installNodeCrypto());

it("a forwarded payment writes as many bytes as known", async () => {
  const bytes = await bytesOfPayment(await writingWorld(fewestChannels));
  const facts = new Map<string, number>();
  for (const role of [bytes.payer, bytes.hop, bytes.payee]) {
    for (const [fact, some] of role) facts.set(fact, (facts.get(fact) ?? 0) + some);
  }
  assert.deepEqual([...facts.keys()].sort(), Object.keys(known).sort());
  // Numbers take a byte more now and then.
  const grown = [...facts].filter(([fact, some]) => some > 1.01 * (known[fact] ?? 0));
  assert.deepEqual(grown, []);
  assert.ok(sumOf(bytes) < 23_200, `${sumOf(bytes)} bytes`);
});
