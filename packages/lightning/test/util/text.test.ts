import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { nodeAliasText } from "@fulmen/lightning/gossip";
import { type LogRecord, withPrintableText } from "@fulmen/lightning/handlers";
import { messageOf, printable } from "@fulmen/lightning/util";
import fc from "fast-check";
import { ApiError } from "#src/manager/apiError";

/** Characters that change how a line is read, each by its name. */
const hostile: Readonly<Record<string, string>> = {
  "a new line": "\n",
  "a carriage return": "\r",
  "an escape": "\u001b",
  "a terminal's next line": "\u0085",
  "a C1 control sequence": "\u009b",
  "a delete": "\u007f",
  "a line separator": "\u2028",
  "a paragraph separator": "\u2029",
  "a right-to-left override": "\u202e",
  "a right-to-left isolate": "\u2067",
  "a right-to-left mark": "\u200f",
  "an Arabic letter mark": "\u061c",
  "a zero-width space": "\u200b",
  "a byte order mark": "\ufeff",
  "a soft hyphen": "\u00ad",
  "an invisible letter": "\u3164",
  "a tag": "\u{e0041}",
  "a private character": "\ue000",
  "half of a pair": "\ud800",
};

const unprintable = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/u;

it("messageOf says what was thrown, whatever that is", () => {
  assert.equal(messageOf(new RangeError("too far")), "too far");
  assert.equal(messageOf("a string"), "a string");
  assert.equal(messageOf(undefined), "undefined");
});

describe("printable", () => {
  for (const [name, character] of Object.entries(hostile)) {
    it(`shows ${name} as such`, () => assert.equal(printable(`a${character}b`), "a\ufffdb"));
  }

  it("leaves what people write as it is", () => {
    for (const text of [
      "",
      "plain text",
      "Zahlung f\u00fcr Caf\u00e9",
      "\u65e5\u672c",
      "\u05e9\u05dc\u05d5\u05dd",
      "\u{1f5f2}",
    ]) {
      assert.equal(printable(text), text);
    }
  });

  it("cuts any text, has nothing of it act, and changes its own result no more", () => {
    const texts = fc.oneof(
      fc.string({ unit: "binary", maxLength: 700 }),
      fc.string({ unit: fc.constantFrom(...Object.values(hostile), "a", "\u{1f5f2}"), maxLength: 700 }),
    );
    fc.assert(
      fc.property(texts, fc.integer({ min: 0, max: 600 }), (text, limit) => {
        const shown = printable(text, limit);
        assert.ok(shown.length <= limit);
        assert.doesNotMatch(shown, unprintable);
        assert.equal(printable(shown, limit), shown);
      }),
      { seed: 3, numRuns: 300 },
    );
  });

  it("keeps of bytes what is printable ASCII", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 700 }), (bytes) => {
        const shown = printable(bytes);
        assert.equal(shown.length, Math.min(bytes.length, 500));
        assert.match(shown, /^[ -~]*$/);
      }),
      { seed: 3, numRuns: 200 },
    );
  });
});

describe("text of others", () => {
  it("is one printable line in every log", () => {
    const lines: LogRecord[] = [];
    const logger = withPrintableText({ log: (record) => void lines.push(record) });
    logger.log({ level: "warn", module: "m", text: `peer says:\n\u202e${"x".repeat(5_000)}` });
    assert.equal(lines.length, 1);
    assert.match(lines[0]?.text ?? "", /^peer says:\ufffd\ufffdx+$/);
    assert.equal(lines[0]?.text.length, 2_000);
  });

  it("is printable in errors of the API", () => {
    const { message } = new ApiError("invalid-invoice", `no invoice: ${"\u202e".repeat(5_000)}`);
    assert.match(message, /^no invoice: \ufffd+$/);
    assert.equal(message.length, 1_000);
  });

  it("is printable as a node's name", () => {
    const alias = (...bytes: number[]) =>
      nodeAliasText(Uint8Array.from({ length: 32 }, (_, i) => bytes[i] ?? 0));
    assert.equal(alias(), "");
    assert.equal(alias(0x46, 0x75, 0x6c), "Ful");
    assert.equal(alias(0x46, 0, 0x6c), "F\ufffdl");
    assert.equal(alias(0xc3, 0xbc), "\u00fc");
    assert.equal(alias(0xe2, 0x80, 0xae, 0x61), "\ufffda");
    assert.equal(alias(0xff, 0x61), "?a");
  });
});
