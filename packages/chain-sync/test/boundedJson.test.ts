import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import { boundedJson } from "#src/boundedJson";

it("JSON of servers is what it is, whatever stands in its texts", () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 20 }), (text) => {
      assert.deepEqual(boundedJson(text), JSON.parse(text));
    }),
    { seed: 7, numRuns: 300 },
  );
  const texts = [
    `${"[".repeat(500)}`,
    '\\"{',
    "\\\\",
    `${"\\".repeat(5)}"${"{".repeat(300)}`,
    ",".repeat(2_000_000),
  ];
  for (const text of texts) assert.equal(boundedJson(JSON.stringify(text)), text);
  assert.throws(() => boundedJson('"no end'), SyntaxError);
});

it("JSON of servers is neither deep nor rich", () => {
  const deep = (times: number) => `${"[".repeat(times)}${"]".repeat(times)}`;
  assert.ok(Array.isArray(boundedJson(deep(100))));
  assert.throws(() => boundedJson(deep(101)), SyntaxError);
  assert.ok(Array.isArray(boundedJson(`[${"0,".repeat(900_000)}0]`)));
  assert.throws(() => boundedJson(`[${"0,".repeat(1_000_000)}0]`), SyntaxError);
});
