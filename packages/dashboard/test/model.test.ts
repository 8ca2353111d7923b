import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { channelBar } from "#src/model/channelBar";
import { LedgerCharts } from "#src/model/chartData";
import {
  axisTime,
  axisWidth,
  blocksInWords,
  formatMsat,
  formatSat,
  formatTime,
  nodeInWords,
  parseSat,
  sentence,
  shortId,
} from "#src/model/format";
import { paymentAmount, paymentStatus, paymentTitle } from "#src/model/paymentText";
import { remedyOf } from "#src/model/remedy";
import { openSession } from "#src/model/session";
import { chosenTheme, keepTheme } from "#src/model/theme";
import type { LedgerEntry, Payment } from "#src/model/types";

describe("the dashboard's payments", () => {
  const said = (kind: Payment["kind"], direction: Payment["direction"], status: Payment["status"]) => {
    const payment = { kind, direction, status, amountMsat: "5000" };
    return [paymentTitle(payment), paymentAmount(payment), paymentStatus(payment)].join(", ");
  };

  it("have come or gone only when they have", () => {
    assert.equal(said("bolt11", "received", "pending"), "Invoice, 5 sat, not paid yet");
    assert.equal(said("bolt11", "received", "expired"), "Invoice, 5 sat, expired");
    assert.equal(said("bolt11", "received", "held"), "Held for you, 5 sat, held");
    assert.equal(said("bolt11", "received", "succeeded"), "Received, +5 sat, succeeded");
    assert.equal(said("bolt11", "sent", "pending"), "Sending, −5 sat, pending");
    assert.equal(said("bolt11", "sent", "failed"), "Not sent, 5 sat, failed");
    assert.equal(said("spontaneous", "sent", "succeeded"), "Sent, −5 sat, succeeded");
    assert.equal(said("onchain", "received", "pending"), "Received on chain, 5 sat, unconfirmed");
    assert.equal(paymentAmount({ kind: "bolt11", direction: "received", status: "pending" }), "any amount");
  });
});

describe("the dashboard's amounts", () => {
  it("are grouped by thin spaces, with msat only where there are some", () => {
    assert.equal(formatMsat("1234567000"), "1\u202f234\u202f567 sat");
    assert.equal(formatMsat("1001"), "1.001 sat");
    assert.equal(formatMsat("-1500"), "−1.500 sat");
    assert.equal(formatMsat("0"), "0 sat");
    assert.equal(formatSat("2100000000000000"), "2\u202f100\u202f000\u202f000\u202f000\u202f000 sat");
  });

  it("are grouped in what the node says, too, and other numbers are not", () => {
    assert.equal(
      sentence("of 340000 sat that must stay; 1234.567 sat are missing since block 800000"),
      "Of 340\u202f000 sat that must stay; 1\u202f234.567 sat are missing since block 800000.",
    );
    assert.equal(sentence("999 sat. Done!"), "999 sat. Done!");
  });

  it("have room beside a chart, above times that sort", () => {
    assert.ok(axisWidth(["0", formatSat("2000000000").replace(" sat", "")]) >= 24 + 13 * 7);
    const time = new Date(2026, 10, 24, 1, 2, 3).getTime() / 1000;
    assert.equal(axisTime(time, 86_400), "2026-11-24");
    assert.equal(axisTime(time, 3600), "11-24 01:02");
    assert.equal(axisTime(time, 1), "01:02:03");
  });

  it("are said to be old when the node does not answer, and nobody is told then that it runs", () => {
    const chain = { height: 5, tip: 9, isSynced: false };
    const info = { network: "signet", phase: "running", peers: 1, now: 60, chain } as const;
    assert.equal(nodeInWords(info, false), "signet, running, block 5 of 9, 1 peer");
    assert.equal(nodeInWords(info, true), `signet, as it was at ${formatTime(60)}`);
  });

  it("are read as people write them, and refused when they are none", () => {
    assert.equal(parseSat("2 500"), "2500000");
    assert.equal(parseSat("2,500.5"), "2500500");
    assert.equal(parseSat("9007199254740993"), "9007199254740993000");
    for (const text of ["", "0", "-1", "1e3", "1.2345", "ten", "9".repeat(40)])
      assert.equal(parseSat(text), undefined, text);
  });

  it("stand beside short ids and times in words", () => {
    assert.equal(shortId(`02${"ab".repeat(32)}`), "02ababab…ababab");
    assert.equal(blocksInWords(1), "1 block, about 10 min");
    assert.equal(blocksInWords(144), "144 blocks, about 24 h");
    assert.equal(blocksInWords(2016), "2016 blocks, about 14 days");
  });
});

describe("a channel's bar", () => {
  it("shares out the capacity, with what is under way between", () => {
    const bar = channelBar({ capacitySat: "1000", localMsat: "250000", remoteMsat: "650000" });
    assert.deepEqual(bar, { local: 25, pending: 10, remote: 65 });
    const empty = channelBar({ capacitySat: "0", localMsat: "0", remoteMsat: "0" });
    assert.deepEqual(empty, { local: 0, pending: 0, remote: 0 });
  });
});

const entry = (at: number, postings: readonly (readonly [string, string])[]): LedgerEntry => ({
  index: at,
  at,
  kind: "deposit",
  postings: postings.map(([account, amountMsat]) => ({ account, amountMsat })),
  reference: "",
  text: "",
});

describe("the dashboard's charts", () => {
  const entries = [
    entry(1, [
      ["wallet", "5000000"],
      ["onchain/received", "-5000000"],
    ]),
    entry(2, [
      ["wallet", "-4000000"],
      ["channel/aa", "3900000"],
      ["fees/mining", "100000"],
    ]),
    entry(2, [
      ["channel/aa", "1000"],
      ["fees/routing-earned", "-1000"],
    ]),
  ];

  it("add up a ledger's postings, one point for each second", () => {
    const charts = new LedgerCharts();
    charts.add(entries);
    const { balance, fees } = charts.charts;
    assert.deepEqual(balance, {
      times: [1, 2],
      lines: [
        [5000, 1000],
        [0, 3901],
      ],
    });
    assert.deepEqual(fees.lines, [
      [0, 100],
      [0, 1],
    ]);
  });

  it("drop no entry of a long ledger, and keep few points of it, the first and the last among them", () => {
    const charts = new LedgerCharts(100);
    for (let page = 0; page < 25; page++)
      charts.add(
        Array.from({ length: 1_000 }, (_, index) => entry(page * 1_000 + index, [["wallet", "1000"]])),
      );
    const { times, lines } = charts.charts.balance;
    assert.ok(times.length <= 100 && times.length > 40, `${times.length} points`);
    assert.deepEqual([times[0], times.at(-1)], [0, 24_999]);
    assert.deepEqual([lines[0]?.[0], lines[0]?.at(-1)], [1, 25_000]);
    for (const [place, time] of times.entries()) assert.equal(lines[0]?.[place], time + 1);
  });
});

describe("a payment that failed", () => {
  it("comes with what to do about it, where that is known", () => {
    assert.match(remedyOf("route-not-found") ?? "", /Pay less/);
    for (const code of ["unexpected-error", "toString"]) assert.equal(remedyOf(code), undefined);
  });
});

describe("the theme", () => {
  it("is the system's until one is chosen, which is kept", () => {
    const kept = new Map<string, string>();
    const storage = () => ({
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, value: string) => void kept.set(key, value),
    });
    assert.equal(chosenTheme({ storage, prefersDark: true }), "dark");
    keepTheme({ storage }, "light");
    assert.equal(chosenTheme({ storage, prefersDark: true }), "light");
    kept.set("fulmen-theme", "<script>");
    assert.equal(chosenTheme({ storage, prefersDark: false }), "light");
  });

  it("is the system's where the browser keeps nothing", () => {
    const storage = (): never => {
      throw new Error("SecurityError");
    };
    keepTheme({ storage }, "light");
    assert.equal(chosenTheme({ storage, prefersDark: true }), "dark");
  });
});

describe("a session", () => {
  it("takes the token out of the address at once, and keeps it", () => {
    const kept = new Map<string, string>();
    const storage = {
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, value: string) => void kept.set(key, value),
      removeItem: (key: string) => void kept.delete(key),
    };
    const addresses: string[] = [];
    const open = (hash: string) =>
      openSession({
        storage,
        location: { hash, pathname: "/" },
        replaceAddress: (address) => void addresses.push(address),
      });
    assert.equal(open("#channels"), undefined);
    assert.equal(open("#token=secret-1"), "secret-1");
    assert.equal(open("#channels"), "secret-1");
    assert.deepEqual(addresses, ["/"]);
  });
});
