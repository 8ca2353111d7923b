// needs: chromium
// timeout: 300 s
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { networks } from "@fulmen/bitcoin/network";
import { NetworkGraph } from "@fulmen/lightning/gossip";
import type { UnixSeconds } from "@fulmen/lightning/util";
import { type DrawPaymentsOptions, drawPayments, loadInto, SimulatedNetwork } from "@fulmen/testkit/routing";
import { benchGraph } from "#src/benchGraph";
import { browserBundle } from "#src/chromium/browserBundle";
import { openPage } from "#src/chromium/chromium";
import { answerQueries, type RouteAnswers, type RouteQueries } from "#src/chromium/routeQueries";
import { median } from "#src/measuredCase";

// Wallets run in browsers. That a route is found there as in Node, and soon enough, is seen in a real one.

const seed = 3;
const count = 100;
const searches = 3;
const timeoutSeconds = 120;
/**
 * A time is asserted here, though no time on a busy machine is sure, since it is what people are promised: half
 * of a page's searches on mainnet's graph take less. It is several times what they take where nothing else runs.
 */
const mostMedianMs = 20;

const { dump, source } = benchGraph();
const graphBytes = writtenGraph();

describe(`findRoute in Chromium: ${source}`, () => {
  it("one part each", async (t) => {
    const answers = await sameAnswers({ leastAmount: 1, mostAmount: 1_000_000, takesParts: false });
    t.diagnostic(summaryOf(answers));
    assert.ok(foundOf(answers).length >= 0.9 * count, summaryOf(answers));
    assert.ok(median(answers.searchMs) < mostMedianMs, summaryOf(answers));
  });

  it("in parts, where one does not do", async (t) => {
    const answers = await sameAnswers({ leastAmount: 1_000, mostAmount: 10_000_000, takesParts: true });
    t.diagnostic(summaryOf(answers));
    assert.ok(foundOf(answers).length >= 0.9 * count, summaryOf(answers));
    assert.ok(
      foundOf(answers).some((route) => route.includes("\n")),
      "nothing was split",
    );
    assert.ok(median(answers.searchMs) < mostMedianMs, summaryOf(answers));
  });

  it("a page that complains fails", async () => {
    const page = { program: `console.warn("look at this"); await fetch("/nothing");` };
    await assert.rejects(openPage(page, timeoutSeconds), /on the page's console: "look at this"/);
    const silent = { program: "" };
    await assert.rejects(openPage(silent, 3), /posts nothing within 3 s/);
  });

  it("what needs Node does not become a page", async () => {
    await assert.rejects(browserBundle("bench/src/chromium/chromium.ts"), /node:child_process/);
  });
});

/** Has the page answer and this process, and sees that the routes are the same. Gives the page's answers. */
async function sameAnswers(drawn: DrawnPayments): Promise<RouteAnswers> {
  const queries = queriesOf(drawn);
  const program = await browserBundle("bench/src/chromium/routePage.ts");
  assert.doesNotMatch(program, /["'`]node:/);
  const files = { "/graph": graphBytes, "/queries": JSON.stringify(queries) };
  const inPage = JSON.parse(await openPage({ program, files }, timeoutSeconds)) as RouteAnswers;
  const inNode = answerQueries(graphBytes, { ...queries, searches: 1 });
  assert.ok(inPage.channelCount > 0);
  assert.equal(inPage.channelCount, inNode.channelCount);
  assert.equal(inPage.searchMs.length, count);
  assert.deepEqual(inPage.routes, inNode.routes);
  return inPage;
}

type DrawnPayments = Omit<DrawPaymentsOptions, "seed" | "count">;

function queriesOf(drawn: DrawnPayments): RouteQueries {
  const network = new SimulatedNetwork(dump, { seed });
  return {
    payer: network.payer,
    firstHops: network.firstHops().map(({ counterparty, shortChannelId, maximum }) => ({
      counterparty,
      shortChannelId: shortChannelId.toString(),
      maximum: Number(maximum),
    })),
    payments: drawPayments(dump, network.balances, { seed: seed + 1, count, ...drawn }),
    searches,
  };
}

function writtenGraph(): Uint8Array {
  const graph = new NetworkGraph({ chainHash: networks.mainnet.genesisHash });
  loadInto(graph, dump, 1_727_000_000 as UnixSeconds);
  return graph.write();
}

function foundOf({ routes }: RouteAnswers): readonly string[] {
  return routes.filter((route) => route.includes(" "));
}

function summaryOf(answers: RouteAnswers): string {
  const { searchMs, readMs } = answers;
  const sorted = [...searchMs].sort((a, b) => a - b);
  const ms = (value: number | undefined) => `${value?.toFixed(1)} ms`;
  return [
    `${foundOf(answers).length} of ${count} found`,
    `median ${ms(median(searchMs))}, 90 % within ${ms(sorted[Math.floor(0.9 * count)])}, longest ${ms(sorted.at(-1))}`,
    `graph read in ${ms(readMs)}`,
  ].join("; ");
}
