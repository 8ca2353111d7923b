import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { encodeAddress } from "@fulmen/bitcoin/address";
import { crypto } from "@fulmen/bitcoin/crypto";
import { networks } from "@fulmen/bitcoin/network";
import { fromHex, toHex } from "@fulmen/bitcoin/primitives";
import { p2tr, p2wpkhOf } from "@fulmen/bitcoin/script";
import {
  type Account,
  accountFromDescriptor,
  accountFromExtendedKey,
  accountFromSeed,
  descriptorChecksum,
  formatDerivation,
  formatDescriptor,
  type Keychain,
  parseDescriptor,
} from "@fulmen/wallet/descriptor";
import { createBase58check } from "@scure/base";

interface Vector {
  readonly keychain: Keychain;
  readonly index: number;
  readonly address: string;
}

const vectors: {
  readonly seed: string;
  readonly master: string;
  readonly wpkh: readonly (Vector & { readonly publicKey: string; readonly wif: string })[];
  readonly trAccount: { readonly xprv: string; readonly xpub: string };
  readonly tr: readonly (Vector & { readonly internalKey: string; readonly outputKey: string })[];
} = JSON.parse(readFileSync(new URL("../../../../fixtures/wallet/accounts.json", import.meta.url), "utf8"));

const { mainnet, regtest } = networks;
const seed = fromHex(vectors.seed);

function address(account: Account, { keychain, index }: Vector): string | undefined {
  return encodeAddress(account.script(keychain, index), mainnet);
}

test("BIP 84: keys and addresses of the first account", () => {
  const account = accountFromSeed(seed, { kind: "wpkh", network: mainnet });
  for (const vector of vectors.wpkh) {
    const { keychain, index, publicKey, wif } = vector;
    assert.equal(toHex(account.publicKey(keychain, index)), publicKey);
    assert.equal(address(account, vector), vector.address);
    const key = createBase58check(crypto().sha256).decode(wif).subarray(1, 33);
    assert.deepEqual(account.signingKey(keychain, index), key);
  }
});

test("BIP 86: internal keys, output keys and addresses of the first account", () => {
  const account = accountFromSeed(seed, { kind: "tr", network: mainnet });
  for (const vector of vectors.tr) {
    const { keychain, index, internalKey, outputKey } = vector;
    assert.equal(toHex(account.publicKey(keychain, index).subarray(1)), internalKey);
    assert.equal(toHex(account.script(keychain, index)), `5120${outputKey}`);
    assert.equal(address(account, vector), vector.address);
    const key = account.signingKey(keychain, index);
    assert.ok(key !== undefined);
    assert.equal(toHex(crypto().publicKey(key).subarray(1)), outputKey);
  }
});

test("the same account from the master key, the account's key, and its descriptor", () => {
  const whole = accountFromSeed(seed, { kind: "tr", network: mainnet });
  const { xprv, xpub } = vectors.trAccount;
  const described = `tr([73c5da0a/86h/0h/0h]${xpub}/<0;1>/*)`;
  assert.equal(whole.descriptor, `${described}#${descriptorChecksum(described)}`);
  const others = [
    accountFromExtendedKey(vectors.master, { kind: "tr", network: mainnet }),
    accountFromExtendedKey(xprv, { kind: "tr", network: mainnet }),
    accountFromExtendedKey(xpub, { kind: "tr", network: mainnet }),
    accountFromDescriptor(described, mainnet),
    accountFromDescriptor(`tr(${vectors.master}/86'/0'/0'/<0;1>/*)`, mainnet),
  ].map((result) => (result.ok ? result.value : assert.fail(result.error.text)));
  for (const other of others) {
    for (const vector of vectors.tr) assert.equal(address(other, vector), vector.address);
  }
  assert.deepEqual(
    others.map(({ isWatchOnly }) => isWatchOnly),
    [false, false, true, true, false],
  );
  assert.deepEqual(others[2]?.signingKey("receive", 0), undefined);
  for (const known of [whole, others[3], others[4]]) {
    const derivation = known?.derivation("change", 7);
    assert.equal(derivation && formatDerivation(derivation), "m/86h/0h/0h/1/7");
    assert.equal(derivation?.fingerprint, 0x73c5da0a);
    assert.equal(known?.descriptor, whole.descriptor);
  }
  assert.equal(others[2]?.derivation("change", 7), undefined);
});

test("BIP 382: the scripts of a descriptor with a path", () => {
  const xpub =
    "xpub69H7F5d8KSRgmmdJg2KhpAK8SR3DjMwAdkxj3ZuxV27CprR9LgpeyGmXUbC6wb7ERfvrnKZjXoUmmDznezpbZb7ap6r1D3tgFxHmwMkQTPH";
  const account = accountFromDescriptor(`wpkh([ffffffff/13']${xpub}/1/<2;3>/*)`, mainnet);
  assert.ok(account.ok);
  const scripts = [0, 1, 2].map((index) => toHex(account.value.script("receive", index)));
  assert.deepEqual(scripts, [
    "0014326b2249e3a25d5dc60935f044ee835d090ba859",
    "0014af0bd98abc2f2cae66e36896a39ffe2d32984fb7",
    "00141fa798efd1cbf95cebf912c031b8a4a6e9fb9f27",
  ]);
});

test("BIP 380: checksums", () => {
  assert.equal(descriptorChecksum("raw(deadbeef)"), "89f8spxm");
  assert.notEqual(descriptorChecksum("raw(deedbeef)"), "89f8spxm");
  assert.equal(descriptorChecksum("raw(Ü)"), undefined);
  const { descriptor } = accountFromSeed(seed, { kind: "wpkh", network: mainnet });
  const parsed = parseDescriptor(descriptor, mainnet);
  assert.ok(parsed.ok);
  assert.equal(formatDescriptor(parsed.value), descriptor);
  for (const at of [0, 3, 10, 60, descriptor.length - 1]) {
    const wrong = descriptor[at] === "q" ? "p" : "q";
    const refused = parseDescriptor(descriptor.slice(0, at) + wrong + descriptor.slice(at + 1), mainnet);
    assert.deepEqual(refused.ok ? "taken" : refused.error.kind, "bad-checksum", `character ${at}`);
  }
});

test("descriptors that are refused, and why", () => {
  const { xpub } = vectors.trAccount;
  const refusals = [
    [`tr(${xpub}/<0;1>/*)#`, "bad-checksum"],
    [`tr(${xpub}/<0;1>/*)##`, "malformed"],
    [`tr(${xpub}/<0;1>/*`, "malformed"],
    [`wsh(${xpub}/<0;1>/*)`, "unsupported"],
    [`tr(${xpub}/<0;1>/*h)`, "unsupported"],
    [`tr(${xpub})`, "unsupported"],
    [`tr([deadbef/0h]${xpub}/0/*)`, "unsupported"],
    [`tr([deadbeef/0H]${xpub}/0/*)`, "unsupported"],
    [`tr([deadbeef/0h/]${xpub}/0/*)`, "unsupported"],
    [`tr([aaaaaaaa][aaaaaaaa]${xpub}/0/*)`, "unsupported"],
    [`tr(${xpub}/2147483648/0/*)`, "malformed"],
    [`tr(${xpub}/2147483648/*)`, "malformed"],
    [`tr(${xpub}/<0;0>/*)`, "malformed"],
    [`tr(${xpub}/0h/0/*)`, "bad-key"],
    [`tr(${xpub.slice(0, -1)}R/0/*)`, "bad-key"],
  ] as const;
  for (const [text, kind] of refusals) {
    const parsed = parseDescriptor(text, mainnet);
    assert.equal(parsed.ok ? "taken" : parsed.error.kind, kind, text);
  }
  assert.equal(parseDescriptor(`tr(${xpub}/0/*)`, mainnet).ok, true);
  assert.equal(parseDescriptor(`tr(${xpub}/0/*)`, regtest).ok, false);
  assert.equal(accountFromDescriptor(`tr(${xpub}/0/*)`, mainnet).ok, false);
  const master = accountFromExtendedKey(vectors.master, { kind: "wpkh", network: regtest });
  assert.equal(master.ok, false);
});

test("other networks have their own keys and coin type", () => {
  const account = accountFromSeed(seed, { kind: "wpkh", network: regtest, account: 3 });
  assert.match(account.descriptor, /^wpkh\(\[73c5da0a\/84h\/1h\/3h\]tpub/);
  assert.throws(() => accountFromSeed(seed, { kind: "wpkh", network: regtest, account: -1 }), /account/);
});

test("public keys are those of the private keys, along the whole chain", () => {
  for (const kind of ["wpkh", "tr"] as const) {
    const account = accountFromSeed(seed, { kind, network: regtest });
    for (const index of [0, 1, 255, 65_536, 2 ** 31 - 1]) {
      const key = account.signingKey("change", index);
      assert.ok(key !== undefined);
      const script = account.script("change", index);
      const point = crypto().publicKey(key);
      assert.deepEqual(script, kind === "wpkh" ? p2wpkhOf(point) : p2tr(point.subarray(1)));
    }
  }
});
