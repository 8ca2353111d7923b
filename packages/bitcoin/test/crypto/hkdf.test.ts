import assert from "node:assert/strict";
import { test } from "node:test";
import { CryptoError, hkdfExpand, hkdfExtract, hkdfPair } from "@fulmen/bitcoin/crypto";
import { fromHex, toHex } from "@fulmen/bitcoin/primitives";

test("RFC 5869, case 1", () => {
  const key = hkdfExtract(fromHex("000102030405060708090a0b0c"), new Uint8Array(22).fill(0x0b));
  assert.equal(toHex(key), "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5");
  assert.equal(
    toHex(hkdfExpand(key, fromHex("f0f1f2f3f4f5f6f7f8f9"), 42)),
    "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
  );
});

test("RFC 5869, case 3: no salt and no info", () => {
  const key = hkdfExtract(new Uint8Array(0), new Uint8Array(22).fill(0x0b));
  assert.equal(
    toHex(hkdfExpand(key, new Uint8Array(0), 42)),
    "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
  );
});

test("BOLT 8, Appendix A: the chaining key and first temporary key", () => {
  const [chainingKey, temporaryKey] = hkdfPair(
    fromHex("2640f52eebcd9e882958951c794250eedb28002c05d7dc2ea0f195406042caf1"),
    fromHex("1e2fb3c8fe8fb9f262f649f64d26ecf0f2c0a805a767cf02dc2d77a6ef1fdcc3"),
  );
  assert.equal(toHex(chainingKey), "b61ec1191326fa240decc9564369dbb3ae2b34341d1e11ad64ed89f89180582f");
  assert.equal(toHex(temporaryKey), "e68f69b7f096d7917245f5e5cf8ae1595febe4d4644333c99f9c4a1282031c9f");
});

test("expansion ends at 255 blocks", () => {
  const key = new Uint8Array(32);
  assert.equal(hkdfExpand(key, key, 255 * 32).length, 255 * 32);
  assert.equal(hkdfExpand(key, key, 0).length, 0);
  for (const length of [255 * 32 + 1, -1, 1.5]) {
    assert.throws(() => hkdfExpand(key, key, length), CryptoError);
  }
});
