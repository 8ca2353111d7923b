import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import {
  Result_boolPeerHandleErrorZ,
  Result_CVec_u8ZPeerHandleErrorZ,
  Result_NonePeerHandleErrorZ,
  type SocketDescriptor,
} from "lightningdevkit";
import { loadLdk } from "#src/ldkRuntime";
import { LdkSockets, type SocketPeerManager } from "#src/ldkSockets";

await loadLdk();

/** Stands for LDK: notes what the sockets tell it, and pauses reading on demand. */
class FakeManager implements SocketPeerManager {
  readonly inbound: SocketDescriptor[] = [];
  readonly read: Uint8Array[] = [];
  pause = false;
  roomTold = 0;
  disconnects = 0;

  new_inbound_connection(descriptor: SocketDescriptor): Result_NonePeerHandleErrorZ {
    this.inbound.push(descriptor);
    return Result_NonePeerHandleErrorZ.constructor_ok();
  }

  new_outbound_connection(): Result_CVec_u8ZPeerHandleErrorZ {
    return Result_CVec_u8ZPeerHandleErrorZ.constructor_ok(new Uint8Array(50));
  }

  write_buffer_space_avail(): Result_NonePeerHandleErrorZ {
    this.roomTold += 1;
    return Result_NonePeerHandleErrorZ.constructor_ok();
  }

  read_event(_: SocketDescriptor, data: Uint8Array): Result_boolPeerHandleErrorZ {
    this.read.push(data);
    return Result_boolPeerHandleErrorZ.constructor_ok(this.pause);
  }

  socket_disconnected(): void {
    this.disconnects += 1;
  }
}

interface Line {
  readonly manager: FakeManager;
  readonly descriptor: SocketDescriptor;
  readonly remote: Socket;
  readonly closed: string[];
}

async function startLine(t: TestContext): Promise<Line> {
  const manager = new FakeManager();
  const closed: string[] = [];
  const sockets = new LdkSockets(manager, { wake: () => {}, closed: (by) => closed.push(by) });
  t.after(() => sockets.stop());
  const remote = connect(await sockets.listen(0), "127.0.0.1");
  t.after(() => remote.destroy());
  await once(remote, "connect");
  await until(() => manager.inbound.length === 1);
  const [descriptor] = manager.inbound;
  assert.ok(descriptor);
  return { manager, descriptor, remote, closed };
}

async function until(done: () => boolean): Promise<void> {
  for (const end = performance.now() + 5_000; !done(); ) {
    assert.ok(performance.now() < end, "not within 5 s");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const turns = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

test("a full socket refuses LDK's bytes until it has drained, and then takes more", async (t) => {
  const { manager, descriptor, remote } = await startLine(t);
  remote.pause();
  const piece = new Uint8Array(1 << 20);
  let accepted = 0;
  for (let value = 0; ; value++) {
    const taken = descriptor.send_data(piece.fill(value), false);
    if (taken === 0) break;
    accepted += taken;
    assert.equal(taken, piece.length);
    assert.ok(value < 64, "a socket that never fills up");
  }
  assert.equal(manager.roomTold, 0);

  const received: Buffer[] = [];
  remote.on("data", (data) => received.push(data));
  remote.resume();
  await until(() => manager.roomTold > 0);
  assert.equal(descriptor.send_data(Uint8Array.of(0xee), false), 1);
  accepted += 1;
  await until(() => received.reduce((total, data) => total + data.length, 0) === accepted);
  const all = Buffer.concat(received);
  for (let at = 0; at < accepted - 1; at += piece.length) assert.equal(all[at], at / piece.length);
  assert.equal(all.at(-1), 0xee);
});

test("LDK's pause stops reading until it resumes", async (t) => {
  const { manager, descriptor, remote } = await startLine(t);
  manager.pause = true;
  remote.write(Uint8Array.of(1));
  await until(() => manager.read.length === 1);
  remote.write(Uint8Array.of(2));
  await turns(50);
  assert.equal(manager.read.length, 1);

  manager.pause = false;
  descriptor.send_data(new Uint8Array(0), true);
  await until(() => manager.read.length === 2);
  assert.deepEqual([...(manager.read[1] ?? [])], [2]);
});

test("who hangs up is told once", async (t) => {
  const first = await startLine(t);
  first.remote.destroy();
  await until(() => first.manager.disconnects === 1);
  assert.deepEqual(first.closed, ["remote"]);

  const second = await startLine(t);
  second.descriptor.disconnect_socket();
  second.remote.resume();
  await once(second.remote, "close");
  assert.equal(second.descriptor.send_data(Uint8Array.of(1), false), 0);
  assert.equal(second.manager.disconnects, 0);
  assert.deepEqual(second.closed, ["ldk"]);
});
