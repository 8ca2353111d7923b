import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { DecodeError, toJson, Writer } from "@fulmen/lightning/codec";
import { concatBytes, fromHex, InvariantError, toHex } from "@fulmen/lightning/util";
import {
  decodeMessage,
  encodeMessage,
  type LightningMessage,
  maxMessageBytes,
  messages,
  typeNumberOf,
  writeMessage,
} from "@fulmen/lightning/wire";
import fc from "fast-check";
import { anyMessage, messagesOf } from "./messageValues.ts";

const {
  init: extensions,
}: { readonly init: readonly { readonly bytes: string; readonly valid: boolean }[] } = JSON.parse(
  readFileSync(new URL("../../../../fixtures/bolt01/extension.json", import.meta.url), "utf8"),
);

/** What `decodeMessage` makes of bytes; anything but a message or a `DecodeError` goes through. */
function decoded(bytes: Uint8Array): ReturnType<typeof decodeMessage> | undefined {
  try {
    return decodeMessage(bytes);
  } catch (error) {
    assert.ok(error instanceof DecodeError, `${toHex(bytes)}: ${String(error)}`);
    return undefined;
  }
}

/** What decodes is encoded as it came, but for records that were dropped. */
function assertCanonical(bytes: Uint8Array): void {
  const message = decoded(bytes);
  if (message === undefined) return;
  const again = encodeMessage(message);
  if (again.length === bytes.length) assert.equal(toHex(again), toHex(bytes));
  else assert.ok(again.length < bytes.length, toHex(bytes));
  assert.deepEqual(decodeMessage(again), message);
}

describe("messages", () => {
  it("are 50, each with a number, a name and a section of its own kind", () => {
    assert.equal(messages.length, 50);
    assert.equal(new Set(messages.map(({ number }) => number)).size, 50);
    assert.equal(new Set(messages.map(({ type }) => type)).size, 50);
    for (const { section } of messages) assert.match(section, /^BOLT [1247], ".+"$/);
  });

  for (const declaration of messages) {
    it(`${declaration.type} reads back as written`, () => {
      fc.assert(
        fc.property(messagesOf(declaration), (message) => {
          const bytes = encodeMessage(message);
          assert.equal(typeNumberOf(message), (bytes[0] ?? 0) * 256 + (bytes[1] ?? 0));
          assert.deepEqual(decodeMessage(bytes), message);
          assert.equal(toHex(encodeMessage(decodeMessage(bytes))), toHex(bytes));
          JSON.stringify(toJson(message));
        }),
        { seed: declaration.number, numRuns: 20 },
      );
    });

    it(`${declaration.type} cut short anywhere is refused, or lacks optional records only`, () => {
      fc.assert(
        fc.property(messagesOf(declaration), (message) => {
          const bytes = encodeMessage(message);
          const step = bytes.length > 400 ? 13 : 1;
          for (let length = 0; length < bytes.length; length += step)
            assertCanonical(bytes.subarray(0, length));
        }),
        { seed: declaration.number, numRuns: 2 },
      );
    });
  }

  it("with flipped, inserted or added bytes are refused, or are canonical", () => {
    fc.assert(
      fc.property(
        anyMessage,
        fc.nat(),
        fc.uint8Array({ minLength: 1, maxLength: 12 }),
        (message, place, noise) => {
          const bytes = encodeMessage(message);
          const at = 2 + (place % (bytes.length - 1));
          const flipped = bytes.slice();
          if (at < flipped.length) flipped[at] = (flipped[at] ?? 0) ^ (noise[0] ?? 1);
          assertCanonical(flipped);
          assertCanonical(concatBytes(bytes.subarray(0, at), noise, bytes.subarray(at)));
          assertCanonical(concatBytes(bytes, noise));
        },
      ),
      { seed: 2, numRuns: 1000 },
    );
  });

  it("of random bytes are refused, or are canonical", () => {
    fc.assert(
      fc.property(fc.constantFrom(...messages), fc.uint8Array({ maxLength: 500 }), ({ number }, noise) => {
        assertCanonical(concatBytes(Uint8Array.of(number >> 8, number & 0xff), noise));
        assertCanonical(noise);
      }),
      { seed: 3, numRuns: 2000 },
    );
  });

  it("hold no view of the bytes they came from", () => {
    fc.assert(
      fc.property(anyMessage, (message) => {
        const input = Buffer.from(encodeMessage(message));
        const read = decodeMessage(input);
        input.fill(0xee);
        assert.deepEqual(read, message);
      }),
      { seed: 4, numRuns: 200 },
    );
  });
});

describe("decodeMessage", () => {
  for (const { bytes, valid } of extensions) {
    it(`${valid ? "takes" : "refuses"} ${bytes} (BOLT 1, Appendix C)`, () => {
      if (valid) {
        const features = { globalfeatures: new Uint8Array(0), features: new Uint8Array(0) };
        assert.deepEqual(decodeMessage(fromHex(bytes)), { type: "init", ...features, tlvs: {} });
      } else {
        assert.throws(() => decodeMessage(fromHex(bytes)), DecodeError);
      }
    });
  }

  it("drops a valid extension of a message that has none, and refuses an invalid one", () => {
    const pong = fromHex("00130000");
    assert.deepEqual(decodeMessage(concatBytes(pong, fromHex("0100"))), decodeMessage(pong));
    for (const extension of ["0000", "01", "01000100", "0101"]) {
      assert.throws(() => decodeMessage(concatBytes(pong, fromHex(extension))), DecodeError, extension);
    }
  });

  it("keeps what it does not know of an announcement, to the byte", () => {
    const tail = fromHex("ffff0000deadbeef");
    for (const type of ["channel_announcement", "node_announcement", "channel_update"]) {
      const declaration = messages.find((message) => message.type === type);
      assert.ok(declaration !== undefined);
      const [message] = fc.sample(messagesOf(declaration), { seed: 5, numRuns: 1 });
      assert.ok(message !== undefined);
      const signed = encodeMessage({ ...message, unknownFields: tail } as LightningMessage);
      assert.deepEqual(signed.subarray(-tail.length), tail);
      assert.deepEqual(encodeMessage(decodeMessage(signed)), signed);
    }
  });

  it("gives a message of unknown type back whole", () => {
    const bytes = fromHex("8001aabb");
    const message = decodeMessage(bytes);
    assert.deepEqual(message, { type: "unknown", typeNumber: 0x8001, payload: Uint8Array.of(0xaa, 0xbb) });
    assert.equal(typeNumberOf(message), 0x8001);
    assert.deepEqual(encodeMessage(message), bytes);
  });

  it("names the message, the field and the byte of a fault", () => {
    assert.throws(
      () => decodeMessage(fromHex("0010000000000101ff")),
      (error) => error instanceof DecodeError && error.field === "init.tlvs.1" && error.offset === 8,
    );
    assert.throws(() => decodeMessage(fromHex("00")), DecodeError);
  });
});

describe("encodeMessage", () => {
  it("refuses a message that the transport cannot carry", () => {
    const payload = new Uint8Array(maxMessageBytes - 2);
    assert.equal(encodeMessage({ type: "unknown", typeNumber: 32769, payload }).length, 65535);
    assert.throws(
      () => encodeMessage({ type: "unknown", typeNumber: 32769, payload: new Uint8Array(65534) }),
      InvariantError,
    );
    assert.throws(
      () => encodeMessage({ type: "ping", numPongBytes: 0, ignored: new Uint8Array(65535) }),
      InvariantError,
    );
  });

  it("is matched by writeMessage, to a writer that others had before, one of which was refused halfway", () => {
    const writer = new Writer(16);
    const refused = { type: "unknown", typeNumber: 9, payload: new Uint8Array(65_534) } as const;
    fc.assert(
      fc.property(anyMessage, (message) => {
        assert.throws(() => writeMessage(writer, refused), InvariantError);
        writer.clear();
        writeMessage(writer, message);
        const bytes = writer.copy();
        writer.clear();
        assert.deepEqual(bytes, encodeMessage(message));
        assert.equal(bytes.buffer.byteLength, bytes.length);
      }),
      { seed: 3, numRuns: 60 },
    );
  });

  it("refuses a message that is none of ours", () => {
    for (const type of ["no_such_message", "__proto__", "constructor"]) {
      const stranger: unknown = { type };
      assert.throws(() => encodeMessage(stranger as LightningMessage), InvariantError);
    }
  });
});
