// timeout: 90 s
import assert from "node:assert/strict";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { decodeAddress } from "@fulmen/bitcoin/address";
import { networks } from "@fulmen/bitcoin/network";
import { createClient } from "@fulmen/client";
import { feeratePerKw, sat } from "@fulmen/lightning/util";
import {
  begin,
  bitcoind,
  chain,
  cleanUp,
  faucet,
  freePort,
  newNode,
  root,
  run,
} from "./support/processes.ts";

after(cleanUp);

describe("fulmen", () => {
  it("makes a node, runs it, takes money, makes an invoice, and stops", async () => {
    const port = await freePort();
    const folder = await newNode("whole", { api: { port }, alias: "whole" });
    assert.equal(statSync(join(folder, "seed")).mode & 0o777, 0o600);
    const daemon = begin(["start", "--data-dir", folder]);
    await daemon.seen("Ready.");
    const ask = (...parameters: string[]) => run([...parameters, "--data-dir", folder]);
    const second = ask("start");
    const address = await ask("receive", "--onchain");
    const script = decodeAddress(address.out.trim(), networks.regtest);
    chain.submit(faucet.fund(chain, [{ value: sat(100_000), script }], feeratePerKw(1_000)));
    chain.mine(1);
    bitcoind.update();
    const client = createClient({
      url: `http://127.0.0.1:${port}`,
      token: readFileSync(join(folder, "cli.token"), "utf8").trim(),
    });
    while ((await client.balances()).onchain.spendable.amountSat !== "100000")
      await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(typeof (await client.info()).chain.blockTime, "number");
    const copy = join(root, "copy.backup");
    assert.equal((await ask("backup", copy)).code, 0);
    assert.ok(statSync(copy).size > 0);
    const [balance, invoice, doctor, open, shop] = await Promise.all([
      ask("balance"),
      ask("receive", "2500", "--description", "tea", "--qr"),
      ask("doctor"),
      ask("open", `02${"ab".repeat(32)}@127.0.0.1:1`, "20000"),
      ask("token", "create", "--name", "shop", "--scope", "receive"),
    ]);
    assert.match(balance.out, /In all +100,000 sat/);
    assert.match(invoice.out, /lnbcrt25u1/);
    assert.match(invoice.out, /[▀▄█]{10}/, "a QR code");
    assert.equal(doctor.code, 0, doctor.out);
    assert.match(doctor.out, /ok {3}At block \d+, by bitcoind/);
    assert.deepEqual([open.code, open.out], [1, ""]);
    assert.match(open.err, /\(peer-unreachable\)/);
    const limited = createClient({ url: `http://127.0.0.1:${port}`, token: shop.out.trim() });
    assert.equal((await limited.receive({ amountMsat: "1000" })).invoice.startsWith("lnbcrt10n1"), true);
    await assert.rejects(limited.balances(), { code: "scope-missing" });
    const { code, err } = await second;
    assert.equal(code, 6);
    assert.match(err, /runs this node already/);
    assert.equal((await ask("stop")).code, 0);
    assert.equal((await daemon.ended).code, 0);
    assert.ok(!existsSync(join(folder, "fulmen.pid")));
    const off = await ask("doctor");
    assert.equal(off.code, 1);
    assert.match(off.out, /^!! {3}Nobody answers/);
    assert.match(off.out, /ok {3}bitcoind at 127\.0\.0\.1:\d+ answers: regtest, block \d+\./);
    const log = readFileSync(join(folder, "fulmen.log"), "utf8");
    const words = readFileSync(join(folder, "seed"), "utf8").trim();
    for (const secret of [words, shop.out.trim(), "secret"]) assert.ok(!log.includes(secret), secret);
  });

  it("takes no seed that is none, and writes nothing then", async () => {
    const folder = join(root, "eleven");
    const eleven = `${"abandon ".repeat(10)}about`;
    const ended = await run(["init", "--data-dir", folder, "--network", "regtest", "--restore"], {
      input: eleven,
    });
    assert.equal(ended.code, 4);
    assert.match(ended.err, /11 words/);
    assert.ok(!existsSync(join(folder, "seed")) && !existsSync(join(folder, "fulmen.json")));
  });

  it("tells wrong command lines, missing folders and missing daemons apart", async () => {
    const nowhere = join(root, "nowhere");
    const [command, folder, daemon, token, help] = await Promise.all([
      run(["balanc"]),
      run(["start", "--data-dir", nowhere]),
      run(["balance", "--url", "http://127.0.0.1:1", "--token", "x"]),
      run(["balance", "--data-dir", nowhere, "--url", "http://127.0.0.1:1"]),
      run(["--help"]),
    ]);
    assert.deepEqual([command.code, folder.code, daemon.code, token.code, help.code], [2, 3, 12, 13, 0]);
    assert.match(command.err, /Did you mean balance\?/);
    assert.match(folder.err, /fulmen init/);
  });
});
