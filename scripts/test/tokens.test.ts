import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { tokenize } from "../source/tokens.ts";

function words(source: string): readonly string[] {
  return tokenize(source)
    .filter(({ kind }) => kind === "word")
    .map(({ text }) => text);
}

describe("tokenize", () => {
  it("leaves out comments and strings", () => {
    assert.deepEqual(words('a /* b\n */ + "c \\" d" // e\n + \'f\''), ["a"]);
  });

  it("reads code inside templates, also nested ones", () => {
    assert.deepEqual(words("`a ${b + `c ${{ d: 1 }.d} e`} f` + g"), ["b", "d", "d", "g"]);
  });

  it("keeps a dollar and an escape inside a template", () => {
    assert.deepEqual(words("`$a \\` \\${b} $` + c"), ["c"]);
  });

  it("tells a regular expression from a division", () => {
    assert.deepEqual(words('x = /a[/"]b/g; y = c / d / e'), ["x", "y", "c", "d", "e"]);
  });

  it("counts lines through everything that spans some", () => {
    const tokens = tokenize('/*\n*/ `\n${\na}` // c\n"d"');
    assert.deepEqual(
      tokens.filter(({ kind }) => kind === "word" || kind === "string").map(({ text, line }) => [text, line]),
      [
        ["a", 4],
        ["d", 5],
      ],
    );
  });

  it("refuses a template without an end", () => {
    assert.throws(() => tokenize("\n`a"), /line 2: a template that does not end/);
  });
});
