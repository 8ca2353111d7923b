import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ChainSourceError } from "@fulmen/chain-sync";
import { LineReader } from "#src/electrum/lineReader";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function linesOf(pieces: readonly Uint8Array[], maxLength = 100): readonly string[] {
  const lines: string[] = [];
  const reader = new LineReader(maxLength, (line) => lines.push(line));
  for (const piece of pieces) reader.read(piece);
  return lines;
}

function isInvalid(error: unknown): boolean {
  return error instanceof ChainSourceError && error.code === "invalid-answer";
}

describe("lines of a stream", () => {
  it("come whole, however they are cut, and however text is cut inside of a character", () => {
    const all = bytes("first\n\nthe second: ü€😀\nthird");
    for (let size = 1; size <= all.length; size++) {
      const pieces: Uint8Array[] = [];
      for (let at = 0; at < all.length; at += size) pieces.push(all.subarray(at, at + size));
      assert.deepEqual(linesOf(pieces), ["first", "", "the second: ü€😀"], `pieces of ${size}`);
    }
  });

  it("are kept when the socket uses its memory again", () => {
    const lines: string[] = [];
    const reader = new LineReader(100, (line) => lines.push(line));
    const piece = bytes("ab");
    reader.read(piece);
    piece.fill(0x78);
    reader.read(bytes("c\n"));
    assert.deepEqual(lines, ["abc"]);
  });

  it("are no longer than allowed, whether their end has come or not", () => {
    assert.deepEqual(linesOf([bytes(`${"x".repeat(100)}\n`)]), ["x".repeat(100)]);
    assert.throws(() => linesOf([bytes(`${"x".repeat(101)}\n`)]), isInvalid);
    assert.throws(() => linesOf([bytes("x".repeat(60)), bytes("x".repeat(41))]), isInvalid);
  });

  it("are text", () => {
    assert.throws(() => linesOf([Uint8Array.of(0x16, 0x03, 0xff, 0x0a)]), isInvalid);
  });

  it("end when nobody wants them any more", () => {
    const lines: string[] = [];
    const reader = new LineReader(100, (line) => {
      lines.push(line);
      reader.stop();
    });
    reader.read(bytes("a\nb\nc\n"));
    reader.read(bytes("d\n"));
    assert.deepEqual(lines, ["a"]);
  });
});
