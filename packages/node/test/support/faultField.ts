import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { type Msat, msat, type PaymentHash, sat } from "@fulmen/lightning/util";
import type { Payment } from "@fulmen/node";
import { BitcoindServer } from "@fulmen/testkit/bitcoind";
import { PracticeChain } from "@fulmen/testkit/chainSource";
import { HttpService } from "@fulmen/testkit/sockets";
import { bundleNodeProcess } from "./bundledNode.ts";
import { CallError, type ChildNode, type ChildNodeProcess } from "./childNode.ts";
import { KeptNode } from "./keptNode.ts";
import { rest, until } from "./playfield.ts";
import { RoughNetwork } from "./roughNetwork.ts";

const shortRest = 50;
/** Milliseconds of its pace that payments which were held up make up for. */
const mostBehind = 20_000;

/** How the nodes of a field are run. */
export interface FieldOptions {
  /** How their processes are started. */
  readonly process?: ChildNodeProcess;
  /** Whether the network between them can be harmed. */
  readonly isRough?: boolean;
  /** Where the folder of their stores is made. */
  readonly parent?: string;
  /** Payments at once. */
  readonly lanes?: number;
  /** Payments that may begin in a second. */
  readonly pace?: number;
}

/** Numbers from 0 to 1, the same ones for the same seed. */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) >>> 0;
    return ((state ^ (state >>> 13)) >>> 0) / 2 ** 32;
  };
}

interface Paid {
  readonly payer: KeptNode;
  readonly payee: KeptNode;
  readonly paymentHash: PaymentHash;
  readonly amount: Msat;
  /** Whether the payer was told that it succeeded. */
  isTold: boolean;
}

/** Two nodes in processes, a served chain, and payments both ways all the time. */
export class FaultField {
  readonly practice = new PracticeChain();
  readonly bitcoind = new BitcoindServer(this.practice.chain);
  /** Who answers for the chain. */
  answering = this.bitcoind;
  readonly nodes: readonly [KeptNode, KeptNode];
  readonly service: HttpService;
  /** What the first one reaches the second one through, where that can be harmed. */
  network: RoughNetwork | undefined;
  /** Errors that calls were refused with, by code, with how often. */
  readonly refusals = new Map<string, number>();
  readonly #folder: string;
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #random: () => number;
  readonly #lanesAtOnce: number;
  readonly #pace: number;
  #next = 0;
  readonly #payments: Paid[] = [];
  #isPaying = false;
  #isEnded = false;
  #failure: unknown;
  #lanes: readonly Promise<void>[] = [];

  static async begin(seed: number, options: FieldOptions = {}): Promise<FaultField> {
    let field: FaultField | undefined;
    const service = await HttpService.listen((request, signal) => field?.answering.answer(request, signal));
    const process = { script: bundleNodeProcess(), ...options.process };
    const ports = [await freePort(), await freePort()] as const;
    field = new FaultField(service, seed, ports, { ...options, process });
    if (options.isRough === true) field.network = await RoughNetwork.listen(ports[1]);
    return field;
  }

  private constructor(
    service: HttpService,
    seed: number,
    ports: readonly [number, number],
    options: FieldOptions,
  ) {
    this.#lanesAtOnce = options.lanes ?? 3;
    this.#pace = options.pace ?? Number.POSITIVE_INFINITY;
    this.service = service;
    this.#random = randomNumbers(seed);
    this.#folder = mkdtempSync(join(options.parent ?? tmpdir(), "fulmen-faults-"));
    this.#timer = setInterval(() => this.answering.update(), 20);
    const kept = (name: string, port: number): KeptNode =>
      new KeptNode(
        {
          network: "regtest",
          seed: new Uint8Array(32).fill(name.length),
          chain: {
            bitcoind: { url: `http://127.0.0.1:${service.port}`, user: "fulmen", password: "secret" },
          },
          listen: { port },
          gossip: "none",
          development: { forwardAtOnce: true, reconnectDelay: 20 },
        },
        join(this.#folder, `${name}.sqlite`),
        options.process ?? {},
      );
    this.nodes = [kept("alice", ports[0]), kept("bob", ports[1])];
  }

  /** Funds both, and opens a channel with half of it on each side. */
  async open(): Promise<void> {
    const [alice, bob] = this.nodes;
    const [first, second] = [await alice.start(), await bob.start()];
    for (const { address } of [first, second]) await this.practice.pay(address, sat(5_000_000));
    const isFunded = async (child: ChildNode) => (await child.call("balances")).onchain.spendable.amount > 0n;
    await until(async () => (await isFunded(first)) && (await isFunded(second)), "coins");
    const peer = bob.uri.replace(/:\d+$/, (port) =>
      this.network === undefined ? port : `:${this.network.port}`,
    );
    await first.call("openChannel", { peer, amount: sat(4_000_000), push: msat(2_000_000_000) });
    await until(() => this.practice.chain.mempool.length > 0, "the funding");
    await this.practice.mine(6);
    await this.isWhole();
  }

  /** The channel can be used from both sides, and is the only one there ever was. */
  async isWhole(seconds = 30): Promise<void> {
    for (const node of this.nodes) {
      const isUsable = async (): Promise<boolean> => {
        const channels = await node.child?.call("channels").catch(() => undefined);
        if (channels === undefined) return false;
        assert.equal(channels.length, 1);
        assert.ok(["opening", "open"].includes(channels[0]?.phase ?? ""), `it is ${channels[0]?.state}`);
        return channels[0]?.isUsable === true;
      };
      await until(isUsable, "a usable channel", seconds);
    }
  }

  pay(): void {
    const [alice, bob] = this.nodes;
    this.#isPaying = true;
    this.#lanes = Array.from({ length: this.#lanesAtOnce }, async (_, lane) => {
      while (this.#isPaying) {
        await this.#turn();
        const [payer, payee] = lane % 2 === Number(this.#random() < 0.3) ? [alice, bob] : [bob, alice];
        await this.#payOnce(payer, payee).catch((error: unknown) => {
          this.#isPaying = false;
          this.#failure ??= error;
        });
      }
    });
  }

  /** Payments that succeeded. */
  get paid(): number {
    return this.#payments.filter(({ isTold }) => isTold).length;
  }

  /** So many more payments succeed. */
  async goesOn(count = 20, seconds = 40): Promise<void> {
    const from = this.paid;
    await until(
      () => this.#failure !== undefined || this.paid >= from + count,
      `${count} more payments`,
      seconds,
    );
    this.check();
  }

  /** Throws what went wrong with a payment. */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Lets all end, and compares what both have with what was paid. */
  async settle(): Promise<void> {
    this.#isPaying = false;
    await Promise.all(this.#lanes);
    this.check();
    await this.isWhole();
    const [alice, bob] = this.nodes;
    const [first, second] = [alice.child, bob.child];
    assert.ok(first && second);
    const noHtlcs = async (child: ChildNode): Promise<boolean> =>
      (await child.call("channels")).every(({ htlcs }) => htlcs.length === 0);
    await until(async () => (await noHtlcs(first)) && (await noHtlcs(second)), "no HTLCs", 30);
    // A payee books what it claimed a moment after the HTLC is gone, or seconds when its store has just failed.
    const isBooked = async (payer: ChildNode, payee: ChildNode): Promise<boolean> =>
      isDeepStrictEqual(
        settled(await paymentsOf(payer), "sent"),
        settled(await paymentsOf(payee), "received"),
      );
    const areBooked = async () => (await isBooked(first, second)) && (await isBooked(second, first));
    await until(areBooked, "what one paid, the other has", 30);
    const [byAlice, byBob] = [await paymentsOf(first), await paymentsOf(second)];
    let toBob = 0n;
    for (const [payer, sign] of [
      [byAlice, 1n],
      [byBob, -1n],
    ] as const) {
      assert.deepEqual(
        payer.filter((one) => one.direction === "sent" && one.status === "pending"),
        [],
      );
      for (const amount of settled(payer, "sent").values()) toBob += sign * amount;
    }
    for (const { payer, paymentHash, amount, isTold } of this.#payments) {
      const known = settled(payer === alice ? byAlice : byBob, "sent").get(paymentHash);
      assert.equal(known, isTold ? amount : undefined, `payment ${paymentHash}`);
    }
    for (const [child, expected] of [
      [first, 5_000_000_000n - 2_000_000_000n - toBob],
      [second, 5_000_000_000n + 2_000_000_000n + toBob],
    ] as const) {
      const accounts = new Map(await child.call("ledgerAccounts"));
      const { total } = await child.call("balances");
      assert.equal(total + (accounts.get("fees/mining") ?? 0n), expected, "to the millisatoshi");
      assert.equal(
        [...accounts.values()].reduce((sum, one) => sum + one, 0n),
        0n,
      );
      assert.equal(accounts.get("unexplained"), undefined);
    }
  }

  async end(): Promise<void> {
    this.#isPaying = false;
    this.#isEnded = true;
    clearInterval(this.#timer);
    await Promise.all(this.nodes.map((node) => node.kill()));
    await this.service.close();
    this.network?.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Waits until the next payment may begin. */
  async #turn(): Promise<void> {
    this.#next = Math.max(this.#next, performance.now() - mostBehind) + 1_000 / this.#pace;
    await rest(Math.max(0, this.#next - performance.now()));
  }

  async #payOnce(payer: KeptNode, payee: KeptNode): Promise<void> {
    const amount = msat(1_000_000 + Math.floor(this.#random() * 3_000_000));
    const asked = await this.#attempt(payee, (child) => child.call("receive", { amount }));
    if (asked === undefined) return rest(shortRest);
    const { invoice, paymentHash } = asked;
    const paid: Paid = { payer, payee, paymentHash, amount, isTold: false };
    this.#payments.push(paid);
    // Asked again and again whatever happens to the call: it must be paid once at most.
    for (;;) {
      const ended = await this.#attempt(payer, (child) => child.call("pay", invoice));
      const { status } = ended ?? (await this.#stateOf(payer, paymentHash)) ?? {};
      if (status === "succeeded") {
        paid.isTold = true;
        return;
      }
      if (status !== "pending" && !this.#isPaying) return;
      await rest(shortRest);
    }
  }

  /** Of the try that came furthest. */
  async #stateOf(node: KeptNode, paymentHash: PaymentHash): Promise<Payment | undefined> {
    for (;;) {
      const found = await this.#attempt(node, async (child) => {
        const sent = await child.call("payments", { direction: "sent", limit: 200 });
        return sent.filter((one) => one.paymentHash === paymentHash);
      });
      if (this.#isEnded) return undefined;
      if (found === undefined) await rest(shortRest);
      else
        return (
          found.find(({ status }) => status === "succeeded") ??
          found.find(({ status }) => status === "pending") ??
          found[0]
        );
    }
  }

  /** What the call gives; nothing when the process died or the node refused, readably. */
  async #attempt<T>(node: KeptNode, call: (child: ChildNode) => Promise<T>): Promise<T | undefined> {
    const { child } = node;
    if (child === undefined || !child.isAlive) return undefined;
    try {
      return await call(child);
    } catch (error) {
      if (!(error instanceof CallError)) return undefined;
      const { code, message, remedy } = error;
      assert.ok(code && remedy, `an error that helps nobody: ${message}`);
      this.refusals.set(code, (this.refusals.get(code) ?? 0) + 1);
      return undefined;
    }
  }
}

async function paymentsOf(child: ChildNode): Promise<readonly Payment[]> {
  const all: Payment[] = [];
  for (;;) {
    const after = all.at(-1)?.sequence;
    const page = await child.call("payments", { limit: 1_000, ...(after !== undefined && { after }) });
    all.push(...page);
    if (page.length < 1_000) return all.filter(({ kind }) => kind === "bolt11");
  }
}

/** Amounts by payment hash. Throws when one was paid twice. */
function settled(payments: readonly Payment[], wanted: Payment["direction"]): Map<string, bigint> {
  const found = new Map<string, bigint>();
  for (const { direction, status, paymentHash = "", amount = 0n } of payments) {
    if (direction !== wanted || status !== "succeeded") continue;
    assert.ok(!found.has(paymentHash), `${paymentHash} was paid twice`);
    found.set(paymentHash, amount);
  }
  return found;
}

/**
 * A port that the node can have again after it was killed: none of those that systems give to connections, of which one
 * may be made meanwhile.
 */
async function freePort(): Promise<number> {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 20_000);
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => void server.close(() => resolve(true)));
  });
}
