import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { regtestGenesis } from "@fulmen/testkit/chain";
import { broadcastBy } from "#src/electrum/broadcast";
import { scriptedSession } from "./scriptedSession.ts";

const one = "blockchain.transaction.broadcast";
const several = "blockchain.transaction.broadcast_package";
const [transaction] = regtestGenesis.transactions;
assert.ok(transaction);
const other = { ...transaction, locktime: 7 };

function refusing(message: string, code = 1): () => never {
  return () => {
    throw { code, message };
  };
}

describe("broadcasts by an Electrum server", () => {
  it("are accepted when its node has the transaction, now or already", async (test) => {
    for (const answer of [
      () => "00",
      refusing("the transaction was rejected by network rules.\n\ntxn-already-in-mempool\n[00]"),
      refusing('sendrawtransaction RPC error: {"code":-27,"message":"Transaction already in block chain"}'),
      refusing(
        "the transaction was rejected by network rules.\n\nTransaction outputs already in utxo set\n[00]",
      ),
    ]) {
      const { session } = await scriptedSession(test, { [one]: answer });
      assert.deepEqual(await broadcastBy(session, [transaction]), { kind: "accepted" });
    }
  });

  it("are refused with the node's words, without the transaction that servers add to them", async (test) => {
    const { session } = await scriptedSession(test, {
      [one]: refusing(
        `the transaction was rejected by network rules.\n\ninsufficient fee, 1 < 2\n[${"00".repeat(900)}]`,
      ),
    });
    const refusal = { kind: "refused", reason: "insufficient fee, 1 < 2" };
    assert.deepEqual(await broadcastBy(session, [transaction]), refusal);
    const plain = await scriptedSession(test, { [one]: refusing("dust", 2) });
    assert.deepEqual(await broadcastBy(plain.session, [transaction]), { kind: "refused", reason: "dust" });
  });

  it("are neither when the server is at its limits", async (test) => {
    for (const overload of [
      refusing("excessive resource usage", -101),
      refusing("server busy - request timed out"),
    ]) {
      const { session } = await scriptedSession(test, { [one]: overload, [several]: overload });
      await assert.rejects(broadcastBy(session, [transaction]), { code: "invalid-answer" });
      await assert.rejects(broadcastBy(session, [transaction, other]), { code: "invalid-answer" });
    }
  });

  it("go as a package where that is known", async (test) => {
    const { session, asked } = await scriptedSession(test, { [several]: () => ({ success: true }) });
    assert.deepEqual(await broadcastBy(session, [transaction, other]), { kind: "accepted" });
    assert.deepEqual(asked, [several]);
  });

  it("go one by one where packages are not known, parents first", async (test) => {
    const { session, asked } = await scriptedSession(test, { [one]: () => "00" });
    assert.deepEqual(await broadcastBy(session, [transaction, other]), { kind: "accepted" });
    assert.deepEqual(asked, [several, one, one]);
  });

  it("go one by one after a refused package too: part of it may be mined", async (test) => {
    const refused = { success: false, errors: [{ txid: "00", error: "bad-txns-inputs-missingorspent" }] };
    const later = await scriptedSession(test, {
      [several]: () => refused,
      [one]: refusing("txn-already-known"),
    });
    assert.deepEqual(await broadcastBy(later.session, [transaction, other]), { kind: "accepted" });
    const never = await scriptedSession(test, {
      [several]: () => refused,
      [one]: refusing("min relay fee not met"),
    });
    assert.deepEqual(await broadcastBy(never.session, [transaction, other]), {
      kind: "refused",
      reason: "bad-txns-inputs-missingorspent",
    });
    for (const nonsense of [null, [], { success: 1 }, { success: false, errors: [null, {}] }]) {
      const { session } = await scriptedSession(test, { [several]: () => nonsense, [one]: refusing("no") });
      assert.equal((await broadcastBy(session, [transaction, other])).kind, "refused");
    }
  });
});
