import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fromHex, toHex } from "@fulmen/bitcoin/primitives";
import {
  derivePrivateKey,
  derivePublicKey,
  deriveRevocationPrivateKey,
  deriveRevocationPublicKey,
  isPerCommitmentSecret,
  perCommitmentPoint,
} from "@fulmen/lightning/crypto";
import type { Point } from "@fulmen/lightning/util";

type Name =
  | "baseSecret"
  | "perCommitmentSecret"
  | "basepoint"
  | "perCommitmentPoint"
  | "publicKey"
  | "privateKey"
  | "revocationPublicKey"
  | "revocationPrivateKey";
const vector: Readonly<Record<Name, string>> = JSON.parse(
  readFileSync(new URL("../../../../fixtures/bolt3/key-derivation.json", import.meta.url), "utf8"),
);
const bytes = (name: Name): Uint8Array => fromHex(vector[name]);
const basepoint = bytes("basepoint") as Point;
const point = bytes("perCommitmentPoint") as Point;

test("BOLT 3 appendix E: the per-commitment point", () => {
  assert.equal(toHex(perCommitmentPoint(bytes("perCommitmentSecret"))), vector.perCommitmentPoint);
});

test("BOLT 3 appendix E: public and private key", () => {
  assert.equal(toHex(derivePublicKey(basepoint, point)), vector.publicKey);
  assert.equal(toHex(derivePrivateKey(bytes("baseSecret"), point)), vector.privateKey);
});

test("BOLT 3 appendix E: revocation public and private key", () => {
  assert.equal(toHex(deriveRevocationPublicKey(basepoint, point)), vector.revocationPublicKey);
  assert.equal(
    toHex(deriveRevocationPrivateKey(bytes("baseSecret"), bytes("perCommitmentSecret"))),
    vector.revocationPrivateKey,
  );
});

test("a per-commitment secret proves its own point only", () => {
  assert.equal(isPerCommitmentSecret(bytes("perCommitmentSecret"), point), true);
  assert.equal(isPerCommitmentSecret(bytes("perCommitmentSecret"), basepoint), false);
});

test("what is no private key proves no point, and does not throw", () => {
  assert.equal(isPerCommitmentSecret(new Uint8Array(32), point), false);
  assert.equal(isPerCommitmentSecret(new Uint8Array(32).fill(0xff), point), false);
  assert.equal(isPerCommitmentSecret(new Uint8Array(31).fill(1), point), false);
});
