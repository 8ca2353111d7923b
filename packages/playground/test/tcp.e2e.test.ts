import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { test } from "node:test";
import { connect, listen } from "#src/rpc/tcp";

interface Sums {
  add(a: bigint, b: bigint): bigint;
  length(bytes: Uint8Array): Promise<number>;
  refuse(): never;
}

const sums: Sums = {
  add: (a, b) => a + b,
  length: async (bytes) => bytes.length,
  refuse: () => {
    throw new RangeError("not today");
  },
};

test("calls over TCP carry bigints and bytes, many at once and large ones, and refusals with their words", async () => {
  const { server, port } = await listen(sums);
  const sockets: Socket[] = [];
  server.on("connection", (socket) => void sockets.push(socket));
  const caller = connect<Sums>(port);
  const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => caller.call("add", BigInt(i), 1n)));
  assert.deepEqual(
    answers,
    Array.from({ length: 50 }, (_, i) => BigInt(i + 1)),
  );
  assert.equal(await caller.call("length", new Uint8Array(1_000_000)), 1_000_000);
  await assert.rejects(caller.call("refuse"), { name: "RemoteError", message: "not today" });
  server.close();
  for (const socket of sockets) socket.destroy();
  await assert.rejects(caller.call("add", 1n, 1n), /closed/);
});
