import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ChainSourceError } from "@fulmen/chain-sync";
import fc from "fast-check";
import { readMessages } from "#src/electrum/rpcMessage";

function complaintOf(line: string): string {
  try {
    readMessages(line);
  } catch (error) {
    if (error instanceof ChainSourceError && error.code === "invalid-answer") return error.message;
    throw error;
  }
  throw new Error("it is read");
}

describe("what an Electrum server says", () => {
  it("is an answer, a refusal or a notification", () => {
    assert.deepEqual(readMessages('{"jsonrpc":"2.0","id":3,"result":null}'), [
      { kind: "answer", id: 3, result: { ok: true, value: null } },
    ]);
    assert.deepEqual(readMessages('{"id":3,"error":{"code":2,"message":"no\\n\\u0000such"}}'), [
      { kind: "answer", id: 3, result: { ok: false, error: { code: 2, message: "no \ufffdsuch" } } },
    ]);
    assert.deepEqual(readMessages('{"method":"a","params":[1]}'), [
      { kind: "notification", method: "a", params: [1] },
    ]);
  });

  it("may be as old servers say it: a result with an empty error, an error of text", () => {
    assert.deepEqual(readMessages('{"id":0,"result":7,"error":null}'), [
      { kind: "answer", id: 0, result: { ok: true, value: 7 } },
    ]);
    assert.deepEqual(readMessages('{"id":0,"error":"busy"}'), [
      { kind: "answer", id: 0, result: { ok: false, error: { code: 0, message: "busy" } } },
    ]);
    assert.deepEqual(readMessages('{"id":null,"error":{"code":-32700,"message":"invalid JSON"}}'), [
      { kind: "complaint", message: "invalid JSON" },
    ]);
  });

  it("may come as a batch", () => {
    assert.equal(readMessages('[{"id":0,"result":1},{"id":1,"result":2}]').length, 2);
  });

  it("is recognised as that of a web server", () => {
    for (const line of ["HTTP/1.1 400 Bad Request", "<!DOCTYPE html>", "  <html>"])
      assert.match(complaintOf(line), /web server/);
  });

  it("is refused when it is something else", () => {
    for (const line of ["", "{", "7", '"x"', "null", "{}", '{"id":"a","result":1}', '{"id":1}', "[[]]"]) {
      assert.match(complaintOf(line), /not the Electrum protocol/, line);
    }
    assert.match(complaintOf('{"method":"m","params":{"a":1}}'), /without a list/);
  });

  it("is not taken apart where that would take much more memory than its text", () => {
    const deep = (times: number) => "[".repeat(times) + "]".repeat(times);
    for (const line of [
      deep(101),
      deep(100_000),
      `{"id":1,"error":${deep(5_000)}}`,
      `[${"{},".repeat(600_000)}{}]`,
    ])
      assert.match(complaintOf(line), /not the Electrum protocol/);
  });

  it("never throws anything else, whatever it is", () => {
    const text = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.json(),
      fc.json().map((json) => `[${json}]`),
    );
    fc.assert(
      fc.property(text, (line) => {
        try {
          readMessages(line);
        } catch (error) {
          assert.ok(error instanceof ChainSourceError, String(error));
        }
      }),
      { seed: 7, numRuns: 500 },
    );
  });
});
