import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { networks } from "@fulmen/bitcoin/network";
import { ChainSourceError, ChainUtxoLookup } from "@fulmen/chain-sync";
import type { UtxoAnswer } from "@fulmen/lightning/gossip";
import { type ShortChannelId, sat } from "@fulmen/lightning/util";

const found: UtxoAnswer = { kind: "found", value: sat(1_000n), script: Uint8Array.of(1) };
const chainHash = networks.regtest.genesisHash;

/** Answers when the test says so. */
class Double {
  readonly asked: { readonly id: ShortChannelId; readonly settle: (answer: UtxoAnswer | Error) => void }[] =
    [];

  utxo(id: ShortChannelId): Promise<UtxoAnswer> {
    return new Promise((resolve, reject) => {
      this.asked.push({
        id,
        settle: (answer) => (answer instanceof Error ? reject(answer) : resolve(answer)),
      });
    });
  }
}

function lookupOf(options: { atOnce?: number; capacity?: number } = {}) {
  const source = new Double();
  const answers: [ShortChannelId, string][] = [];
  const answered = (id: ShortChannelId, { kind }: UtxoAnswer): void => void answers.push([id, kind]);
  const lookup = new ChainUtxoLookup({ source, answered, pauseMilliseconds: 1, ...options });
  const ask = (id: number) => lookup.getUtxo(chainHash, BigInt(id) as ShortChannelId).kind;
  return { source, answers, lookup, ask };
}

const turn = () => new Promise((resolve) => setTimeout(resolve, 5));

describe("looking up announced channels", () => {
  it("asks few at a time and passes on what it hears", async () => {
    const { source, answers, lookup, ask } = lookupOf({ atOnce: 2 });
    for (let id = 1; id <= 4; id++) assert.equal(ask(id), "pending");
    assert.equal(source.asked.length, 2);
    assert.equal(lookup.size, 4);
    source.asked[0]?.settle(found);
    source.asked[1]?.settle({ kind: "not-found" });
    await turn();
    assert.equal(source.asked.length, 4);
    for (const { settle } of source.asked) settle(found);
    await turn();
    assert.deepEqual(answers.map(([id]) => id).sort(), [1n, 2n, 3n, 4n]);
    assert.deepEqual(answers.slice(0, 2), [
      [1n, "found"],
      [2n, "not-found"],
    ]);
    assert.equal(lookup.size, 0);
  });

  it("waits while nobody answers, but not for ever", async () => {
    const { source, answers, ask } = lookupOf();
    ask(1);
    for (let n = 0; n < 5; n++) {
      assert.equal(answers.length, 0);
      source.asked[n]?.settle(new ChainSourceError("unreachable", "nobody is there", "start it"));
      await turn();
    }
    assert.equal(source.asked.length, 5);
    assert.deepEqual(answers, [[1n, "not-found"]]);
  });

  it("passes over what cannot be answered", async () => {
    const { source, answers, ask } = lookupOf();
    ask(1);
    source.asked[0]?.settle(new ChainSourceError("pruned", "too old", "keep more"));
    await turn();
    assert.deepEqual(answers, [[1n, "not-found"]]);
  });

  it("is bounded, and stops", async () => {
    const { source, answers, lookup, ask } = lookupOf({ atOnce: 1, capacity: 2 });
    assert.deepEqual([1, 2, 3, 4].map(ask), ["pending", "pending", "pending", "not-found"]);
    lookup.stop();
    source.asked[0]?.settle(found);
    await turn();
    assert.deepEqual(answers, []);
    assert.equal(source.asked.length, 1);
    assert.equal(ask(5), "not-found");
  });
});
