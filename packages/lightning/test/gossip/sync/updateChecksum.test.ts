import assert from "node:assert/strict";
import { test } from "node:test";
import { present } from "@fulmen/lightning/util";
import { encodeMessage } from "@fulmen/lightning/wire";
import { crc32c } from "#src/gossip/sync/crc32c";
import { updateChecksum } from "#src/gossip/sync/updateChecksum";
import { announcement, now, testNodes, update } from "../signedGossip.ts";

test("CRC32C is that of RFC 3720, appendix B.4, in whatever pieces", () => {
  const ascending = Uint8Array.from({ length: 32 }, (_, i) => i);
  assert.equal(crc32c(new Uint8Array(32)), 0x8a91_36aa);
  assert.equal(crc32c(new Uint8Array(32).fill(0xff)), 0x62a8_ab43);
  assert.equal(crc32c(ascending), 0x46dd_794e);
  assert.equal(crc32c(ascending.toReversed()), 0x113f_db5c);
  assert.equal(crc32c(Buffer.from("1234"), Buffer.from(""), Buffer.from("56789")), 0xe306_9283);
  assert.equal(crc32c(), 0);
});

test("an update's checksum is of all but its signature and timestamp", () => {
  const [a, b] = testNodes(2).map((node) => present(node, "a node"));
  const channel = announcement(present(a, "a"), present(b, "b"), 100);
  const signer = present(a, "a");
  const sumOf = (changes: Parameters<typeof update>[2]) =>
    updateChecksum(encodeMessage(update(signer, channel, changes)));
  const sum = sumOf({});
  assert.equal(sumOf({ timestamp: now + 1 }), sum);
  const others = [
    { chainHash: "11".repeat(32) as typeof channel.chainHash },
    { messageFlags: 3 },
    { channelFlags: 2 },
    { cltvExpiryDelta: 41 },
    { unknownFields: Uint8Array.of(0) },
  ].map(sumOf);
  assert.equal(new Set([sum, ...others]).size, others.length + 1);
});
