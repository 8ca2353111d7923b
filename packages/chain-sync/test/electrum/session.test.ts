import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { encodeHeader, hasProofOfWork } from "@fulmen/bitcoin/block";
import { networks } from "@fulmen/bitcoin/network";
import { toHex } from "@fulmen/bitcoin/primitives";
import { regtestGenesis } from "@fulmen/testkit/chain";
import type { ScriptHash } from "#src/electrum/scriptHash";
import { ElectrumTransactionClient } from "#src/electrum/transactionClient";
import { scriptedSession } from "./scriptedSession.ts";

describe("a session with an Electrum server", () => {
  it("begins with no tip that has no work", async (test) => {
    let header = regtestGenesis.header;
    while (hasProofOfWork(header, networks.regtest)) header = { ...header, nonce: header.nonce + 1 };
    const tip = () => ({ hex: toHex(encodeHeader(header)), height: 5 });
    await assert.rejects(scriptedSession(test, { "blockchain.headers.subscribe": tip }), {
      code: "invalid-chain",
    });
  });

  it("begins with a protocol that both speak, and no other", async (test) => {
    for (const protocol of ["1.4", "1.4.3", "1.5.1", "1.6"]) {
      assert.equal((await scriptedSession(test, {}, protocol)).session.protocol, protocol);
    }
    for (const protocol of ["1.3", "2.0", "1.40", "", "x"]) {
      await assert.rejects(scriptedSession(test, {}, protocol), { code: "unsupported" });
    }
    const refusing = (code: number) => ({
      "server.version": () => {
        throw { code, message: "no" };
      },
    });
    await assert.rejects(scriptedSession(test, refusing(1)), { code: "unsupported" });
    await assert.rejects(scriptedSession(test, refusing(-101)), { code: "invalid-answer" });
  });

  it("says when a history is too long for the server, which waiting does not help", async (test) => {
    for (const error of [
      { code: 10_001, message: "no" },
      { code: 1, message: "history too large" },
    ]) {
      const { session } = await scriptedSession(test, {
        "blockchain.scripthash.subscribe": () => {
          throw error;
        },
      });
      const asking = session.statusOf("00".repeat(32) as ScriptHash);
      await assert.rejects(asking, { code: "unsupported", isTransient: false });
    }
  });

  it("forgets scripts that nobody has asked for in twenty rounds", async (test) => {
    const { session, asked } = await scriptedSession(test, {
      "blockchain.scripthash.subscribe": () => "ab".repeat(32),
      "blockchain.scripthash.get_history": () => [],
      "blockchain.scripthash.unsubscribe": () => true,
    });
    const client = new ElectrumTransactionClient(async () => session, 10);
    const [kept, left] = [Uint8Array.of(1), Uint8Array.of(2)];
    await client.scriptHistory(left);
    for (let round = 0; round < 25; round++) {
      await client.scriptHistory(kept);
      client.endRound(session);
    }
    await client.scriptHistory(kept);
    const countOf = (name: string) =>
      asked.filter((method) => method === `blockchain.scripthash.${name}`).length;
    assert.deepEqual([countOf("subscribe"), countOf("get_history"), countOf("unsubscribe")], [2, 2, 1]);
    await client.scriptHistory(left);
    assert.deepEqual([countOf("subscribe"), countOf("get_history")], [3, 3]);
  });
});
