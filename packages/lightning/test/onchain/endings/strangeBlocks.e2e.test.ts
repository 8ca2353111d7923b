import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { encodeTypedSignature, p2tr } from "@fulmen/bitcoin/script";
import { sighashAll, tapLeafHash, taprootOutputKey } from "@fulmen/bitcoin/sighash";
import { type Transaction, type TxIn, txid } from "@fulmen/bitcoin/transaction";
import { installNodeCrypto } from "@fulmen/crypto-node";
import { inputOf } from "@fulmen/testkit/wallet";
import { formatNames } from "#src/commitment/formats/formatOf";
import type { FormatName } from "#src/commitment/params";
import { feeratePerKw, msat, sat } from "#src/util/units";
import { hashes, preimages, settle } from "../monitoredPair.ts";
import { signedCommitment } from "./cheat.ts";
import { type Delivery, deliveryNames } from "./deliveries.ts";
import { EndingParty } from "./endingParty.ts";
import { fundedChannel } from "./fundedChannel.ts";

installNodeCrypto();

/** `OP_SUCCESS80`: whatever else a tapscript and its witness have, it succeeds. */
const succeeds = Uint8Array.of(0x50);
/** The x coordinate of the curve's generator, as good as any key. */
const internalKey = Uint8Array.from(
  "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798".match(/../g) ?? [],
  (byte) => Number.parseInt(byte, 16),
);
const outputKey = taprootOutputKey(internalKey, tapLeafHash(succeeds)) ?? assert.fail("no such key");
const control = Uint8Array.of(0xc0 | outputKey.parity, ...internalKey);

/** What may stand before the script, the control block and an annex. */
const witnesses: Readonly<Record<string, readonly Uint8Array[]>> = {
  "one item of almost four million bytes": [new Uint8Array(3_900_000)],
  "half a million items": Array.from({ length: 500_000 }, () => Uint8Array.of(1)),
  "a million empty items": Array.from({ length: 1_000_000 }, () => new Uint8Array(0)),
};

/**
 * The peer takes an HTLC of ours from our commitment, in a transaction whose other input has a witness as strange as
 * the consensus rules let it be; an annex, too.
 */
function takenStrangely(format: FormatName, witness: readonly Uint8Array[], delivery: Delivery): EndingParty {
  const { chain, faucet, us, them } = fundedChannel(format, "us");
  const [hash] = hashes;
  const [preimage] = preimages;
  assert.ok(hash !== undefined && preimage !== undefined);
  us.add(msat(50_000_000n), hash, chain.tip.height + 60);
  settle(us, them);
  const strange = { value: sat(100_000), script: p2tr(outputKey.point) };
  const given = faucet.fund(chain, [strange], feeratePerKw(1000n));
  chain.mine(1, { transactions: [given] });
  const party = new EndingParty(us, chain, { name: "us", delivery, restarts: "never" });
  party.follow();
  const commitment = us.ownCommitments.at(-1) ?? assert.fail();
  chain.mine(1, { transactions: [signedCommitment(us, commitment)] });
  party.sync();
  const [htlc] = commitment.htlcs;
  assert.ok(htlc !== undefined);
  const annex = Uint8Array.of(0x50, 1, 2, 3);
  const odd: TxIn = {
    ...inputOf({ txid: txid(given), index: 0 }),
    witness: [...witness, succeeds, control, annex],
  };
  const sequence = format === "anchors-zero-fee-htlc" ? 1 : 0xffff_fffd;
  const inputs = [odd, inputOf({ txid: commitment.txid, index: htlc.outputIndex }, sequence)];
  const outputs = [{ value: sat(140_000), script: faucet.script }];
  const unsigned: Transaction = { version: 2, inputs, outputs, locktime: 0 };
  const signature = them.signer.signSpend({
    transaction: unsigned,
    inputIndex: 1,
    value: htlc.value,
    scriptCode: htlc.witnessScript,
    sighashType: sighashAll,
    key: { kind: "htlc", point: us.signer.point(commitment.number) },
  });
  const taking = [encodeTypedSignature({ signature, sighashType: sighashAll }), preimage, htlc.witnessScript];
  const taken = {
    ...unsigned,
    inputs: inputs.map((input, i) => (i === 1 ? { ...input, witness: taking } : input)),
  };
  chain.mine(1, { transactions: [taken], only: [] });
  party.sync();
  return party;
}

for (const format of formatNames) {
  describe(`a block with the strangest legal transaction, ${format}`, () => {
    for (const [i, [name, witness]] of Object.entries(witnesses).entries()) {
      it(`shows a preimage beside ${name} and an annex`, () => {
        const delivery = deliveryNames[i] ?? "whole-blocks";
        const { events, complaints, monitor } = takenStrangely(format, witness, delivery);
        const seen = events.find(({ kind }) => kind === "preimage-seen");
        assert.ok(seen?.kind === "preimage-seen");
        assert.deepEqual(seen.preimage, preimages[0]);
        assert.deepEqual(complaints, []);
        assert.equal(monitor.chain.spends.length, 1);
      });
    }
  });
}
