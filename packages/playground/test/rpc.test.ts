import assert from "node:assert/strict";
import { test } from "node:test";
import { Caller, type Frame, RemoteError, serve } from "#src/rpc/call";

interface Sums {
  add(a: bigint, b: bigint): bigint;
}

const sums: Sums = {
  add: (a, b) => a + b,
};

test("a name that is no method of the service is refused, also one that every object has", async () => {
  for (const method of ["multiply", "toString", "constructor"]) {
    const frames: Frame[] = [];
    const answer = serve(sums, (frame) => void frames.push(frame));
    answer({ kind: "call", id: 7, method, args: [] });
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(frames, [{ kind: "refusal", id: 7, message: `no method ${method}` }]);
  }
});

test("calls wait for a service that is being made, and fail with it", async () => {
  const caller: Caller<Sums> = new Caller((frame) => answer(frame));
  const answer = serve(Promise.resolve(sums), (frame) => caller.receive(frame));
  assert.equal(await caller.call("add", 2n, 3n), 5n);
  const broken: Caller<Sums> = new Caller((frame) => refuse(frame));
  const refuse = serve<Sums>(Promise.reject(new Error("no luck")), (frame) => broken.receive(frame));
  await assert.rejects(
    broken.call("add", 2n, 3n),
    (error) => error instanceof RemoteError && /no luck/.test(error.message),
  );
});

test("when the line ends, calls under way and later ones fail for that reason", async () => {
  const caller = new Caller<Sums>(() => undefined);
  const waiting = caller.call("add", 1n, 1n);
  caller.ended(new Error("killed"));
  await assert.rejects(waiting, /killed/);
  await assert.rejects(caller.call("add", 1n, 1n), /killed/);
});
