import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { KvEntry } from "#src/chain/kvStore";
import { formatNames } from "#src/commitment/formats/formatOf";
import { htlcStates } from "#src/commitment/htlcState";
import { readChannel } from "#src/storage/v1/readChannel";
import { recorded } from "./recorded.ts";
import { Dice, randomStep, type StoredParty, storedPair } from "./storedPair.ts";

/** As a store gives them: in the order of their keys. */
function live(party: StoredParty): readonly KvEntry[] {
  return [...party.store]
    .filter(([key]) => key.startsWith("channel/"))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => ({ key, value }));
}

function read(party: StoredParty) {
  const state = readChannel(live(party));
  if (!state.ok) throw new Error(state.error.text);
  return state.value;
}

describe("channelWrites and readChannel", () => {
  for (const format of formatNames) {
    it(`give back every state of random dances, ${format}`, () => {
      const seen = new Set<string>();
      for (let seed = 1; seed <= 3; seed++) {
        const dice = new Dice(seed);
        const pair = storedPair(format, dice);
        for (const party of pair) party.persist();
        for (let i = 0; i < 150; i++) {
          const party = randomStep(pair, dice);
          // Not every step is written: a batch may cover several.
          if (dice.roll(3) === 0) continue;
          party.persist();
          const state = read(party);
          assert.deepEqual(state, recorded(party.state));
          if (state.kind === "offline")
            for (const { state: name } of state.inner.channel.commitments.htlcs) seen.add(name);
        }
      }
      // All states that outlive a connection: neither unsigned, nor waiting for our own revocation, nor over.
      const lasting = Object.keys(htlcStates).filter((name) => !transient.has(name));
      assert.deepEqual([...seen].sort(), lasting.sort());
    });
  }
});

const transient = new Set([
  "sent-add-htlc",
  "received-add-htlc",
  "sent-remove-htlc",
  "received-remove-htlc",
  "received-add-commit",
  "received-add-ack-commit",
  "received-remove-commit",
  "received-remove-ack-commit",
  "received-remove-ack-revocation",
  "sent-remove-ack-revocation",
]);
