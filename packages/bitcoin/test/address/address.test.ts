import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeAddress, encodeAddress } from "@fulmen/bitcoin/address";
import { type Network, networks } from "@fulmen/bitcoin/network";
import { fromHex, toHex } from "@fulmen/bitcoin/primitives";
import { op, p2wpkh, script } from "@fulmen/bitcoin/script";
import { BitcoinDecodeError } from "@fulmen/bitcoin/transaction";
import fc from "fast-check";
import { fixture } from "../fixture.ts";

const chains: Readonly<Record<string, Network>> = {
  main: networks.mainnet,
  test: networks.testnet,
  testnet4: networks.testnet,
  signet: networks.signet,
  regtest: networks.regtest,
};

interface Valid {
  readonly address: string;
  readonly script: string;
  readonly chain: string;
  readonly tryCaseFlip?: boolean;
}

interface Segwit {
  readonly valid: readonly { readonly address: string; readonly script: string }[];
  readonly invalid: readonly { readonly address: string; readonly reason: string }[];
}

test("Core's addresses, both ways, in either case", () => {
  const { addresses } = fixture<{ addresses: readonly Valid[] }>("addresses-valid.json");
  assert.ok(addresses.length > 40);
  for (const { address, script: hex, chain, tryCaseFlip } of addresses) {
    const network = chains[chain];
    assert.ok(network, chain);
    assert.equal(toHex(decodeAddress(address, network)), hex);
    assert.equal(encodeAddress(fromHex(hex), network), address);
    if (tryCaseFlip) assert.equal(toHex(decodeAddress(address.toUpperCase(), network)), hex);
  }
});

test("BIP 350: valid witness addresses", () => {
  const { valid } = fixture<Segwit>("addresses-segwit.json");
  assert.equal(valid.length, 8);
  for (const { address, script: hex } of valid) {
    const network = address.toLowerCase().startsWith("bc1") ? networks.mainnet : networks.testnet;
    assert.equal(toHex(decodeAddress(address, network)), hex);
    assert.equal(encodeAddress(fromHex(hex), network), address.toLowerCase());
  }
});

test("what BIP 350 and Core call invalid is refused on every network", () => {
  const { invalid } = fixture<Segwit>("addresses-segwit.json");
  assert.ok(invalid.length > 60);
  for (const { address, reason } of invalid) {
    for (const network of Object.values(networks)) {
      assert.throws(() => decodeAddress(address, network), BitcoinDecodeError, `${address}: ${reason}`);
    }
  }
});

test("another network's address is refused", () => {
  const address = encodeAddress(p2wpkh(new Uint8Array(20)), networks.mainnet) ?? "";
  assert.throws(() => decodeAddress(address, networks.testnet), BitcoinDecodeError);
  assert.throws(() => decodeAddress(address, networks.regtest), BitcoinDecodeError);
  const base58 = "1FsSia9rv4NeEwvJ2GvXrX7LyxYspbN2mo";
  assert.throws(() => decodeAddress(base58, networks.testnet), /another network/);
});

test("scripts without an address have none", () => {
  assert.equal(encodeAddress(script(op.RETURN), networks.mainnet), undefined);
  assert.equal(encodeAddress(script(op._1), networks.mainnet), undefined);
  assert.equal(encodeAddress(script(new Uint8Array(33).fill(2), op.CHECKSIG), networks.mainnet), undefined);
});

test("any text throws nothing but BitcoinDecodeError", () => {
  const text = fc.oneof(
    fc.string({ maxLength: 100 }),
    fc.string({ maxLength: 80 }).map((tail) => `bc1${tail}`),
  );
  const property = fc.property(text, (address) => {
    assert.throws(() => decodeAddress(address, networks.mainnet), BitcoinDecodeError);
  });
  fc.assert(property, { seed: 9, numRuns: 500 });
});
