import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { generateScript } from "#src/model/generate";
import { actionKinds, parseScript, printScript } from "#src/model/script";

describe("a script", () => {
  it("is the same for the same seed, and another for another", () => {
    assert.deepEqual(generateScript(7), generateScript(7));
    assert.notDeepEqual(generateScript(7).actions, generateScript(8).actions);
  });

  it("is read as it was written", () => {
    for (let seed = 1; seed <= 20; seed++) {
      const script = generateScript(seed);
      assert.deepEqual(parseScript(printScript(script)), script);
    }
  });

  it("has every kind of action, by and by", () => {
    const kinds = new Set<string>();
    for (let seed = 1; seed <= 40; seed++)
      for (const { kind } of generateScript(seed).actions) kinds.add(kind);
    assert.deepEqual([...kinds].sort(), [...actionKinds].sort());
  });

  it("is refused when it says what nobody understands", () => {
    const good = printScript(generateScript(3));
    for (const bad of ['{"action":{"kind":"explode"}}', '{"action":{"kind":"cut","link":-1}}', '{"seed":'])
      assert.throws(() => parseScript(`${good}${bad}\n`), SyntaxError);
    assert.throws(() => parseScript(""), SyntaxError);
  });
});
