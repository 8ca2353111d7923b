import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { installCrypto, nobleProvider } from "@fulmen/bitcoin/crypto";
import { createFailurePacket, openFailurePacket, wrapFailurePacket } from "#src/onion/failurePacket";

// A process of its own, since it counts what all of it computes.

const work = { hashes: 0, hashBytes: 0, hmacs: 0, hmacBytes: 0, streams: 0, streamBytes: 0 };
installCrypto({
  ...nobleProvider,
  sha256: (data) => {
    work.hashes++;
    work.hashBytes += data.length;
    return nobleProvider.sha256(data);
  },
  hmacSha256: (key, data) => {
    work.hmacs++;
    work.hmacBytes += data.length;
    return nobleProvider.hmacSha256(key, data);
  },
  chacha20: (key, nonce, data, output) => {
    work.streams++;
    work.streamBytes += data.length;
    return nobleProvider.chacha20(key, nonce, data, output);
  },
});

/** A failure of hop `erring` as it reaches the payer. */
function returned(secrets: readonly Uint8Array[], erring: number, holdTime: number | undefined) {
  const [first = new Uint8Array(32), ...others] = secrets.slice(0, erring + 1).reverse();
  let packet = createFailurePacket({ sharedSecret: first, message: Uint8Array.of(0x20, 2), holdTime });
  for (const sharedSecret of others) packet = wrapFailurePacket(packet, { sharedSecret, holdTime });
  return packet;
}

function workOf(action: () => void): string {
  Object.assign(work, { hashes: 0, hashBytes: 0, hmacs: 0, hmacBytes: 0, streams: 0, streamBytes: 0 });
  action();
  return JSON.stringify(work);
}

describe("a failure packet is opened by the same work", () => {
  for (const holdTime of [undefined, 3]) {
    it(`whichever hop failed, however long the path is, ${holdTime ? "with" : "without"} attribution`, () => {
      const works = new Set<string>();
      for (const length of [1, 2, 4, 19, 20]) {
        const secrets = Array.from({ length }, (_, i) => new Uint8Array(32).fill(i + 1));
        for (const erring of new Set([0, length >> 1, length - 1])) {
          const packet = returned(secrets, erring, holdTime);
          assert.equal(openFailurePacket(packet, secrets).origin?.hop, erring);
          const garbled = { ...packet, reason: packet.reason.map((byte) => byte ^ 1) };
          works.add(workOf(() => openFailurePacket(packet, secrets)));
          works.add(workOf(() => openFailurePacket(garbled, secrets)));
        }
      }
      assert.equal(works.size, 1, [...works].join("\n"));
    });
  }
});
