import { crypto, hkdfPair } from "@fulmen/bitcoin/crypto";
import { utf8 } from "@scure/base";
import { concatBytes, fromHex, noBytes, type Point } from "../util/bytes.ts";
import { type NodeId, nodeIdOf } from "../util/ids.ts";
import { present } from "../util/invariant.ts";
import { err, ok, type Result } from "../util/result.ts";
import type { NoiseKeys } from "./cipher.ts";
import { type NoiseError, type NoiseStage, noiseError } from "./noiseError.ts";

// BOLT 8, "Authenticated Key Exchange Handshake Specification": Noise_XK. The initiator knows the responder's key
// beforehand, proves its own in act three, and nobody in between learns either.

export const actOneLength = 50;
export const actTwoLength = 50;
export const actThreeLength = 66;

const version = 0;

/** The key that names us. A `NodeSigner` is one, so that the private key may live elsewhere. */
export interface StaticKey {
  readonly nodeId: NodeId;
  /** SHA-256 of the compressed point `our key * point`. */
  ecdh(point: Point): Uint8Array;
}

/** The side that connects. Speaks first: `actOne`, then `actTwo` with what comes back. */
export class InitiatorHandshake {
  readonly #us: StaticKey;
  readonly #remote: Point;
  readonly #ephemeralKey: Uint8Array;
  readonly #transcript: Transcript;

  /** `ephemeralKey` is a private key, fresh from a strong source of randomness and used for this connection only. */
  constructor(us: StaticKey, remote: Point, ephemeralKey: Uint8Array) {
    this.#us = us;
    this.#remote = remote;
    this.#ephemeralKey = ephemeralKey;
    this.#transcript = new Transcript(remote);
  }

  /** The 50 bytes to send first. */
  actOne(): Uint8Array {
    const transcript = this.#transcript;
    const ephemeral = crypto().publicKey(this.#ephemeralKey);
    transcript.mixHash(ephemeral);
    transcript.mixKey(crypto().ecdh(this.#ephemeralKey, this.#remote));
    return concatBytes(Uint8Array.of(version), ephemeral, transcript.encrypt(0, noBytes));
  }

  /** Reads the responder's 50 bytes; answers with the 66 to send back and the connection's keys. */
  actTwo(received: Uint8Array): Result<{ actThree: Uint8Array; keys: NoiseKeys }, NoiseError> {
    const transcript = this.#transcript;
    const parsed = parseAct("act-two", received, actTwoLength);
    if (!parsed.ok) return parsed;
    const ephemeral = parsed.value.subarray(0, 33);
    if (!isPoint(ephemeral)) return err(noiseError("act-two", "bad-point"));
    transcript.mixHash(ephemeral);
    transcript.mixKey(crypto().ecdh(this.#ephemeralKey, ephemeral));
    if (transcript.decrypt(0, parsed.value.subarray(33)) === undefined) {
      return err(noiseError("act-two", "bad-tag"));
    }

    const ourKey = transcript.encrypt(1, fromHex(this.#us.nodeId));
    transcript.mixKey(this.#us.ecdh(ephemeral));
    const tag = transcript.encrypt(0, noBytes);
    const [sendingKey, receivingKey] = transcript.split();
    return ok({
      actThree: concatBytes(Uint8Array.of(version), ourKey, tag),
      keys: { sendingKey, receivingKey, chainingKey: transcript.chainingKey },
    });
  }
}

/** The side that is connected to: `actOne` with what arrives first, then `actThree`. */
export class ResponderHandshake {
  readonly #us: StaticKey;
  readonly #ephemeralKey: Uint8Array;
  readonly #transcript: Transcript;

  /** `ephemeralKey` is a private key, fresh from a strong source of randomness and used for this connection only. */
  constructor(us: StaticKey, ephemeralKey: Uint8Array) {
    this.#us = us;
    this.#ephemeralKey = ephemeralKey;
    this.#transcript = new Transcript(fromHex(us.nodeId));
  }

  /** Reads the initiator's 50 bytes; answers with the 50 bytes of act two. */
  actOne(received: Uint8Array): Result<Uint8Array, NoiseError> {
    const transcript = this.#transcript;
    const parsed = parseAct("act-one", received, actOneLength);
    if (!parsed.ok) return parsed;
    const theirEphemeral = parsed.value.subarray(0, 33);
    if (!isPoint(theirEphemeral)) return err(noiseError("act-one", "bad-point"));
    transcript.mixHash(theirEphemeral);
    transcript.mixKey(this.#us.ecdh(theirEphemeral));
    // Fails when the initiator takes us for somebody else, too.
    if (transcript.decrypt(0, parsed.value.subarray(33)) === undefined) {
      return err(noiseError("act-one", "bad-tag"));
    }

    const ephemeral = crypto().publicKey(this.#ephemeralKey);
    transcript.mixHash(ephemeral);
    transcript.mixKey(crypto().ecdh(this.#ephemeralKey, theirEphemeral));
    return ok(concatBytes(Uint8Array.of(version), ephemeral, transcript.encrypt(0, noBytes)));
  }

  /** Reads the initiator's 66 bytes; answers with who it is and the connection's keys. */
  actThree(received: Uint8Array): Result<{ remote: NodeId; keys: NoiseKeys }, NoiseError> {
    const transcript = this.#transcript;
    const parsed = parseAct("act-three", received, actThreeLength);
    if (!parsed.ok) return parsed;
    const remote = transcript.decrypt(1, parsed.value.subarray(0, 49));
    if (remote === undefined) return err(noiseError("act-three", "bad-tag"));
    if (!isPoint(remote)) return err(noiseError("act-three", "bad-point"));
    transcript.mixKey(crypto().ecdh(this.#ephemeralKey, remote));
    if (transcript.decrypt(0, parsed.value.subarray(49)) === undefined) {
      return err(noiseError("act-three", "bad-tag"));
    }
    const [receivingKey, sendingKey] = transcript.split();
    return ok({
      remote: nodeIdOf(remote),
      keys: { sendingKey, receivingKey, chainingKey: transcript.chainingKey },
    });
  }
}

/** The handshake digest `h`, the chaining key `ck` and the intermediate key, as both sides accumulate them. */
class Transcript {
  #hash: Uint8Array;
  #chainingKey: Uint8Array;
  #key: Uint8Array | undefined;

  constructor(responder: Uint8Array) {
    this.#chainingKey = crypto().sha256(utf8.decode("Noise_XK_secp256k1_ChaChaPoly_SHA256"));
    this.#hash = this.#chainingKey;
    this.mixHash(utf8.decode("lightning"));
    this.mixHash(responder);
  }

  get chainingKey(): Uint8Array {
    return this.#chainingKey;
  }

  mixHash(data: Uint8Array): void {
    this.#hash = crypto().sha256(concatBytes(this.#hash, data));
  }

  /** `ck, temp_k = HKDF(ck, sharedSecret)` */
  mixKey(sharedSecret: Uint8Array): void {
    [this.#chainingKey, this.#key] = hkdfPair(this.#chainingKey, sharedSecret);
  }

  encrypt(nonce: 0 | 1, plaintext: Uint8Array): Uint8Array {
    const ciphertext = crypto().chacha20Poly1305Encrypt(
      present(this.#key, "intermediate key"),
      nonceOf(nonce),
      this.#hash,
      plaintext,
    );
    this.mixHash(ciphertext);
    return ciphertext;
  }

  decrypt(nonce: 0 | 1, ciphertext: Uint8Array): Uint8Array | undefined {
    const plaintext = crypto().chacha20Poly1305Decrypt(
      present(this.#key, "intermediate key"),
      nonceOf(nonce),
      this.#hash,
      ciphertext,
    );
    this.mixHash(ciphertext);
    return plaintext;
  }

  /** The keys from initiator to responder and back. */
  split(): readonly [Uint8Array, Uint8Array] {
    return hkdfPair(this.#chainingKey, noBytes);
  }
}

/** What follows the version byte of an act of `length` bytes. */
function parseAct(stage: NoiseStage, received: Uint8Array, length: number): Result<Uint8Array, NoiseError> {
  if (received.length !== length) return err(noiseError(stage, "bad-length"));
  if (received[0] !== version) return err(noiseError(stage, "bad-version"));
  return ok(received.subarray(1));
}

function isPoint(bytes: Uint8Array): bytes is Point {
  return crypto().isPoint(bytes);
}

function nonceOf(counter: 0 | 1): Uint8Array {
  const nonce = new Uint8Array(12);
  nonce[4] = counter;
  return nonce;
}
