import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { encodeHeader, hasProofOfWork } from "@fulmen/bitcoin/block";
import { networks } from "@fulmen/bitcoin/network";
import { type Txid, toHex } from "@fulmen/bitcoin/primitives";
import { regtestGenesis } from "@fulmen/testkit/chain";
import type { ScriptHash } from "#src/electrum/scriptHash";
import { statusOf } from "#src/electrum/scriptStatus";
import { ElectrumTransactionClient } from "#src/electrum/transactionClient";
import { scriptedSession } from "./scriptedSession.ts";

const txid = "ab".repeat(32) as Txid;

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

  it("believes a tip that is told right behind the answer, not the answer", async (test) => {
    const hex = toHex(encodeHeader(regtestGenesis.header));
    let notify: () => void = () => {};
    const { session, say } = await scriptedSession(test, {
      "blockchain.headers.subscribe": () => {
        // Before whoever waits for the answer goes on, as if both came in one piece.
        queueMicrotask(() => notify());
        return { hex, height: 7 };
      },
    });
    notify = () => say({ method: "blockchain.headers.subscribe", params: [{ hex, height: 8 }] });
    await session.refresh();
    assert.equal(session.tip.height, 8);
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
      "blockchain.scripthash.subscribe": () => statusOf([{ txid, height: 5 }]),
      "blockchain.scripthash.get_history": () => [{ tx_hash: txid, height: 5 }],
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

  it("gives no history that is not the one of its status, and asks again for what may have changed", async (test) => {
    const second = "cd".repeat(32) as Txid;
    const whole = [
      { tx_hash: txid, height: 5 },
      { tx_hash: second, height: 0 },
    ];
    const status = statusOf([
      { txid, height: 5 },
      { txid: second, height: 0 },
    ]);
    const clientOf = async (histories: readonly unknown[]) => {
      const { session, asked } = await scriptedSession(test, {
        "blockchain.scripthash.subscribe": () => status,
        "blockchain.scripthash.get_history": () =>
          histories[asked.filter((method) => method.endsWith("get_history")).length - 1] ?? [],
      });
      return new ElectrumTransactionClient(async () => session, 10);
    };
    const late = await clientOf([[], whole.slice(0, 1), whole]);
    assert.deepEqual(await late.scriptHistory(Uint8Array.of(1)), [
      { txid, height: 5 },
      { txid: second, height: undefined },
    ]);
    const never = await clientOf([]);
    await assert.rejects(never.scriptHistory(Uint8Array.of(1)), { code: "invalid-answer" });
  });

  it("takes any order of unconfirmed transactions, since old servers have none, but does not remember it", async (test) => {
    const [a, b] = ["aa", "bb"].map((pair) => ({ txid: pair.repeat(32) as Txid, height: 0 }));
    assert.ok(a && b);
    for (const [order, times] of [
      [[b, a], 2],
      [[a, b], 1],
    ] as const) {
      const { session, asked } = await scriptedSession(test, {
        "blockchain.scripthash.subscribe": () => statusOf([...order]),
        "blockchain.scripthash.get_history": () => [a, b].map(({ txid: id }) => ({ tx_hash: id, height: 0 })),
      });
      const client = new ElectrumTransactionClient(async () => session, 10);
      for (let time = 0; time < 2; time++)
        assert.equal((await client.scriptHistory(Uint8Array.of(1))).length, 2);
      assert.equal(asked.filter((method) => method.endsWith("get_history")).length, times);
    }
  });
});
