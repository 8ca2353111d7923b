import { concatBytes, equalBytes, fromHex } from "../primitives/bytes.ts";
import { CryptoError, type CryptoProvider } from "./provider.ts";

/** What a provider must answer: one method, and whether it answers rightly. */
type KnownAnswer = readonly [method: Method, holds: (provider: CryptoProvider) => boolean];
type Method = Exclude<keyof CryptoProvider, "name">;

/**
 * Asks the methods of `provider`, or those of them that are named, for answers that are known from the standards,
 * refusals included. Throws `CryptoError` naming the first method that errs: a build that computes wrongly must never
 * sign or derive anything. Takes a few milliseconds natively, some tens of them in plain JavaScript.
 */
export function selfTest(provider: CryptoProvider, named?: ReadonlySet<string>): void {
  for (const [method, holds] of knownAnswers) {
    if (named?.has(method) === false) continue;
    let held: boolean;
    try {
      held = holds(provider);
    } catch (cause) {
      throw new CryptoError(`${provider.name}: known-answer test of ${method} threw`, { cause });
    }
    if (!held) throw new CryptoError(`${provider.name}: known-answer test of ${method} failed`);
  }
}

const noBytes = new Uint8Array(0);
const abc = fromHex("616263");
const one = fromHex(`${"00".repeat(31)}01`);
const two = fromHex(`${"00".repeat(31)}02`);
const three = fromHex(`${"00".repeat(31)}03`);
const order = fromHex("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141");
const orderLessThree = fromHex("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd036413e");
const orderLessOne = fromHex("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140");
const zero = new Uint8Array(32);
const generator = fromHex("0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798");
const negatedGenerator = fromHex("0379be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798");
/** 33 bytes that begin as an uncompressed point does. */
const uncompressedPrefix = fromHex("0479be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798");
const twice = fromHex("02c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5");
const thrice = fromHex("02f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9");
/** The x coordinate of no point, from the vectors of BIP 340. */
const notOnCurve = fromHex("eefdea4cdb677750a420fee807eacf21eb9898ae79b9768766e4faa04a2d4a34");
const notAPoint = fromHex("02eefdea4cdb677750a420fee807eacf21eb9898ae79b9768766e4faa04a2d4a34");

/** RFC 4231, test case 2, and case 6, whose key is longer than a block of either hash. */
const hmac = {
  key: fromHex("4a656665"),
  data: fromHex("7768617420646f2079612077616e7420666f72206e6f7468696e673f"),
  longKey: new Uint8Array(131).fill(0xaa),
  longKeyData: fromHex(
    "54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a65204b6579202d2048617368204b6579204669727374",
  ),
};

/** RFC 8439, 2.8.2. */
const aead = {
  key: fromHex("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f"),
  nonce: fromHex("070000004041424344454647"),
  aad: fromHex("50515253c0c1c2c3c4c5c6c7"),
  plaintext: fromHex(
    "4c616469657320616e642047656e746c656d656e206f662074686520636c617373206f66202739393a204966204920636f756c64206f6666657220796f75206f6e6c79206f6e652074697020666f7220746865206675747572652c2073756e73637265656e20776f756c642062652069742e",
  ),
  ciphertext: fromHex(
    "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd0600691",
  ),
};

/**
 * The same with 2,048 bytes of text that count up: a provider may hand long texts only to its own code. The tag, and
 * the SHA-256 of text and tag, are what OpenSSL and noble agree on.
 */
const longAead = {
  plaintext: () => Uint8Array.from({ length: 2048 }, (_, index) => index & 0xff),
  tag: fromHex("c59088623396f32870d8683462ab16cc"),
  digest: "5a68fd09742b01eefb633a479cbb157860bb7308982cf787254de2b163762b4f",
};

/** Bitcoin Core's key_tests: the key and the hash of "Very deterministic message"; R is low at once. */
const core = {
  key: fromHex("12b004fff7f4b69ef8650e767f18f11ede158148b425660723b9f9a66e61f747"),
  hash: fromHex("5255683da567900bfd3e786ed8836a4e7763c221bf1ac20ece2a5171b9199e8a"),
  signature: fromHex(
    "5dbbddda71772d95ce91cd2d14b592cfbc1dd0aabd6a394b6c2d377bbe59d31d14ddda21494a4e221f0824f0b8b924c43fa43c0ad57dccdaa11f81a6bd4582f6",
  ),
};

/** A hash whose R becomes low only with the fifth value of the counter, and what plain RFC 6979 answers for it. */
const ground = {
  key: fromHex("11".repeat(32)),
  hash: fromHex("02".repeat(32)),
  signature: fromHex(
    "017b14dd40989eac73f3ee06576beb4226be8e2d308c76ac8701f6c490cf3e2c0090d6235eb63e213676a65a47101a07d56f30bded25f35d99ece085f54eb670",
  ),
  plain: fromHex(
    "fb88aef6e0bf7495d84f72b0e87bab276a9cc442a94d378c0507694a8c250bfa14f2442526d9d5f8be52f30b991bea6eee83216fb9f926806cce989a7000fdf1",
  ),
};

/** BIP 340, vector 1. */
const bip340 = {
  key: fromHex("b7e151628aed2a6abf7158809cf4f3c762e7160f38b4da56a784d9045190cfef"),
  point: fromHex("dff1d77f2a671c5f36183726db2341be58feae1da2deced843240f7b502ba659"),
  message: fromHex("243f6a8885a308d313198a2e03707344a4093822299f31d0082efa98ec4e6c89"),
  signature: fromHex(
    "6896bd60eeae296db48a229ff71dfe071bde413e6d43f917dc8dcf8c78de33418906d11ac976abccb20b091292bff4ea897efcb639ea871cfa95f6de339e4b0a",
  ),
};

/** BIP 341, the first of the wallet vectors. */
const bip341 = {
  internal: fromHex("d6889cb081036e0faefa3a35157ad71086b123b2b144b649798b494c300a961d"),
  tweak: fromHex("b86e7be8f39bab32a6f2c0443abbc210f0edac0e2c53d501b36b64437d9c6c70"),
  output: fromHex("53a1f6e454df1aa2776a2814a721372d6258050de330b3c6d10ee8f4e0dda343"),
};

const knownAnswers: readonly KnownAnswer[] = [
  // FIPS 180-4, RFC 3174 and the RIPEMD-160 paper; "abc" throughout.
  ["sha256", (p) => is(p.sha256(abc), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")],
  ["hash256", (p) => is(p.hash256(abc), "4f8b42c22dd3729b519ba6f68d2da7cc5b2d606d05daed5ad5128cc03e6c6358")],
  ["ripemd160", (p) => is(p.ripemd160(abc), "8eb208f7e05d987a9b044a8e98c6b087f15a0bfc")],
  ["sha1", (p) => is(p.sha1(abc), "a9993e364706816aba3e25717850c26c9cd0d89d")],
  [
    "hmacSha256",
    (p) =>
      is(
        p.hmacSha256(hmac.key, hmac.data),
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
      ) &&
      is(
        p.hmacSha256(hmac.longKey, hmac.longKeyData),
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
      ),
  ],
  [
    "hmacSha512",
    (p) =>
      is(
        p.hmacSha512(hmac.key, hmac.data),
        "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
      ) &&
      is(
        p.hmacSha512(hmac.longKey, hmac.longKeyData),
        "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f3526b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598",
      ),
  ],
  // RFC 8439, A.1, vectors 1 and 2: the stream starts at block 0 and counts on.
  [
    "chacha20",
    (p) =>
      is(
        p.chacha20(zero, new Uint8Array(12), new Uint8Array(96)),
        "76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee65869f07e7be5551387a98ba977c732d080dcb0f29a048e3656912c6533e32ee7aed",
      ) && streamsInPlace(p),
  ],
  [
    "chacha20Poly1305Encrypt",
    (p) =>
      equalBytes(
        p.chacha20Poly1305Encrypt(aead.key, aead.nonce, aead.aad, aead.plaintext),
        aead.ciphertext,
      ) && sealsLong(p),
  ],
  [
    "chacha20Poly1305Decrypt",
    (p) =>
      equalOrNone(
        p.chacha20Poly1305Decrypt(aead.key, aead.nonce, aead.aad, aead.ciphertext),
        aead.plaintext,
      ) &&
      p.chacha20Poly1305Decrypt(aead.key, aead.nonce, aead.aad, flipped(aead.ciphertext, 129)) ===
        undefined &&
      p.chacha20Poly1305Decrypt(aead.key, aead.nonce, aead.aad, flipped(aead.ciphertext, 0)) === undefined &&
      p.chacha20Poly1305Decrypt(aead.key, aead.nonce, noBytes, aead.ciphertext) === undefined &&
      opensLong(p),
  ],

  [
    "isPrivateKey",
    (p) =>
      p.isPrivateKey(one) && p.isPrivateKey(orderLessOne) && !p.isPrivateKey(zero) && !p.isPrivateKey(order),
  ],
  [
    "isPoint",
    (p) =>
      p.isPoint(generator) && !p.isPoint(notAPoint) && !p.isPoint(uncompressedPrefix) && !p.isPoint(noBytes),
  ],
  ["publicKey", (p) => equalBytes(p.publicKey(three), thrice) && throws(() => p.publicKey(zero))],
  // BOLT 8, Appendix A: the first shared secret of the handshake.
  [
    "ecdh",
    (p) =>
      is(
        p.ecdh(
          fromHex("12".repeat(32)),
          fromHex("028d7500dd4c12685d1f568b4c2b5048e8534b873319f3a8daa612b469132ec7f7"),
        ),
        "1e2fb3c8fe8fb9f262f649f64d26ecf0f2c0a805a767cf02dc2d77a6ef1fdcc3",
      ) && throws(() => p.ecdh(one, notAPoint)),
  ],
  [
    "pointAddScalar",
    (p) =>
      equalBytes(p.pointAddScalar(generator, two), thrice) &&
      equalBytes(p.pointAddScalar(generator, zero), generator) &&
      throws(() => p.pointAddScalar(generator, orderLessOne)) &&
      throws(() => p.pointAddScalar(generator, order)),
  ],
  [
    "pointMultiply",
    (p) =>
      equalBytes(p.pointMultiply(generator, three), thrice) &&
      equalBytes(p.pointMultiply(generator, orderLessOne), negatedGenerator) &&
      throws(() => p.pointMultiply(generator, zero)),
  ],
  [
    "pointMultiplyAdd",
    (p) =>
      equalBytes(p.pointMultiplyAdd(thrice, three, twice, orderLessThree), thrice) &&
      equalBytes(p.pointMultiplyAdd(generator, two, generator, one), thrice) &&
      throws(() => p.pointMultiplyAdd(generator, two, negatedGenerator, two)) &&
      throws(() => p.pointMultiplyAdd(generator, zero, generator, one)),
  ],
  [
    "scalarAdd",
    (p) =>
      equalBytes(p.scalarAdd(one, two), three) &&
      equalBytes(p.scalarAdd(orderLessOne, two), one) &&
      throws(() => p.scalarAdd(orderLessOne, one)),
  ],
  [
    "scalarMultiply",
    (p) =>
      equalBytes(p.scalarMultiply(orderLessOne, orderLessOne), one) &&
      throws(() => p.scalarMultiply(one, zero)),
  ],
  [
    "scalarNegate",
    (p) => equalBytes(p.scalarNegate(one), orderLessOne) && throws(() => p.scalarNegate(zero)),
  ],

  [
    "ecdsaSign",
    (p) =>
      equalBytes(p.ecdsaSign(core.hash, core.key), core.signature) &&
      equalBytes(p.ecdsaSign(ground.hash, ground.key), ground.signature) &&
      throws(() => p.ecdsaSign(core.hash, zero)),
  ],
  ["ecdsaVerify", verifiesEcdsa],
  [
    "ecdsaSignRecoverable",
    (p) => {
      const { signature, recovery } = p.ecdsaSignRecoverable(ground.hash, ground.key);
      return equalBytes(signature, ground.plain) && recovery === 1;
    },
  ],
  [
    "ecdsaRecover",
    (p) =>
      equalOrNone(p.ecdsaRecover(ground.plain, 1, ground.hash), p.publicKey(ground.key)) &&
      p.ecdsaRecover(new Uint8Array(64), 0, ground.hash) === undefined &&
      p.ecdsaRecover(ground.plain, 4, ground.hash) === undefined,
  ],

  ["schnorrSign", (p) => equalBytes(p.schnorrSign(bip340.message, bip340.key, one), bip340.signature)],
  [
    "schnorrVerify",
    (p) =>
      p.schnorrVerify(bip340.signature, bip340.message, bip340.point) &&
      !p.schnorrVerify(flipped(bip340.signature, 40), bip340.message, bip340.point) &&
      !p.schnorrVerify(bip340.signature, flipped(bip340.message, 0), bip340.point) &&
      !p.schnorrVerify(bip340.signature, bip340.message, notOnCurve),
  ],
  [
    "xOnlyTweakAdd",
    (p) => {
      const tweaked = p.xOnlyTweakAdd(bip341.internal, bip341.tweak);
      return (
        equalOrNone(tweaked?.point, bip341.output) &&
        tweaked?.parity === 1 &&
        p.xOnlyTweakAdd(bip341.internal, order) === undefined &&
        p.xOnlyTweakAdd(notOnCurve, bip341.tweak) === undefined
      );
    },
  ],
];

/** Onto two blocks and a part of a third, all of whose bits are set: that inverts the stream. */
function streamsInPlace(p: CryptoProvider): boolean {
  const data = new Uint8Array(150).fill(0xff);
  const returned = p.chacha20(aead.key, aead.nonce, data, data);
  const stream = p.chacha20(aead.key, aead.nonce, new Uint8Array(150));
  return returned === data && data.every((byte, at) => byte === 0xff - (stream[at] ?? 0));
}

function sealsLong(p: CryptoProvider): boolean {
  const sealed = p.chacha20Poly1305Encrypt(aead.key, aead.nonce, aead.aad, longAead.plaintext());
  return is(p.sha256(sealed), longAead.digest);
}

/** Sealed by the bare stream (its block 0 is the key of the tag), lest an error that undoes itself pass. */
function opensLong(p: CryptoProvider): boolean {
  const stream = p.chacha20(aead.key, aead.nonce, concatBytes(new Uint8Array(64), longAead.plaintext()));
  const sealed = concatBytes(stream.subarray(64), longAead.tag);
  const { key, nonce, aad } = aead;
  return (
    equalOrNone(p.chacha20Poly1305Decrypt(key, nonce, aad, sealed), longAead.plaintext()) &&
    p.chacha20Poly1305Decrypt(key, nonce, aad, flipped(sealed, sealed.length - 1)) === undefined
  );
}

/** The same signature with `n - s` in the place of `s` is refused (BIP 146), and so are other keys and hashes. */
function verifiesEcdsa(p: CryptoProvider): boolean {
  const point = p.publicKey(core.key);
  const highS = core.signature.slice();
  highS.set(p.scalarNegate(core.signature.subarray(32)), 32);
  return (
    p.ecdsaVerify(core.signature, core.hash, point) &&
    !p.ecdsaVerify(highS, core.hash, point) &&
    !p.ecdsaVerify(core.signature, flipped(core.hash, 31), point) &&
    !p.ecdsaVerify(core.signature, core.hash, generator) &&
    !p.ecdsaVerify(core.signature, core.hash, notAPoint) &&
    !p.ecdsaVerify(new Uint8Array(64), core.hash, point) &&
    !p.ecdsaVerify(core.signature.subarray(1), core.hash, point)
  );
}

function is(bytes: Uint8Array, expected: string): boolean {
  return equalBytes(bytes, fromHex(expected));
}

function equalOrNone(bytes: Uint8Array | undefined, expected: Uint8Array): boolean {
  return bytes !== undefined && equalBytes(bytes, expected);
}

function flipped(bytes: Uint8Array, index: number): Uint8Array {
  const copy = bytes.slice();
  copy[index] = (copy[index] ?? 0) ^ 1;
  return copy;
}

function throws(call: () => unknown): boolean {
  try {
    call();
    return false;
  } catch (error) {
    return error instanceof CryptoError;
  }
}
