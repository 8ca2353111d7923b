import assert from "node:assert/strict";
import { test } from "node:test";
import { networks } from "@fulmen/bitcoin/network";
import type { LogRecord } from "@fulmen/lightning/handlers";
import { PeerManager } from "@fulmen/lightning/peer";
import { KeysManager } from "@fulmen/lightning/sign";
import type { NodeId } from "@fulmen/lightning/util";
import { TcpTransport } from "@fulmen/net";
import { ldkOptions } from "#src/index";
import { startPeer } from "./ldkPair.ts";
import { SilentChannels } from "./silentChannels.ts";

const host = "127.0.0.1";

test("our PeerManager and LDK's connect either way, answer each other's pings and part", async (t) => {
  const ldk = await startPeer(t, "ldk", ldkOptions(1));
  const log: LogRecord[] = [];
  const notes = new SilentChannels();
  const keys = new KeysManager(new Uint8Array(32).fill(7));
  const { genesisHash: chainHash } = networks.regtest;
  const logger = { log: (record: LogRecord) => log.push(record) };
  const peers = new PeerManager({ nodeSigner: keys, handlers: { channel: notes }, chainHash, logger });
  const transport = new TcpTransport({ peers, logger });
  t.after(() => transport.close());
  const ldkId = ldk.nodeId as NodeId;

  const { port } = await ldk.cmd("listen");
  const dialled = await transport.connect({ nodeId: ldkId, host, port });
  assert.ok(dialled.ok);
  await ldk.until("peers", (connected) => connected.length === 1);
  await until(() => peers.peer(ldkId) !== undefined);
  for (let i = 0; i < 4; i++) {
    peers.tick();
    transport.flush();
    await ldk.cmd("tick");
    await pause(100);
  }
  assert.equal(peers.peer(ldkId)?.connectionId, dialled.value.connectionId);
  await ldk.cmd("disconnect");
  await dialled.value.closed;

  const listening = await transport.listen({ host, port: 0 });
  await ldk.cmd("connect", { port: listening.port, nodeId: keys.nodeId });
  await until(() => peers.peer(ldkId)?.inbound === true);
  peers.disconnect(ldkId);
  transport.flush();
  await ldk.until("peers", (connected) => connected.length === 0);
  assert.deepEqual(notes.messages, []);
  assert.deepEqual(
    log.map(({ text }) => text),
    [
      "connected",
      "connection ends: connection lost",
      "connected to us",
      "connection ends: disconnected by us",
    ],
  );
});

async function until(condition: () => boolean): Promise<void> {
  for (let waited = 0; !condition(); waited += 10) {
    assert.ok(waited < 10_000, "not within ten seconds");
    await pause(10);
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
