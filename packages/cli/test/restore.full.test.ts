// timeout: 240 s
import assert from "node:assert/strict";
import { copyFileSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, it } from "node:test";
import { decodeAddress } from "@fulmen/bitcoin/address";
import { networks } from "@fulmen/bitcoin/network";
import { createClient } from "@fulmen/client";
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

it("a node comes back from its words and the backup that the daemon keeps by itself", async () => {
  await bob.start();
  const port = await freePort();
  const folder = await newNode("lost", { api: { port } });
  const words = readFileSync(join(folder, "seed"), "utf8");
  const kept = join(folder, "channels.backup");
  const daemon = begin(["start", "--data-dir", folder]);
  await daemon.seen("Ready.");
  const clientOf = (path: string, at: number) =>
    createClient({
      url: `http://127.0.0.1:${at}`,
      token: readFileSync(join(path, "cli.token"), "utf8").trim(),
    });
  const client = clientOf(folder, port);
  const { address } = await client.newAddress();
  const script = decodeAddress(address, networks.regtest);
  chain.submit(faucet.fund(chain, [{ value: sat(1_000_000), script }], feeratePerKw(1_000)));
  mine(1);
  await until(async () => (await client.balances()).onchain.spendable.amountSat === "1000000", "the coins");
  await client.openChannel({ peer: bob.uri, amountSat: "500000" });
  await until(() => chain.mempool.length > 0, "the funding");
  mine(6);
  await until(async () => (await client.info()).channels.usable === 1, "the channel");
  const doctor = await run(["doctor", "--data-dir", folder]);
  assert.match(doctor.out, /ok {3}The backup of .* has all channels/);
  assert.match(doctor.out, /note All files of the backup are on the store's disk/);
  await run(["stop", "--data-dir", folder]);
  await daemon.ended;
  const backup = join(root, "elsewhere.backup");
  copyFileSync(kept, backup);
  const checked = await run(["backup", "--check", "--data-dir", folder]);
  assert.match(checked.out, /has 1 channels\.\n {2}[0-9a-f]{16} {2}500,000 sat {2}with 0[23]/);

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
  assert.match(made.out, /has 1 channels/);
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
  const restoredClient = clientOf(again, newPort);
  await until(() => chain.mempool.length > 0, "bob closes");
  const isBack = async (): Promise<boolean> => {
    mine(1);
    const { onchain, closing } = await restoredClient.balances();
    return closing.length === 0 && BigInt(onchain.totalSat) > 990_000n;
  };
  await until(isBack, "the money");
  await run(["stop", "--data-dir", again]);
  assert.equal((await restored.ended).code, 0);
});
