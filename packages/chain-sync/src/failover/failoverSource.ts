import { blockHash } from "@fulmen/bitcoin/block";
import { type Network, type NetworkName, networks } from "@fulmen/bitcoin/network";
import type { Transaction } from "@fulmen/bitcoin/transaction";
import type { BlockLocator, Filter } from "@fulmen/lightning/chain";
import type { UtxoAnswer } from "@fulmen/lightning/gossip";
import type { BlockHeight, ShortChannelId } from "@fulmen/lightning/util";
import type {
  BroadcastOutcome,
  ChainClients,
  ChainGap,
  ChainSource,
  ChainTip,
  FeerateTable,
  SyncProgress,
} from "../chainSource.ts";
import { ChainSourceError } from "../chainSourceError.ts";
import { hidesOutputs } from "../transactions/index.ts";
import { Member } from "./member.ts";
import { headersOf, type Standing, standingOf } from "./standing.ts";
import { Trail } from "./trail.ts";
import { Turn } from "./turn.ts";

/** All times are in milliseconds. */
export interface FailoverSourceOptions {
  readonly network: NetworkName;
  /** The one that is preferred, and those that take its place, in this order. */
  readonly sources: readonly [ChainSource, ...ChainSource[]];
  /** How long the one in use may fail, or not tell of what another one shows. Default 60 s. */
  readonly patience?: number;
  /** Between two looks at how the others stand. Default 30 s. */
  readonly lookInterval?: number;
  /** Told who tells of blocks from now on, and why. */
  readonly changed?: (text: string) => void;
}

/** Milliseconds for a start, and what it takes. */
const longestAnswer = 60_000;
/** Milliseconds after which one in use counts as one that serves. */
const lasting = 600_000;
/** By what the patience with syncs that never get there grows at the most. */
const mostForbearance = 64;

/**
 * Several sources as one. Blocks come from one of them at a time, the preferred one if it can: after `patience` its
 * place is taken when it fails, or when the followers stand still although another one shows, by checked headers, a
 * chain with more work. It gets its place back when it shows the followers' last block. None can bring followers to a
 * chain with less work, as each source refuses that by itself, and what it tells after its turn is passed on to nobody.
 */
export class FailoverSource implements ChainSource {
  /** Each by itself: for feerates of all, broadcasts to all, and what is wrong with them. */
  readonly members: readonly Member[];
  readonly filter: Filter;
  readonly #network: Network;
  readonly #patience: number;
  readonly #lookInterval: number;
  readonly #changed: (text: string) => void;
  #turn: Turn;
  #clients: ChainClients | undefined;
  readonly #trail = new Trail();
  /** Since when there is a sync. */
  #syncingSince: number | undefined;
  #isStopped = false;
  /** Since when the one in use fails. */
  #failingSince: number | undefined;
  /** Since when another one shows more than this block, up to which all were brought. */
  #missing: { readonly at: string; readonly since: number } | undefined;
  /** How many times the patience a sync is given in which nobody hears of anything. */
  #forbearance = 1;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(options: FailoverSourceOptions) {
    const { network, sources, patience = 60_000, lookInterval = 30_000 } = options;
    const [first, ...others] = sources;
    const preferred = new Member(first, 0);
    this.members = [preferred, ...others.map((source) => new Member(source, lookInterval))];
    this.filter = filterOf(sources);
    this.#network = networks[network];
    this.#patience = patience;
    this.#lookInterval = lookInterval;
    this.#changed = options.changed ?? (() => undefined);
    this.#turn = this.#turnOf(preferred);
  }

  /** Of the one in use. */
  get name(): string {
    return this.#turn.member.name;
  }

  start(): Promise<ChainTip> {
    return this.#insistently(({ member }) => member.start());
  }

  locate(height: BlockHeight): Promise<BlockLocator> {
    return this.#insistently((turn) => this.#inTime(turn, turn.member.source.locate(height)));
  }

  /** Of the one in use. */
  get gaps(): readonly ChainGap[] {
    return this.#turn.member.source.gaps ?? [];
  }

  /** Of the one in use. */
  keptHeaders(): Uint8Array | undefined {
    return this.#turn.member.source.keptHeaders?.();
  }

  recall(kept: Uint8Array): BlockHeight | undefined {
    return this.members.map(({ source }) => source.recall?.(kept)).find((height) => height !== undefined);
  }

  async sync(clients: ChainClients, progress?: (progress: SyncProgress) => void): Promise<ChainTip> {
    this.#clients = clients;
    if (!this.#isStopped) this.#timer ??= setInterval(() => this.#look(), this.#lookInterval);
    this.#syncingSince = performance.now();
    try {
      return await this.#insistently(async (turn) => {
        const { member } = turn;
        const syncing = member.source.sync(turn.guard(clients), (made) => !turn.isOver && progress?.(made));
        member.busyWith(syncing);
        const tip = await turn.within(syncing);
        await this.#synced(turn);
        // Who closes a channel is what matters most: another one may tell of it.
        const isBlind = this.gaps.some(({ use }) => use === "output");
        if (isBlind && this.members.some((each) => each !== member && each.isAvailable))
          throw hidesOutputs(member.name);
        return tip;
      });
    } finally {
      this.#syncingSince = undefined;
    }
  }

  async changed(signal: AbortSignal): Promise<void> {
    const turn = this.#turn;
    const ending = new AbortController();
    const end = (): void => ending.abort();
    signal.addEventListener("abort", end);
    try {
      await turn.within(turn.member.source.changed(ending.signal));
    } catch (error) {
      if (!turn.isOver && !this.#gaveUp(turn, error, new Set([turn.member]))) throw error;
    } finally {
      end();
      signal.removeEventListener("abort", end);
    }
  }

  feerates(): Promise<FeerateTable> {
    return this.#firstAnswer((member) => member.feerates());
  }

  broadcast(transactions: readonly Transaction[]): Promise<BroadcastOutcome> {
    return this.#firstAnswer((member) => member.broadcast(transactions));
  }

  utxo(id: ShortChannelId): Promise<UtxoAnswer> {
    return this.#turn.member.source.utxo(id);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearInterval(this.#timer);
    this.#turn.end();
    await Promise.all(this.members.map((member) => member.stop()));
  }

  /** The answer of the one in use, or of those who take its place. Rejects with what the first of them says. */
  async #insistently<T>(ask: (turn: Turn) => Promise<T>): Promise<T> {
    const failed = new Set<Member>();
    for (let first: unknown; ; ) {
      const turn = this.#turn;
      try {
        await this.#inTime(turn, turn.member.start());
        return await ask(turn);
      } catch (error) {
        if (this.#isStopped) throw error;
        first ??= error;
        if (!turn.isOver && !this.#gaveUp(turn, error, failed.add(turn.member))) throw first;
      }
    }
  }

  /** For what needs no followers: the first who answers, the one in use before the others. */
  async #firstAnswer<T>(ask: (member: Member) => Promise<T>): Promise<T> {
    const { member: inUse } = this.#turn;
    let first: unknown;
    for (const member of [inUse, ...this.members.filter((each) => each !== inUse)]) {
      try {
        return await ask(member);
      } catch (error) {
        first ??= error;
      }
    }
    throw first;
  }

  async #inTime<T>({ member }: Turn, answer: Promise<T>): Promise<T> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(hangs(member.name)), longestAnswer);
    });
    try {
      return await Promise.race([answer, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  #turnOf(member: Member): Turn {
    return new Turn(member, (position) => this.#trail.lengthened(position));
  }

  #give(member: Member, why: string): void {
    this.#turn.end();
    this.#turn = this.#turnOf(member);
    this.#failingSince = undefined;
    this.#missing = undefined;
    if (this.#syncingSince !== undefined) this.#syncingSince = performance.now();
    for (const each of this.members) each.seen = undefined;
    this.#changed(`blocks come from ${member.name} now: ${why}`);
  }

  /**
   * Gives the place of one that failed to another, which is none of those that failed just now, unless there is hope
   * that it recovers; says whether it did.
   */
  #gaveUp(turn: Turn, error: unknown, failed: ReadonlySet<Member>): boolean {
    if (this.#isStopped || !(error instanceof ChainSourceError)) return false;
    const { member } = turn;
    const now = performance.now();
    member.failed(error);
    this.#failingSince ??= now;
    if (turn.hasServed && error.isTransient && now - this.#failingSince < this.#patience) return false;
    const others = this.members.filter((each) => !failed.has(each) && !each.isSyncing);
    const next = others.find((each) => each.isAvailable) ?? others[0];
    if (next === undefined) return false;
    member.avoid(this.#lookInterval);
    this.#give(next, `${member.name} failed: ${error.message}`);
    return true;
  }

  async #synced(turn: Turn): Promise<void> {
    turn.hasServed = true;
    this.#failingSince = undefined;
    this.#forbearance = 1;
    // It has told of something, and the rest may be on its way.
    if (turn.movedAt >= (this.#syncingSince ?? 0)) this.#missing = undefined;
    turn.member.served(performance.now() - turn.since >= lasting);
    const learnt = this.#trail.learn(turn.member.source, this.#position());
    if (this.members.length > 1) await turn.within(learnt);
  }

  /** Asks the others how they stand, and gives the turn to one of them if that is better. */
  #look(): void {
    const position = this.#position();
    if (position === undefined) return;
    for (const member of this.members) {
      if (member === this.#turn.member || !member.isAvailable || member.isLookedAt) continue;
      void this.#lookAt(member, position);
    }
  }

  async #lookAt(member: Member, position: BlockLocator): Promise<void> {
    member.isLookedAt = true;
    try {
      member.seen = { at: position.hash, standing: await this.#standingOf(member, position) };
    } catch {
      // The member remembers why.
    }
    member.isLookedAt = false;
    this.#consider();
    const { seen } = member;
    if (seen?.at === position.hash && seen.standing === "level") await this.#compare(member);
  }

  #standingOf(member: Member, position: BlockLocator): Promise<Standing> {
    return member.asked(async () => {
      const { source } = member;
      return source.headers === undefined ? "behind" : standingOf(source, position, this.#network);
    });
  }

  /** Gives the turn to one that proves a spend of which the one in use has told nothing, in a block that both have. */
  async #compare(member: Member): Promise<void> {
    const turn = this.#turn;
    const inUse = turn.member;
    // Who tells of whole blocks hides nothing of them.
    if (inUse === member || inUse.source.filter === undefined) return;
    const unspent = this.#clients?.unspent?.() ?? [];
    try {
      const { secondOpinion, source } = member;
      const hidden = await member.asked(() => secondOpinion.look(source, unspent));
      if (hidden === undefined) return;
      const { block } = hidden;
      const [own] = await headersOf(inUse.source, block.height, 1);
      if (own === undefined || blockHash(own) !== block.hash) return;
      if (turn.isOver || this.#syncingSince !== undefined || !member.isAvailable) return;
      secondOpinion.heardOut(hidden.output);
      const problem = hides(inUse.name, block.height);
      inUse.failed(problem);
      inUse.avoid(this.#lookInterval);
      this.#give(member, problem.message);
    } catch {
      // The next look is another chance.
    }
  }

  #consider(): void {
    const at = this.#position()?.hash;
    if (at === undefined) return;
    const { member: inUse, movedAt } = this.#turn;
    const standing = (member: Member): Standing | undefined =>
      member.seen?.at === at && member !== inUse && member.isAvailable ? member.seen?.standing : undefined;
    const index = this.members.indexOf(inUse);
    const preferred = this.members.slice(0, index).find((each) => isThere(standing(each)));
    if (preferred !== undefined && this.#syncingSince === undefined) {
      this.#give(preferred, "it has the newest block again");
      return;
    }
    const now = performance.now();
    const ahead = this.members.find((each) => standing(each) === "ahead");
    if (ahead === undefined) this.#missing = undefined;
    else if (this.#missing?.at !== at) this.#missing = { at, since: now };
    const since = this.#syncingSince;
    const patience = this.#patience * (since === undefined ? 1 : this.#forbearance);
    const isTooLong = (began: number | undefined): boolean => began !== undefined && now - began >= patience;
    // A sync that tells of block after block is left alone; one in which nobody hears of any may hang.
    const isQuiet = since === undefined || isTooLong(movedAt);
    const isHanging = isQuiet && isTooLong(since);
    const better = isHanging
      ? this.members.find((each) => isThere(standing(each)))
      : isQuiet && isTooLong(this.#missing?.since)
        ? ahead
        : undefined;
    if (better === undefined) return;
    if (since !== undefined) this.#forbearance = Math.min(2 * this.#forbearance, mostForbearance);
    inUse.failed(hangs(inUse.name));
    inUse.avoid(this.#lookInterval);
    this.#give(better, `${inUse.name} has not told of what it shows`);
  }

  /** The last block that somebody was told of. */
  #position(): BlockLocator | undefined {
    let highest: BlockLocator | undefined;
    for (const follower of this.#clients?.followers ?? []) {
      const position = follower.position();
      if (position !== undefined && position.height >= (highest?.height ?? 0)) highest = position;
    }
    return highest && this.#trail.lengthened(highest);
  }
}

function isThere(standing: Standing | undefined): boolean {
  return standing === "ahead" || standing === "level";
}

/** What was registered with one is registered with all: each may have its turn. */
function filterOf(sources: readonly ChainSource[]): Filter {
  return {
    registerTransaction: (txid, script) => {
      for (const { filter } of sources) filter?.registerTransaction(txid, script);
    },
    registerOutput: (output) => {
      for (const { filter } of sources) filter?.registerOutput(output);
    },
  };
}

function hides(name: string, height: number): ChainSourceError {
  return new ChainSourceError(
    "invalid-answer",
    `${name} hides that block ${height} spends a channel's output`,
    "do not use it any more",
  );
}

function hangs(name: string): ChainSourceError {
  return new ChainSourceError(
    "unreachable",
    `${name} hangs, or is behind others`,
    "see whether it runs and follows the chain",
  );
}
