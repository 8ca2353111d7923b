import assert from "node:assert/strict";
import { before, test } from "node:test";
import { crypto } from "@fulmen/bitcoin/crypto";
import { installNodeCrypto } from "@fulmen/crypto-node";
import { parseInvoice } from "@fulmen/lightning/invoice";
import { createPhantomInvoice } from "@fulmen/lightning/manager";
import {
  createInboundPayment,
  createInboundPaymentForHash,
  expandInboundPaymentKey,
  paymentPreimageOf,
  verifyInboundPayment,
} from "@fulmen/lightning/payment";
import { PhantomKeysManager } from "@fulmen/lightning/sign";
import {
  blockHeight,
  fromHex,
  msat,
  paymentHashOf,
  type ShortChannelId,
  toHex,
  type UnixSeconds,
} from "@fulmen/lightning/util";
import * as ldk from "lightningdevkit";
import { loadLdk } from "#src/ldkRuntime";
import { okOf } from "#src/ldkValues";

// Two nodes with the same keys, one of each kit, know each other's invoices: all bytes are the same.

before(async () => {
  installNodeCrypto();
  await loadLdk();
});

const keyMaterial = new Uint8Array(32).fill(5);
const random = Uint8Array.from({ length: 16 }, (_, at) => 0xf0 + at);
const now = 1_800_000_000 as UnixSeconds;
const userPreimage = new Uint8Array(32).fill(9);

function ldkEntropy(): ldk.EntropySource {
  const bytes = new Uint8Array(32);
  bytes.set(random);
  return ldk.EntropySource.new_impl({ get_secure_random_bytes: () => bytes });
}

function some(amount: bigint | undefined): ldk.Option_u64Z {
  return amount === undefined ? ldk.Option_u64Z.constructor_none() : ldk.Option_u64Z.constructor_some(amount);
}

function delta(blocks: number | undefined): ldk.Option_u16Z {
  return blocks === undefined ? ldk.Option_u16Z.constructor_none() : ldk.Option_u16Z.constructor_some(blocks);
}

const cases = [
  { amount: undefined, blocks: undefined },
  { amount: 1n, blocks: undefined },
  { amount: 2_100_000_000_000_000_000n, blocks: 65_535 },
  { amount: 123_456_789n, blocks: 144 },
  { amount: undefined, blocks: 0 },
];

for (const { amount, blocks } of cases) {
  const terms = {
    ...(amount !== undefined && { minAmount: msat(amount) }),
    ...(blocks !== undefined && { minFinalCltvExpiryDelta: blocks }),
    expirySeconds: 3_600,
    now,
    random,
  };
  const name = `${amount ?? "any"} msat, ${blocks ?? "no"} blocks`;

  test(`our own hash and secret are LDK's: ${name}`, () => {
    const keys = expandInboundPaymentKey(keyMaterial);
    const expanded = ldk.ExpandedKey.constructor_new(keyMaterial);
    const made = ldk.UtilMethods.constructor_create(
      expanded,
      some(amount),
      3_600,
      ldkEntropy(),
      BigInt(now),
      delta(blocks),
    );
    const pair = okOf(made, ldk.Result_C2Tuple_ThirtyTwoBytesThirtyTwoBytesZNoneZ_OK, "an inbound payment");
    const ours = createInboundPayment(keys, terms);
    assert.ok(ours.ok);
    assert.equal(ours.value.paymentHash, toHex(pair.get_a()));
    assert.equal(toHex(ours.value.paymentSecret), toHex(pair.get_b()));
    const found = paymentPreimageOf(keys, ours.value);
    assert.ok(found.ok);
    assert.equal(toHex(crypto().sha256(found.value.preimage)), toHex(pair.get_a()));
  });

  test(`the secret for a user's hash is LDK's: ${name}`, () => {
    const keys = expandInboundPaymentKey(keyMaterial);
    const paymentHash = paymentHashOf(crypto().sha256(userPreimage));
    const made = ldk.UtilMethods.constructor_create_from_hash(
      ldk.ExpandedKey.constructor_new(keyMaterial),
      some(amount),
      fromHex(paymentHash),
      3_600,
      BigInt(now),
      delta(blocks),
    );
    const secret = okOf(made, ldk.Result_ThirtyTwoBytesNoneZ_OK, "a secret for a hash");
    const ours = createInboundPaymentForHash(keys, { ...terms, paymentHash });
    assert.ok(ours.ok);
    assert.equal(toHex(ours.value.paymentSecret), toHex(secret));
  });
}

test("a phantom is the same node in both kits, and takes what LDK's invoices ask for", () => {
  const [seed, crossNodeSeed] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
  const ours = new PhantomKeysManager(seed, crossNodeSeed);
  const theirs = ldk.PhantomKeysManager.constructor_new(seed, 0n, 0, crossNodeSeed);
  const idOf = (recipient: ldk.Recipient): string =>
    toHex(
      okOf(
        theirs.as_NodeSigner().get_node_id(recipient),
        ldk.Result_PublicKeyNoneZ_OK,
        "the id of a phantom",
      ),
    );
  assert.equal(ours.nodeId, idOf(ldk.Recipient.LDKRecipient_Node));
  assert.equal(ours.phantom.nodeId, idOf(ldk.Recipient.LDKRecipient_PhantomNode));

  const logger = ldk.Logger.new_impl({ log: () => undefined });
  const scid = (500_000n << 40n) | (7n << 16n) | 3n;
  const made = ldk.UtilMethods.constructor_create_phantom_invoice(
    some(50_000n),
    ldk.Option_ThirtyTwoBytesZ.constructor_none(),
    "a shop",
    3_600,
    [ldk.PhantomRouteHints.constructor_new([], scid, fromHex(ours.nodeId))],
    ldkEntropy(),
    theirs.as_NodeSigner(),
    logger,
    ldk.Currency.LDKCurrency_Regtest,
    delta(undefined),
    BigInt(now),
  );
  const text = okOf(made, ldk.Result_Bolt11InvoiceSignOrCreationErrorZ_OK, "a phantom invoice").to_str();
  const invoice = parseInvoice(text);
  assert.ok(invoice.ok);
  const { paymentHash, paymentSecret, payee, routeHints } = invoice.value;
  assert.equal(payee, ours.phantom.nodeId);
  const keys = expandInboundPaymentKey(ours.inboundPaymentKey());
  const verified = verifyInboundPayment(keys, {
    ...{ paymentHash, paymentSecret, now },
    totalAmount: msat(50_000n),
    height: blockHeight(100),
    cltvExpiry: blockHeight(200),
  });
  assert.ok(verified.ok && verified.value.preimage);

  const again = createPhantomInvoice(
    {
      amount: msat(50_000n),
      description: "a shop",
      routeHints: [{ channels: [], phantomScid: scid as ShortChannelId, realNodeId: ours.nodeId }],
    },
    { nodeSigner: ours, entropy: { randomBytes: () => random }, network: "regtest", now },
  );
  const parsed = parseInvoice(again.invoice);
  assert.ok(parsed.ok);
  // This LDK asks for fewer blocks on the way to the phantom than later ones.
  const hop = routeHints[0]?.[0];
  assert.equal(hop?.cltvExpiryDelta, 42);
  assert.deepEqual(parsed.value.routeHints, [[{ ...hop, cltvExpiryDelta: 48 }]]);
  assert.equal(parsed.value.paymentHash, paymentHash);
  assert.deepEqual(parsed.value.paymentSecret, paymentSecret);
  assert.equal(parsed.value.payee, payee);
});
