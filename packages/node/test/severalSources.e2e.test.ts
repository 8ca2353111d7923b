import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { sat } from "@fulmen/lightning/util";
import type { Node } from "@fulmen/node";
import { EsploraServer } from "@fulmen/testkit/esplora";
import { Playfield, until } from "./support/playfield.ts";

// A node that hears of blocks from one Esplora server, and asks others for fees, too: all over real HTTP.

const field = new Playfield();
/** Sat per virtual byte, whatever is asked for. */
const fees = (rate: number) => ({ feeEstimates: { "1": rate, "6": rate, "144": rate, "1008": rate } });
let refuses = false;
/** What the node logged of broadcasts. */
const logged: string[] = [];
const primary = new EsploraServer(field.chain, {
  ...fees(2),
  tamper: (answer, { method }) =>
    refuses && method === "POST"
      ? {
          status: 400,
          contentType: "text/plain",
          body: "sendrawtransaction RPC error: -26: I do not like it",
        }
      : answer,
});
const second = new EsploraServer(field.chain, fees(4));
const liar = new EsploraServer(field.chain, fees(90));
const down = new EsploraServer(field.chain, fees(3));
let node: Node;

before(async () => {
  for (const one of [primary, second, liar, down]) await one.listen();
  await down.close();
  const chain = ({ url }: EsploraServer) => ({ esplora: { url } });
  node = await field.start("alice", {
    chain: chain(primary),
    furtherChains: [liar, second, down].map(chain),
    development: { pollInterval: 10 },
    logger: { log: ({ module, text }) => void (module === "broadcast" && logged.push(text)) },
  });
});
after(async () => {
  await field.stop();
  for (const one of [primary, second, liar, down]) await one.close();
});

describe("several chain sources", () => {
  it("start without the one that is down, which is named", async () => {
    const { further = [], problem } = node.status().chain;
    assert.equal(problem, undefined);
    assert.deepEqual(
      further.map(({ source }) => source.includes(new URL(down.url).host)),
      [false, false, true],
    );
    await until(() => node.status().chain.further?.[2]?.problem !== undefined, "why it does not answer");
    assert.deepEqual(
      node
        .status()
        .chain.further?.slice(0, 2)
        .map((one) => one.problem),
      [undefined, undefined],
    );
  });

  it("pay what most of them say, and not what one says that lies", async () => {
    await until(() => liar.requests.some((one) => one.endsWith("/fee-estimates")), "the liar is asked");
    await until(() => second.requests.some((one) => one.endsWith("/fee-estimates")), "the second is asked");
    await field.fund(node);
    const { fee = sat(0) } = await node.onchain.send({
      address: await node.onchain.address(),
      amount: sat(50_000),
    });
    // The median of 2, 4 and 90 sat per virtual byte, of which a payment with a change output has some 140.
    assert.ok(fee > 4 * 130 && fee < 4 * 160, `a fee of ${fee} sat`);
  });

  it("cannot make a node pay more than its user wants for what can wait, not even the only one", async () => {
    const thrifty = await field.start("thrifty", {
      chain: { esplora: { url: liar.url } },
      maxFeerate: 5,
      development: { pollInterval: 10 },
    });
    await field.fund(thrifty);
    const { fee = sat(0) } = await thrifty.onchain.send({
      address: await thrifty.onchain.address(),
      amount: sat(50_000),
    });
    assert.ok(fee > 5 * 130 && fee < 5 * 160, `a fee of ${fee} sat`);
    await thrifty.stop();
    await field.mine(1);
  });

  it("are all given what is broadcast, and one that takes it is enough", async () => {
    await field.mine(1);
    refuses = true;
    for (const { requests } of [second, liar]) requests.length = 0;
    const { txid } = await node.onchain.send({ address: await node.onchain.address(), amount: sat(50_000) });
    const hasHeard = ({ requests }: EsploraServer): boolean => requests.includes("POST /tx");
    await until(() => [second, liar].every(hasHeard), "the further sources are given it");
    await until(() => field.chain.mempool.includes(txid), "the transaction in the mempool");
    await field.mine(1);
    await until(() => node.onchain.history()[0]?.confirmations === 1, "it is confirmed");
    assert.deepEqual(logged, [], "what one refuses and another takes is not refused");
  });
});
