import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { GossipVerifier } from "@fulmen/background";
import { crypto } from "@fulmen/bitcoin/crypto";
import type { GossipSignature } from "@fulmen/lightning/gossip";
import { fakeNode } from "./fakes.ts";

/** Batches that wait to be handed out, and what came back. */
class FakeGossip {
  readonly waiting: (readonly GossipSignature[])[] = [];
  readonly verdicts: [number, readonly boolean[]][] = [];
  #batches = 0;

  takeSignatureBatch() {
    const signatures = this.waiting.shift();
    if (signatures === undefined) return undefined;
    this.#batches++;
    return { batchId: this.#batches, signatures };
  }

  signaturesChecked(batchId: number, verdicts: readonly boolean[]): void {
    this.verdicts.push([batchId, verdicts]);
  }
}

/** Answers when the test says so. */
class HeldVerifier {
  readonly threads = 2;
  readonly asked: { readonly count: number; answer(verdicts: readonly boolean[] | Error): void }[] = [];

  verifyBatch(signatures: readonly GossipSignature[]): Promise<readonly boolean[]> {
    return new Promise((resolve, reject) => {
      this.asked.push({
        count: signatures.length,
        answer: (verdicts) => (verdicts instanceof Error ? reject(verdicts) : resolve(verdicts)),
      });
    });
  }
}

const key = new Uint8Array(32).fill(5);
const hash = crypto().sha256(key);
const valid = { signature: crypto().ecdsaSign(hash, key), hash, key: crypto().publicKey(key) };
const invalid = { ...valid, hash: crypto().sha256(hash) };

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe("signatures that are verified elsewhere", () => {
  it("go out two batches for each thread at a time, and come back in any order", async () => {
    const gossip = new FakeGossip();
    const verifier = new HeldVerifier();
    let progress = 0;
    const pump = new GossipVerifier({ gossip, verifier, progressed: () => void progress++ });
    gossip.waiting.push(...[1, 2, 3, 4, 5, 6].map((count) => new Array(count).fill(valid)));
    pump.pump();
    pump.pump();
    assert.deepEqual(
      verifier.asked.map(({ count }) => count),
      [1, 2, 3, 4],
    );
    verifier.asked[1]?.answer([true, false]);
    await turn();
    verifier.asked[0]?.answer([false]);
    await turn();
    assert.deepEqual(gossip.verdicts, [
      [2, [true, false]],
      [1, [false]],
    ]);
    assert.equal(verifier.asked.length, 6);
    assert.equal(progress, 2);
  });

  it("are verified here when nobody else can", async () => {
    const gossip = new FakeGossip();
    const verifier = new HeldVerifier();
    const pump = new GossipVerifier({ gossip, verifier, progressed: () => {} });
    gossip.waiting.push([valid, invalid]);
    pump.pump();
    verifier.asked[0]?.answer(new Error("closed"));
    await turn();
    assert.deepEqual(gossip.verdicts, [[1, [true, false]]]);
  });

  it("are asked for by a node whenever something may have come, and what they let through is sent", async () => {
    const gossip = new FakeGossip();
    const signatureVerifier = new HeldVerifier();
    const { processor, calls } = fakeNode({
      gossip: Object.assign(gossip, { tick: () => {}, handleNetworkUpdate: () => {} }),
      signatureVerifier,
    });
    processor.start();
    await turn();
    gossip.waiting.push([valid]);
    processor.wake();
    await turn();
    const flushes = () => calls.filter((call) => call === "flush").length;
    const before = flushes();
    signatureVerifier.asked[0]?.answer([true]);
    await turn();
    assert.deepEqual(gossip.verdicts, [[1, [true]]]);
    assert.ok(flushes() > before);
    await processor.stop();
  });
});
