import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { inspect } from "node:util";
import { crypto } from "@fulmen/bitcoin/crypto";
import { verifyTransaction } from "@fulmen/bitcoin/interpreter";
import { fromHex, toHex } from "@fulmen/bitcoin/primitives";
import { p2wpkhOf } from "@fulmen/bitcoin/script";
import type { Transaction } from "@fulmen/bitcoin/transaction";
import { delayedToRemoteScript, scriptHashOutput } from "#src/commitment/formats/segwitScripts";
import { KeysManager } from "#src/sign/keysManager";
import type { Point } from "#src/util/bytes";
import { commitmentNumber, type Txid } from "#src/util/ids";
import { InvariantError } from "#src/util/invariant";
import { sat } from "#src/util/units";

interface LdkKeys {
  readonly seed: string;
  readonly nodeId: string;
  readonly destinationScript: string;
  readonly shutdownScript: string;
  readonly ecdh: { readonly point: string; readonly secret: string };
  readonly channels: readonly {
    readonly channelKeysId: string;
    readonly funding: string;
    readonly revocation: string;
    readonly delayedPayment: string;
    readonly htlc: string;
    readonly point0: string;
    readonly secret5: string;
  }[];
}
const ldk: LdkKeys = JSON.parse(
  readFileSync(new URL("../../../../fixtures/sign/ldk-keys.json", import.meta.url), "utf8"),
);
const seed = fromHex(ldk.seed);
const keys = new KeysManager(seed);

describe("the same seed in LDK", () => {
  test("gives the same node", () => {
    assert.equal(keys.nodeId, ldk.nodeId);
    assert.equal(toHex(keys.ecdh(fromHex(ldk.ecdh.point) as Point)), ldk.ecdh.secret);
    assert.equal(toHex(keys.destinationScript(new Uint8Array(32))), ldk.destinationScript);
    assert.equal(toHex(keys.shutdownScript()), ldk.shutdownScript);
  });

  for (const channel of ldk.channels) {
    test(`gives the same channel keys for ${channel.channelKeysId.slice(0, 8)}`, () => {
      const signer = keys.deriveChannelSigner(fromHex(channel.channelKeysId));
      assert.equal(toHex(signer.fundingKey), channel.funding);
      assert.equal(toHex(signer.basepoints.revocation), channel.revocation);
      assert.equal(toHex(signer.basepoints.delayedPayment), channel.delayedPayment);
      assert.equal(toHex(signer.basepoints.htlc), channel.htlc);
      assert.equal(toHex(signer.point(commitmentNumber(0))), channel.point0);
      assert.equal(
        toHex(signer.point(commitmentNumber(5))),
        toHex(crypto().publicKey(fromHex(channel.secret5))),
      );
      const revoked = signer.sign({
        kind: "revocation",
        number: commitmentNumber(5),
        pointNumber: commitmentNumber(7),
        next: [],
      });
      assert.equal(revoked.kind, "revocation");
      assert.equal(revoked.kind === "revocation" && toHex(revoked.secret), channel.secret5);
    });
  }
});

test("what a peer's commitment pays us is found with the seed alone", () => {
  const scripts = new Set(keys.counterpartyClosedScripts().map(toHex));
  assert.equal(scripts.size, 2000);
  for (let i = 0; i < 3; i++) {
    const { payment } = keys.deriveChannelSigner(crypto().sha256(Uint8Array.of(i))).basepoints;
    assert.ok(scripts.has(toHex(p2wpkhOf(payment))));
    assert.ok(scripts.has(toHex(scriptHashOutput(delayedToRemoteScript(payment)).script)));
  }
});

test("the node key signs gossip and invoices", () => {
  const point = fromHex(keys.nodeId);
  const message = Uint8Array.of(1, 2, 3);
  assert.ok(crypto().ecdsaVerify(keys.signGossip(message), crypto().hash256(message), point));
  const hash = crypto().sha256(message);
  const { signature, recovery } = keys.signInvoice(hash);
  assert.deepEqual(crypto().ecdsaRecover(signature, recovery, hash), point);
});

test("outputs to our scripts can be spent, others are not ours", () => {
  const outputs = [keys.destinationScript(new Uint8Array(32)), keys.shutdownScript()].map((script) => ({
    value: sat(5000),
    script,
  }));
  const spend: Transaction = {
    version: 2,
    inputs: outputs.map((_, index) => ({
      outPoint: { txid: "11".repeat(32) as Txid, index },
      scriptSig: new Uint8Array(0),
      sequence: 0xffff_fffd,
      witness: [],
    })),
    outputs: [{ value: sat(9000), script: keys.shutdownScript() }],
    locktime: 0,
  };
  const signed: Transaction = {
    ...spend,
    inputs: spend.inputs.map((input, index) => {
      const output = outputs[index] ?? assert.fail("no output");
      return { ...input, witness: keys.signOwnOutput(spend, index, output) ?? assert.fail("not ours") };
    }),
  };
  assert.deepEqual(verifyTransaction(signed, outputs), { ok: true });
  const foreign = { value: sat(5000), script: p2wpkhOf(fromHex(ldk.ecdh.point)) };
  assert.equal(keys.signOwnOutput(spend, 0, foreign), undefined);
});

test("no secret shows when a manager or a signer is printed", () => {
  const signer = keys.deriveChannelSigner(new Uint8Array(32));
  for (const shown of [inspect(keys, { depth: 9 }), inspect(signer, { depth: 9 })]) {
    assert.doesNotMatch(shown, /seed|secret|rivateKey/i);
  }
  assert.doesNotMatch(JSON.stringify(keys), /seed|xprv/);
});

test("seeds and ids of other lengths are a bug", () => {
  assert.throws(() => new KeysManager(new Uint8Array(16)), InvariantError);
  assert.throws(() => keys.deriveChannelSigner(new Uint8Array(31)), InvariantError);
  assert.throws(() => keys.generateChannelKeysId(true, new Uint8Array(16)), InvariantError);
});
