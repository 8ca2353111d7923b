// needs: chromium
// timeout: 120 s
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { decodeAddress } from "@fulmen/bitcoin/address";
import { networks } from "@fulmen/bitcoin/network";
import { createClient } from "@fulmen/client";
import { feeratePerKw, sat } from "@fulmen/lightning/util";
import { DrivenPage } from "./support/drivenPage.ts";
import { begin, bitcoind, chain, cleanUp, faucet, freePort, newNode } from "./support/processes.ts";

after(cleanUp);

/** Where pictures are kept for people to look at; nowhere unless named. */
const pictures = process.env["DASHBOARD_PICTURES"];

async function startNode(name: string) {
  const [port, peers] = [await freePort(), await freePort()];
  const settings = { api: { port }, listen: { port: peers }, alias: name };
  const folder = await newNode(name, settings);
  const daemon = begin(["start", "--data-dir", folder]);
  await daemon.seen("Ready.");
  const url = `http://127.0.0.1:${port}`;
  const token = readFileSync(join(folder, "cli.token"), "utf8").trim();
  return { url, token, client: createClient({ url, token }) };
}

function mine(count: number): void {
  chain.mine(count);
  bitcoind.update();
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 50));
}

async function twoNodes() {
  const [alice, bob] = [await startNode("alice"), await startNode("bob")];
  const { address } = await alice.client.newAddress();
  const script = decodeAddress(address, networks.regtest);
  chain.submit(faucet.fund(chain, [{ value: sat(2_000_000), script }], feeratePerKw(1_000)));
  mine(1);
  await until(async () => (await alice.client.balances()).onchain.spendable.amountSat !== "0");
  const { uri = "" } = await bob.client.info();
  await alice.client.openChannel({ peer: uri, amountSat: "1000000", pushMsat: "300000000" });
  await until(async () => {
    mine(1);
    return (await Promise.all([alice, bob].map(({ client }) => client.channels()))).every(({ channels }) =>
      channels.some(({ isUsable }) => isUsable),
    );
  });
  return { alice, bob };
}

describe("the dashboard in Chromium", () => {
  it("shows channels, makes an invoice, sees it paid, and is walked through by keyboard", async () => {
    const { alice, bob } = await twoNodes();
    const page = await DrivenPage.open();
    try {
      const policy = (await fetch(alice.url)).headers.get("content-security-policy");
      assert.match(policy ?? "", /default-src 'none'; script-src 'self';/);
      await page.send("Page.navigate", { url: `${alice.url}/` });
      await page.until(`document.querySelector("#field-token")`);
      await page.send("Page.navigate", { url: "about:blank" });
      await page.send("Page.navigate", { url: `${alice.url}/#token=${alice.token}` });
      await page.until(`document.querySelector("nav")`);
      assert.equal(await page.value("location.href"), `${alice.url}/`);
      await page.value(`location.hash = "channels"`);
      await page.until(
        `document.querySelector(".bar[role=img]")?.getAttribute("aria-label").includes("of 1\\u202f000\\u202f000 sat")`,
      );
      await page.value(`location.hash = "payments"`);
      await page.until(`document.querySelector("#field-receive-amount")`);
      await page.value(`document.querySelector("#field-receive-amount").focus()`);
      await page.type("2500");
      await page.key("Tab", 9);
      assert.equal(await page.value("document.activeElement.id"), "field-receive-description");
      await page.type("tea");
      await page.key("Enter", 13, "\r");
      await page.until(`document.querySelector("svg.qr path") && document.querySelector("#invoice-text")`);
      const invoice = String(await page.value(`document.querySelector("#invoice-text").value`));
      assert.match(invoice, /^lnbcrt25u1/);
      assert.equal((await bob.client.pay({ to: invoice })).status, "succeeded");
      await page.until(`document.querySelector("main .list li")?.innerText.includes("succeeded")`, 5);
      const { invoice: owed } = await bob.client.receive({ amountMsat: "1500500", description: "cake" });
      await alice.client.pay({ to: owed });
      await page.until(`document.body.innerText.includes("−1\\u202f500.500 sat")`, 5);
      await checkNames(page);
      await takePictures(page);
      await page.value(`location.hash = "network"`);
      await page.until(`document.querySelector("svg.map line")?.getAttribute("stroke") === "var(--pending)"`);
      assert.deepEqual(page.complaints, []);
    } finally {
      await page.close();
    }
  });
});

/** Every control has a name, and Tab reaches each. */
async function checkNames(page: DrivenPage): Promise<void> {
  const nameless = await page.value(
    `[...document.querySelectorAll("input, textarea, button, a, [role=img]")].filter((one) =>
      !(one.innerText?.trim() || one.getAttribute("aria-label") || one.labels?.length)).map((one) => one.outerHTML)`,
  );
  assert.deepEqual(nameless, []);
  await page.value("document.activeElement.blur()");
  const reached = new Set<unknown>();
  for (let step = 0; step < 40; step++) {
    await page.key("Tab", 9);
    reached.add(await page.value(`document.activeElement.id || document.activeElement.innerText`));
  }
  for (const name of ["Overview", "Network", "field-receive-amount", "field-pay-to", "Pay"])
    assert.ok(reached.has(name), `${name}: ${[...reached].join(", ")}`);
}

async function takePictures(page: DrivenPage): Promise<void> {
  for (const view of ["overview", "channels", "payments", "events", "network"]) {
    await page.value(`location.hash = "${view}"`);
    for (const [width, height] of [
      [390, 844],
      [1280, 800],
    ] as const) {
      for (const theme of ["light", "dark"]) {
        await page.until(
          `document.documentElement.dataset.theme === "${theme}" || (document.querySelector("header button").click(), false)`,
        );
        const picture = await page.picture(width, height);
        const overflow = await page.value("document.documentElement.scrollWidth - innerWidth");
        assert.ok(Number(overflow) <= 0, `${view} at ${width} is ${overflow} px too wide`);
        if (pictures === undefined) continue;
        mkdirSync(pictures, { recursive: true });
        writeFileSync(join(pictures, `${view}-${width}-${theme}.png`), picture);
      }
    }
  }
}
