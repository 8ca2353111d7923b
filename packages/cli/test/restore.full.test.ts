// timeout: 400 s
import assert from "node:assert/strict";
import { copyFileSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, it } from "node:test";
import { decodeAddress } from "@fulmen/bitcoin/address";
import { networks } from "@fulmen/bitcoin/network";
import { type Client, createClient } from "@fulmen/client";
import { feeratePerKw, sat } from "@fulmen/lightning/util";
import { Node } from "@fulmen/node";
import {
  begin,
  bitcoind,
  chain,
  chainUrl,
  cleanUp,
  faucet,
  freePort,
  newNode,
  root,
  run,
} from "./support/processes.ts";

const bitcoindOption = { url: chainUrl, user: "fulmen", password: "secret" };
const bob = new Node({
  network: "regtest",
  seed: new Uint8Array(32).fill(2),
  storage: "memory",
  chain: { bitcoind: bitcoindOption },
  listen: { port: 0 },
  development: { forwardAtOnce: true, reconnectDelay: 20, pollInterval: 20 },
});
after(async () => {
  await bob.stop();
  await cleanUp();
});

async function until(isSo: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const end = performance.now() + 20_000;
  while (!(await isSo())) {
    assert.ok(performance.now() < end, what);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function mine(blocks: number): void {
  chain.mine(blocks);
  bitcoind.update();
}

const clientOf = (folder: string, port: number): Client =>
  createClient({
    url: `http://127.0.0.1:${port}`,
    token: readFileSync(join(folder, "cli.token"), "utf8").trim(),
  });

/** Gives a daemon 1,000,000 sat, and has it open a channel with half of them. */
async function channelTo(peer: string, client: Client): Promise<void> {
  const { address } = await client.newAddress();
  const script = decodeAddress(address, networks.regtest);
  chain.submit(faucet.fund(chain, [{ value: sat(1_000_000), script }], feeratePerKw(1_000)));
  mine(1);
  await until(async () => (await client.balances()).onchain.spendable.amountSat === "1000000", "the coins");
  await client.openChannel({ peer, amountSat: "500000" });
  await until(() => chain.mempool.length > 0, "the funding");
  mine(6);
  await until(async () => (await client.info()).channels.usable === 1, "the channel");
}

/** The peer closes, and what it pays is in the wallet. */
async function moneyIsBack(client: Client): Promise<void> {
  await until(() => chain.mempool.length > 0, "the peer closes");
  const isBack = async (): Promise<boolean> => {
    mine(1);
    const { onchain, closing } = await client.balances();
    return closing.length === 0 && BigInt(onchain.totalSat) > 990_000n;
  };
  await until(isBack, "the money");
}

it("a node comes back from its words and the backup that the daemon keeps by itself", async () => {
  await bob.start();
  const port = await freePort();
  const folder = await newNode("lost", { api: { port } });
  const words = readFileSync(join(folder, "seed"), "utf8");
  const kept = join(folder, "channels.backup");
  const daemon = begin(["start", "--data-dir", folder]);
  await daemon.seen("Ready.");
  await channelTo(bob.uri, clientOf(folder, port));
  const doctor = await run(["doctor", "--data-dir", folder]);
  assert.match(doctor.out, /ok {3}The backup of .* has all channels/);
  assert.match(doctor.out, /note All files of the backup are on the store's disk/);
  await run(["stop", "--data-dir", folder]);
  await daemon.ended;
  const backup = join(root, "elsewhere.backup");
  copyFileSync(kept, backup);
  const checked = await run(["backup", "--check", "--data-dir", folder]);
  assert.match(checked.out, /has 1 channel\.\n {2}[0-9a-f]{16} {2}500,000 sat {2}with 0[23]/);

  const again = join(root, "again");
  const init = ["init", "--data-dir", again, "--network", "regtest", "--chain-url", chainUrl];
  const foreign = `${"abandon ".repeat(11)}about`;
  const other = await run([...init, "--restore", "--backup", backup], { input: foreign });
  const useless = await run([...init, "--backup", backup]);
  assert.deepEqual([other.code, useless.code], [11, 2]);
  assert.match(other.err, /damaged, or belongs to another seed/);
  assert.ok(!existsSync(join(again, "fulmen.json")) && !existsSync(join(again, "restore.backup")));
  const made = await run([...init, "--restore", "--backup", backup], { input: words });
  assert.equal(made.code, 0, made.err);
  assert.match(made.out, /has 1 channel\./);
  const newPort = await freePort();
  const env = {
    FULMEN_CHAIN_USER: bitcoindOption.user,
    FULMEN_CHAIN_PASSWORD: bitcoindOption.password,
    FULMEN_API_PORT: String(newPort),
    FULMEN_LISTEN_PORT: String(await freePort()),
  };
  const alone = join(root, "alone");
  const nobody = `${bob.nodeId}@127.0.0.1:1`;
  const fromPeers = ["init", "--data-dir", alone, "--network", "regtest", "--restore", "--peers", nobody];
  await run([...fromPeers, "--chain-url", chainUrl], { input: words });
  const helpless = await run(["start", "--data-dir", alone], { env });
  assert.equal(helpless.code, 11);
  assert.match(helpless.err, /^No peer gave a backup of this node back; 0[23].*ECONNREFUSED/);
  assert.equal(readFileSync(join(alone, "restore.peers"), "utf8"), `${nobody}\n`);
  const restored = begin(["start", "--data-dir", again], { env });
  await restored.seen("Ready.");
  assert.ok(!existsSync(join(again, "restore.backup")) && existsSync(join(again, "restored.backup")));
  await moneyIsBack(clientOf(again, newPort));
  await run(["stop", "--data-dir", again]);
  assert.equal((await restored.ended).code, 0);
});

it("a node comes back from its words and what its peer kept, in processes of their own", async () => {
  const [port, peerPort] = [await freePort(), await freePort()];
  const folder = await newNode("words-only", { api: { port } });
  const peerFolder = await newNode("keeper", {
    ...{ api: { port: peerPort }, inboundChannels: { minFunding: 100_000 } },
  });
  const daemons = [folder, peerFolder].map((path) => begin(["start", "--data-dir", path]));
  for (const daemon of daemons) await daemon.seen("Ready.");
  const peer = (await clientOf(peerFolder, peerPort).info()).uri ?? assert.fail("nobody can connect");
  await channelTo(peer, clientOf(folder, port));
  const tooSmall = clientOf(folder, port).openChannel({ peer, amountSat: "20000" });
  await assert.rejects(tooSmall, /the least is 100000 sat/);
  const isKept = async (): Promise<boolean> =>
    (await clientOf(folder, port).info()).backupAtPeers?.channels === 1;
  await until(isKept, "the peer keeps the backup");
  const doctor = await run(["doctor", "--data-dir", folder]);
  assert.match(doctor.out, /ok {3}A backup of 1 of 1 channel is kept by 1 connected peer\./);
  assert.equal((await run(["stop", "--data-dir", folder])).code, 0);
  await daemons[0]?.ended;
  const input = readFileSync(join(folder, "seed"), "utf8");
  const config = readFileSync(join(folder, "fulmen.json"), "utf8");
  rmSync(folder, { recursive: true });

  const made = await run(
    [
      ...["init", "--data-dir", folder, "--network", "regtest", "--chain-url", chainUrl],
      ...["--restore", "--peers", peer],
    ],
    { input },
  );
  assert.equal(made.code, 0, made.err);
  writeFileSync(join(folder, "fulmen.json"), config);
  const restored = begin(["start", "--data-dir", folder]);
  await restored.seen("Ready.");
  assert.ok(!existsSync(join(folder, "restore.peers")));
  const { channels } = await clientOf(folder, port).channels();
  assert.deepEqual(
    channels.map(({ peer: of }) => of),
    [peer.split("@")[0]],
  );
  await moneyIsBack(clientOf(folder, port));
  assert.equal((await run(["stop", "--data-dir", folder])).code, 0);
  assert.equal((await restored.ended).code, 0);
});
