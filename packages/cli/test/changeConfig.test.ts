import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { withGroup } from "#src/config/changeConfig";
import { withoutComments } from "#src/config/jsonWithComments";

const storage = { kind: "files", path: 'a"b{' };
const value = JSON.stringify(storage);

describe("a change of the config file", () => {
  it("puts a group in another's place, and keeps comments and all else", () => {
    const text =
      '{ // "storage": { "kind": 1 }\n "x": ["storage", {"storage": 1}], "storage": { "kind": "sqlite" } , // here\n "y": 1}';
    assert.equal(
      withGroup(text, "storage", storage),
      `{ // "storage": { "kind": 1 }\n "x": ["storage", {"storage": 1}], "storage": ${value}, // here\n "y": 1}`,
    );
    assert.equal(withGroup('{"storage":{"a":[1]}}', "storage", storage), `{"storage": ${value}}`);
  });

  it("adds a group where there is none", () => {
    const changed = withGroup('{\n // mine\n "network": "storage"\n}\n', "storage", storage);
    assert.deepEqual(JSON.parse(withoutComments(changed)), { network: "storage", storage });
    assert.match(changed, /\/\/ mine/);
  });
});
