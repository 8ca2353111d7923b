import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { decodeAddress } from "@fulmen/bitcoin/address";
import { networks } from "@fulmen/bitcoin/network";
import { createClient } from "@fulmen/client";
import { feeratePerKw, sat } from "@fulmen/lightning/util";
import type { DrivenPage } from "@fulmen/testkit/chromium";
import { begin, bitcoind, chain, faucet, freePort, newNode } from "./processes.ts";

/** Where pictures are kept for people to look at; nowhere unless named. */
const pictures = process.env["DASHBOARD_PICTURES"];

export const views = ["overview", "channels", "payments", "events", "network"] as const;
export const themes = ["light", "dark"] as const;

/** A daemon of its own, with what its users have of it. */
export async function startNode(name: string) {
  const [port, peers] = [await freePort(), await freePort()];
  const settings = { api: { port }, listen: { port: peers }, alias: name };
  const folder = await newNode(name, settings);
  const daemon = begin(["start", "--data-dir", folder]);
  await daemon.seen("Ready.");
  const url = `http://127.0.0.1:${port}`;
  const token = readFileSync(join(folder, "cli.token"), "utf8").trim();
  return { url, token, client: createClient({ url, token }) };
}

export function mine(count: number): void {
  chain.mine(count);
  bitcoind.update();
}

export async function until(isSo: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 60_000;
  while (!(await isSo())) {
    if (Date.now() > end) throw new Error(`waited 60 s in vain until ${isSo}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Alice, who has coins, so many that their number is long, and a channel to Bob. */
export async function twoNodes() {
  const [alice, bob] = await Promise.all([startNode("alice"), startNode("bob")]);
  const { address } = await alice.client.newAddress();
  const script = decodeAddress(address, networks.regtest);
  chain.submit(faucet.fund(chain, [{ value: sat(2_000_000_000), script }], feeratePerKw(1_000)));
  mine(1);
  await until(async () => (await alice.client.balances()).onchain.spendable.amountSat !== "0");
  const { uri = "" } = await bob.client.info();
  await alice.client.openChannel({ peer: uri, amountSat: "1000000", pushMsat: "300000000" });
  const nodes = { alice, bob, uri };
  await untilUsable(nodes, 1);
  return nodes;
}

/** Mines until both have so many channels that can be used. */
export async function untilUsable(
  { alice, bob }: Pick<Awaited<ReturnType<typeof twoNodes>>, "alice" | "bob">,
  count: number,
): Promise<void> {
  await until(async () => {
    mine(1);
    const lists = await Promise.all([alice, bob].map(({ client }) => client.channels()));
    return lists.every(({ channels }) => channels.filter(({ isUsable }) => isUsable).length === count);
  });
}

/** Clicks what has this text, or this name for readers of the screen. */
export async function click(page: DrivenPage, name: string): Promise<void> {
  const found = `[...document.querySelectorAll("button, a")].find((one) =>
    (one.getAttribute("aria-label") ?? one.innerText.trim()) === ${JSON.stringify(name)})`;
  await page.until(found);
  await page.value(`${found}.click()`);
}

/** Puts a text into a field. */
export async function fill(page: DrivenPage, id: string, text: string): Promise<void> {
  await page.until(`document.getElementById(${JSON.stringify(id)})`);
  await page.value(`document.getElementById(${JSON.stringify(id)}).select()`);
  await page.type(text);
}

/** Presses Tab until the focus is on what `isThere` says, and sees that the focus can be seen all the way. */
export async function tabTo(page: DrivenPage, isThere: string): Promise<void> {
  for (let step = 0; step < 60; step++) {
    await page.key("Tab", 9);
    const { there, outline } = (await page.value(`(() => {
      const it = document.activeElement;
      const { outlineStyle, outlineWidth } = getComputedStyle(it);
      return { there: Boolean(${isThere}), outline: outlineStyle === "none" ? 0 : parseFloat(outlineWidth) };
    })()`)) as { readonly there: boolean; readonly outline: number };
    assert.ok(outline >= 2, `the focus cannot be seen on the way to ${isThere}`);
    if (there) return;
  }
  throw new Error(`Tab does not lead to ${isThere}`);
}

/** Texts on the page whose colour stands too little out from what is behind them: WCAG 2.2, 1.4.3, level AA. */
const faintTexts = `(() => {
  const parse = (text) => (text.match(/[0-9.]+/g) ?? []).map(Number);
  const luminance = ([r, g, b]) => [r, g, b].reduce((sum, value, index) => {
    const part = value / 255;
    const linear = part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    return sum + linear * [0.2126, 0.7152, 0.0722][index];
  }, 0);
  const behind = (one) => {
    for (let at = one; at !== null; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const found = [];
  for (const one of document.querySelectorAll("body *")) {
    const hasText = [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== "");
    if (!hasText || one.closest("svg.qr") || one.getClientRects().length === 0) continue;
    const style = getComputedStyle(one);
    const front = parse(one.closest("svg") ? style.fill : style.color);
    const [low, high] = [luminance(front), luminance(behind(one))].sort((a, b) => a - b);
    const ratio = (high + 0.05) / (low + 0.05);
    const size = parseFloat(style.fontSize);
    const isLarge = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (isLarge ? 3 : 4.5)) found.push(one.textContent.slice(0, 40) + ": " + ratio.toFixed(2));
  }
  return found;
})()`;

/** Texts that reach over the edge of the card that they are in. */
const outsideOfCards = `[...document.querySelectorAll(".card p, .card span, .card strong")].filter((one) => {
  const range = document.createRange();
  range.selectNodeContents(one);
  return range.getBoundingClientRect().right > one.closest(".card").getBoundingClientRect().right;
}).map((one) => one.innerText)`;

/**
 * Each view in both themes on a phone and on a desk: nothing to scroll sideways, no faint text; pictures where they are
 * wanted.
 */
export async function lookAtAll(page: DrivenPage, name: string): Promise<void> {
  for (const view of views) {
    await page.value(`location.hash = "${view}"`);
    for (const theme of themes) {
      await page.until(
        `document.documentElement.dataset.theme === "${theme}" || (document.querySelector("header button").click(), false)`,
      );
      for (const [width, height] of [
        [360, 760],
        [1280, 800],
      ] as const) {
        await page.size(width, height);
        const overflow = await page.value("document.documentElement.scrollWidth - innerWidth");
        assert.ok(Number(overflow) <= 0, `${view} at ${width} is ${overflow} px too wide`);
        assert.deepEqual(await page.value(outsideOfCards), [], `${view} at ${width}`);
        if (pictures === undefined) continue;
        mkdirSync(pictures, { recursive: true });
        writeFileSync(join(pictures, `${name}-${view}-${width}-${theme}.png`), await page.picture());
      }
      assert.deepEqual(await page.value(faintTexts), [], `${view} in ${theme}`);
    }
  }
}
