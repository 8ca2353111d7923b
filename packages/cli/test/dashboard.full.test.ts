// needs: chromium
// timeout: 240 s
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { DrivenPage } from "@fulmen/testkit/chromium";
import {
  click,
  fill,
  lookAtAll,
  mine,
  tabTo,
  twoNodes,
  until,
  untilUsable,
} from "./support/dashboardPages.ts";
import { cleanUp } from "./support/processes.ts";

describe("the dashboard in Chromium", () => {
  let nodes: Awaited<ReturnType<typeof twoNodes>>;
  let page: DrivenPage;
  const shows = (text: string): Promise<void> =>
    page.until(`document.querySelector("main").innerText.includes(${JSON.stringify(text)})`);

  before(async () => {
    [nodes, page] = await Promise.all([twoNodes(), DrivenPage.open()]);
  });
  after(async () => {
    await page.close();
    await cleanUp();
  });

  it("asks for a token, takes one out of the address, and asks nobody else for anything", async () => {
    const { alice } = nodes;
    const policy = (await fetch(alice.url)).headers.get("content-security-policy");
    assert.match(policy ?? "", /default-src 'none'; script-src 'self';/);
    await page.send("Page.navigate", { url: `${alice.url}/` });
    await page.until(`document.querySelector("#field-token")`);
    await page.send("Page.navigate", { url: "about:blank" });
    await page.send("Page.navigate", { url: `${alice.url}/#token=${alice.token}` });
    await page.until(`document.querySelector("nav")`);
    assert.equal(await page.value("location.href"), `${alice.url}/`);
  });

  it("remembers the theme that was chosen", async () => {
    const theme = `document.documentElement.dataset.theme`;
    const before = await page.value(theme);
    await page.value(`document.querySelector("header button").click()`);
    const chosen = await page.value(theme);
    assert.notEqual(chosen, before);
    await page.send("Page.reload");
    await page.until(`document.querySelector("nav")`);
    assert.equal(await page.value(theme), chosen);
  });

  it("makes an invoice with a QR code, and sees it paid", async () => {
    await page.value(`location.hash = "payments"`);
    await fill(page, "field-receive-amount", "2500");
    await page.key("Tab", 9);
    assert.equal(await page.value("document.activeElement.id"), "field-receive-description");
    await page.type("tea");
    await page.key("Enter", 13, "\r");
    await page.until(`document.querySelector("svg.qr path") && document.querySelector("#invoice-text")`);
    const invoice = String(await page.value(`document.querySelector("#invoice-text").value`));
    assert.match(invoice, /^lnbcrt25u1/);
    assert.equal((await nodes.bob.client.pay({ to: invoice })).status, "succeeded");
    await page.until(`document.querySelector("main .list li")?.innerText.includes("succeeded")`, 5);
  });

  it("pays by keyboard alone, asks before, and draws the way", async () => {
    const { invoice } = await nodes.bob.client.receive({ amountMsat: "1500500", description: "cake" });
    await page.value(`location.hash = "overview"`);
    await page.value("document.activeElement.blur()");
    await tabTo(page, `it.innerText === "Payments"`);
    await page.key("Enter", 13, "\r");
    await tabTo(page, `it.id === "field-pay-to"`);
    await page.type(invoice);
    await tabTo(page, `it.innerText === "Pay"`);
    await page.key("Enter", 13, "\r");
    await page.until(
      `document.querySelector("dialog[open]")?.innerText.includes("Pay 1\\u202f500.500 sat?")`,
    );
    await page.key("Escape", 27);
    await shows("Nothing was paid.");
    await page.key("Enter", 13, "\r");
    await page.until(`document.querySelector("dialog[open]")?.innerText.includes("“cake”")`);
    await page.key("Enter", 13, "\r");
    await shows("Paid 1\u202f500.500 sat");
    await shows("−1\u202f500.500 sat");
    await page.value(`location.hash = "network"`);
    await page.until(`document.querySelectorAll("svg.map line.route").length === 1`);
    await shows("Arrived.");
  });

  it("says what to do about a payment that fails", async () => {
    const { invoice } = await nodes.bob.client.receive({ amountMsat: "900000000" });
    await page.value(`location.hash = "payments"`);
    await fill(page, "field-pay-to", invoice);
    await click(page, "Pay");
    await page.until(`document.querySelector("dialog[open]")`);
    await page.value(`document.querySelector("dialog button.main").click()`);
    await page.until(`document.querySelector("main .notice, main p.bad")`);
    await shows("Pay less at once");
  });

  it("refuses what is no amount before it asks the node", async () => {
    await page.value(`location.hash = "channels"`);
    await fill(page, "field-open-peer", nodes.uri);
    await fill(page, "field-open-amount", "1.5");
    await click(page, "Open");
    await shows("Write whole satoshi, like 500000.");
  });

  it("opens a channel, closes it in agreement, and shows when its money is back", async () => {
    const { alice, uri } = nodes;
    await page.send("Page.reload");
    await fill(page, "field-open-peer", uri);
    await fill(page, "field-open-amount", "400 000");
    await click(page, "Open");
    await shows("The funding transaction is");
    await untilUsable(nodes, 2);
    await shows("400\u202f000 sat, usable");
    const [opened] = (await alice.client.channels()).channels.filter(
      ({ capacitySat }) => capacitySat === "400000",
    );
    await closeByForm("Close the channel", "Close it", "400");
    await until(async () => {
      const { channels } = await alice.client.channels();
      return channels.some(({ channelId, phase }) => channelId === opened?.channelId && phase === "closed");
    });
    mine(7);
    await page.value(`location.hash = "events"`);
    await shows("both sides agreed to close it");
  });

  it("force-closes a channel after a warning, and shows each step on the chain", async () => {
    const { alice, uri } = nodes;
    await alice.client.openChannel({ peer: uri, amountSat: "300000", pushMsat: "50000000" });
    await untilUsable(nodes, 2);
    await page.value(`location.hash = "channels"`);
    await shows("300\u202f000 sat, usable");
    const warning = await closeByForm("Force-close the channel", "Force-close it", "300");
    assert.match(warning, /locked for a while/);
    await page.until(`document.querySelector("ol.timeline li")`);
    await until(async () => {
      mine(1);
      const told = `/[0-9]+ blocks, about .* until block/.test(document.querySelector("main").innerText)`;
      return (await page.value(told)) === true;
    });
  });

  it("is whole in every view, theme and size", async () => {
    await checkNames(page);
    await lookAtAll(page, "node");
    await page.send("Emulation.setEmulatedMedia", {
      features: [{ name: "prefers-reduced-motion", value: "reduce" }],
    });
    await page.value(`location.hash = "channels"`);
    await page.until(`document.querySelector(".bar span")`);
    assert.equal(
      await page.value(`getComputedStyle(document.querySelector(".bar span")).transitionDuration`),
      "0s",
    );
    mine(160);
    await page.until(`document.querySelector("ol.timeline")?.innerText.includes("wallet") ?? true`);
    // A browser complains of a refusal, too.
    const complaints = page.complaints.filter((one) => !one.includes("status of 422"));
    assert.deepEqual(complaints, []);
  });

  /**
   * Presses the button of the channel with this capacity in thousands, and the dialog's; gives what the dialog says.
   */
  async function closeByForm(button: string, action: string, thousands: string): Promise<string> {
    const item = `[...document.querySelectorAll("main .list > li")].find((one) =>
      one.innerText.includes("${thousands}\\u202f000 sat, usable"))`;
    await page.until(`${item}?.querySelector("button[aria-label^='${button}']")`);
    await page.value(`${item}.querySelector("button[aria-label^='${button}']").click()`);
    await page.until(`document.querySelector("dialog[open]")`);
    const text = String(await page.value(`document.querySelector("dialog").innerText`));
    await click(page, action);
    return text;
  }
});

/** Every control has a name, and Tab reaches each. */
async function checkNames(page: DrivenPage): Promise<void> {
  await page.value(`location.hash = "payments"`);
  const nameless = await page.value(
    `[...document.querySelectorAll("input, textarea, button, a, [role=img]")].filter((one) =>
      !(one.innerText?.trim() || one.getAttribute("aria-label") || one.labels?.length)).map((one) => one.outerHTML)`,
  );
  assert.deepEqual(nameless, []);
  for (const place of [
    `it.innerText === "Network"`,
    `it.id === "field-pay-to"`,
    `it.id === "field-receive-amount"`,
  ])
    await tabTo(page, place);
}
