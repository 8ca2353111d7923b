import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, it, mock } from "node:test";
import { makeProgram } from "@fulmen/cli";
import { NodeError, type NodeErrorCode } from "@fulmen/node";
import { endingOf } from "#src/daemon/errors";
import { sentence } from "#src/output/terminal";

afterEach(() => mock.restoreAll());

interface Asked {
  readonly method: string;
  /** Where, with the host. */
  readonly at: string;
}

/** Types a command; a daemon answers each path with what `answers` has for it, or that there is no such thing. */
async function typed(line: readonly string[], answers: Readonly<Record<string, unknown>> = {}) {
  const asked: Asked[] = [];
  mock.method(globalThis, "fetch", async (url: string, { method = "GET" }: { method?: string }) => {
    asked.push({ method, at: url });
    const answer = answers[new URL(url).pathname];
    if (answer !== undefined) return Response.json(answer);
    const error = { code: "unknown-payment", message: "There is none.", remedy: "Look." };
    return Response.json({ error }, { status: 404 });
  });
  let said = "";
  const keep = (text: string): boolean => {
    said += text;
    return true;
  };
  const silenced = [
    mock.method(process.stdout, "write", keep),
    mock.method(process.stderr, "write", () => true),
  ];
  let refusal: unknown;
  try {
    await makeProgram().parseAsync(["node", "fulmen", ...line]);
  } catch (error) {
    refusal = error;
  } finally {
    for (const one of silenced) one.mock.restore();
  }
  return { asked, said, refusal };
}

async function refused(line: readonly string[], wanted: object, answers = {}): Promise<readonly Asked[]> {
  const { asked, refusal } = await typed(line, answers);
  assert.throws(() => {
    throw refusal;
  }, wanted);
  return asked;
}

function inFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "fulmen-cli-"));
  return use(folder).finally(() => rmSync(folder, { recursive: true }));
}

const there = ["--url", "http://there", "--token", "t"];
const id = (start: string): string => start.padEnd(64, "0");

const channel = {
  channelId: id("ab"),
  peer: id("02"),
  phase: "open",
  state: "normal",
  isUsable: true,
  isConnected: true,
  capacitySat: "1000",
  localMsat: "1000000",
  remoteMsat: "0",
  htlcs: [],
  closing: [],
  explanation: "it can carry payments",
};

describe("a channel's name", () => {
  const channels = { channels: [channel, { ...channel, channelId: id("ac") }] };
  const of = { "/v1/channels": channels };

  it("closes no channel when it is empty, as an unset variable of a shell is", async () => {
    for (const name of ["", " "]) {
      const one = {
        "/v1/channels": { channels: [channel] },
        [`/v1/channels/${id("ab")}/close`]: { done: true },
      };
      const asked = await refused(["close", name, ...there], { code: "unknown-channel" }, one);
      assert.ok(asked.every(({ method }) => method === "GET"));
    }
  });

  it("is refused by its own words where there is none, or more than one", async () => {
    await refused(["close", "zz", ...there], { code: "unknown-channel", message: /no channel zz/ }, of);
    await refused(["close", "a", ...there], { code: "ambiguous-channel", exitCode: 1 }, of);
  });

  it("is that of an open one rather than of one that is closed", async () => {
    const closed = { ...channel, channelId: id("ac"), phase: "closed" };
    const both = { channels: [channel, closed] };
    const answers = { "/v1/channels": both, [`/v1/channels/${id("ab")}/close`]: { done: true } };
    const { asked, refusal } = await typed(["close", "a", ...there], answers);
    assert.equal(refusal, undefined);
    assert.equal(asked.at(-1)?.at, `http://there/v1/channels/${id("ab")}/close`);
  });
});

describe("a new node", () => {
  it("is made for each network, mainnet included", () =>
    inFolder(async (folder) => {
      for (const network of ["mainnet", "testnet4", "signet", "regtest"]) {
        const path = join(folder, network);
        const { said, refusal } = await typed(["init", "--network", network, "--data-dir", path]);
        assert.equal(refusal, undefined, network);
        assert.match(said, new RegExp(`^A node for ${network} is in `, "m"));
        assert.deepEqual(readdirSync(path).sort(), ["cli.token", "fulmen.json", "seed", "tokens.json"]);
      }
    }));
});

describe("options", () => {
  it("that stand before an inner command count for it", async () => {
    const answers = { "/v1/peers": { nodeId: id("02") } };
    const { asked, refusal } = await typed(["peers", ...there, "connect", "a@b"], answers);
    assert.equal(refusal, undefined);
    assert.deepEqual(asked, [{ method: "POST", at: "http://there/v1/peers" }]);
  });

  it("name the folder before and behind a command, and the inner one counts", () =>
    inFolder(async (folder) => {
      for (const [at, line] of [
        ["--data-dir", folder, "token", "create"],
        ["token", "--data-dir", folder, "create"],
        ["--data-dir", "/nowhere", "token", "create", "--data-dir", folder],
      ].entries()) {
        const { refusal } = await typed([...line, "--name", `n${at}`, "--scope", "read"]);
        assert.equal(refusal, undefined, line.join(" "));
      }
      const names = JSON.parse(readFileSync(join(folder, "tokens.json"), "utf8"));
      assert.deepEqual(JSON.stringify(names).match(/n[0-9]"/g)?.length, 3);
    }));

  it("that are to be numbers are nothing else", async () => {
    const usage = { code: "invalid-number", exitCode: 2 };
    for (const line of [
      ["payments", "--limit", "x"],
      ["payments", "--after", "-1"],
      ["events", "--after", "x"],
      ["ledger", "--after", "1.5"],
      ["receive", "5", "--expiry", "1h"],
      ["send-raw", id("02"), "5msat", id("00"), "--expiry-delta", "x"],
    ])
      assert.deepEqual(await refused([...line, ...there], usage), [], line.join(" "));
    await refused(["logs", "--lines", "x"], usage);
    await refused(["logs", "--lines", "0"], usage);
  });

  it("that say nothing of an address are refused with it", async () => {
    for (const more of [["5000"], ["--description", "tea"], ["--expiry", "60"]])
      await refused(["receive", "--onchain", ...more, ...there], { code: "usage", exitCode: 2 });
  });
});

describe("what a command says", () => {
  it("is what happens next to a channel that does not just work", async () => {
    const closing = [
      { subject: "balance", state: "maturing", amountSat: "900", blocksLeft: 5, text: "ours soon" },
    ];
    const over = [{ subject: "closing", state: "closed", blocksLeft: 0, text: "in block 5" }];
    const htlc = { direction: "outgoing", amountMsat: "5000", explanation: "the peer has to answer" };
    const channels = [
      channel,
      { ...channel, channelId: id("b1"), isUsable: false, phase: "opening", explanation: "1 of 3" },
      {
        ...channel,
        channelId: id("b2"),
        isUsable: false,
        phase: "closed",
        closing,
        explanation: "it is closed",
      },
      { ...channel, channelId: id("b3"), htlcs: [htlc] },
      { ...channel, channelId: id("b4"), isUsable: false, phase: "closed", closing: over },
    ];
    const { said } = await typed(["channels", ...there], { "/v1/channels": { channels } });
    assert.ok(!said.includes("it can carry payments") && !said.includes("in block 5"));
    assert.match(said, /^b100000000000000: 1 of 3$/m);
    assert.match(said, /^b200000000000000: it is closed\n {2}900 sat: ours soon; 5 blocks left$/m);
    assert.match(said, /^b300000000000000: 5 sat to the peer: the peer has to answer$/m);
  });

  it("is a payment by the beginning of its id, as the list shows it", async () => {
    const payment = { id: id("ab12"), kind: "bolt11", createdAt: 60, amountMsat: "5000", attempts: [] };
    const list = { payments: [{ ...payment, id: id("cd") }, payment] };
    const answers = { "/v1/payments": list, [`/v1/payments/${id("ab12")}`]: payment };
    const { said } = await typed(["payments", "ab12", ...there], answers);
    assert.ok(said.includes(id("ab12")));
    assert.match(said, /^created +1970-01-01 00:01:00 UTC\namount +5 sat$/m);
    await refused(["payments", "ee", ...there], { code: "unknown-payment" }, answers);
  });

  it("is an invoice in words, and JSON where that is asked for", async () => {
    const bolt11 = {
      ...{ kind: "bolt11", invoice: "lnbc", amountMsat: "2500000", description: "tea", payee: id("02") },
      ...{ paymentHash: id("11"), createdAt: 0, expiresAt: 3600, isExpired: true },
    };
    const answers = { "/v1/decode": { methods: [bolt11, { kind: "onchain", address: "bc1q" }] } };
    const { said } = await typed(["decode", "x", ...there], answers);
    assert.match(said, /^amount +2,500 sat$/m);
    assert.match(said, /^expires +1970-01-01 01:00:00 UTC, which is over$/m);
    assert.match(said, /^address +bc1q$/m);
    assert.deepEqual(
      JSON.parse((await typed(["decode", "x", "--json", ...there], answers)).said),
      answers["/v1/decode"],
    );
  });

  it("is that there is nothing, where there is nothing", async () => {
    const empty = { peers: [], payments: [], channels: [], entries: [], accounts: {} };
    for (const name of ["peers", "payments", "ledger", "channels"])
      assert.match((await typed([name, ...there], { [`/v1/${name}`]: empty })).said, /^(No|Nothing)\b/, name);
  });
});

describe("an ending", () => {
  it("says by which command a node is restored, and that an address was wrong", () => {
    const error = (code: NodeErrorCode) =>
      new NodeError(code, "it is so", { remedy: "restore from this file" });
    const stale = endingOf(error("store-stale"));
    assert.equal(stale?.remedy, "restore from this file: fulmen start --restore-from <file>");
    assert.deepEqual([stale?.exitCode, endingOf(error("invalid-address"))?.exitCode], [11, 2]);
  });

  it("asks for the database of a move to PostgreSQL by the option's name", () =>
    inFolder(async (folder) => {
      const node = join(folder, "node");
      await typed(["init", "--network", "regtest", "--data-dir", node]);
      const move = ["store", "move", "--to", "postgres", "--data-dir", node];
      await refused(move, { code: "usage", exitCode: 2, remedy: /--url postgres:/ });
    }));

  it("names a file that cannot be used, without a stack", () =>
    inFolder(async (folder) => {
      for (const path of [join(folder, "none", "file"), folder]) {
        const ending = endingOf(thrownBy(() => writeFileSync(path, "")));
        assert.equal(ending?.exitCode, 1);
        assert.ok(ending?.message.includes(path), ending?.message);
      }
      // As when the disk is full: there is no path.
      const full = Object.assign(new Error("ENOSPC: no space left on device, write"), { syscall: "write" });
      assert.equal(endingOf(full)?.message, "A file cannot be used: no space left on device.");
      assert.equal(endingOf(new TypeError("a bug")), undefined);
    }));

  it("begins with a capital, unless its first word is a name", () => {
    assert.equal(sentence("the wallet has 1.5 sat"), "The wallet has 1.5 sat.");
    for (const name of ["api.port is taken", "after: is an index", "c.pem is none", "amountMsat is none"])
      assert.equal(sentence(name), `${name}.`);
  });
});

function thrownBy(action: () => void): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  return assert.fail("nothing was thrown");
}
