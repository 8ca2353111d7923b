import type { Client, ClientError } from "@fulmen/client";
import type { ChainLook } from "@fulmen/node";
import { showMsat, showSat, showTime } from "../output/amounts.ts";

/** What was looked at, and what to do where something is wrong. */
export interface Finding {
  readonly level: "good" | "note" | "wrong";
  readonly what: string;
  readonly remedy?: string;
}

type Answer<N extends "info" | "balances" | "channels"> = Awaited<ReturnType<Client[N]>>;

/** What the checks look at. */
export interface Examined {
  /** The node's answers; or why there are none. */
  readonly node:
    | {
        readonly info: Answer<"info">;
        readonly balances: Answer<"balances">;
        readonly channels: Answer<"channels">;
      }
    | { readonly error: ClientError };
  /** What the data folder says of a process of the node; absent of a node elsewhere. */
  readonly process?: "none" | "alone" | "with a lease";
  /** How the sources of the config answer, the chain's first; absent where the node was asked. */
  readonly chains?: readonly ChainLook[];
  readonly network?: string;
  /** Seconds since 1970 by this machine's clock. */
  readonly now: number;
  /** Bytes that are free where the data folder is. */
  readonly diskFree: number;
  /** Of the file with the seed; absent where there is none on this machine. */
  readonly seedMode?: number;
  /** Where the files of the channels' backup are; absent where that cannot be seen. */
  readonly backupDisk?: "the store's" | "another";
}

const leastDisk = 1_000_000_000;
/** Blocks before an HTLC's expiry from which it is worth a word. */
const soonBlocks = 40;
/** Seconds by which a file system may see the time otherwise. */
const clockDoubt = 60;

/** All that can be said of a node's health, the good included. */
export function examine(examined: Examined): readonly Finding[] {
  const { node, diskFree, seedMode } = examined;
  const findings = [diskFinding(diskFree), ...(seedMode === undefined ? [] : [seedFinding(seedMode)])];
  if ("error" in node)
    return [noAnswerFinding(node.error, examined.process), ...chainLookFindings(examined), ...findings];
  const { info, balances, channels } = node;
  return [
    nodeFinding(info),
    chainFinding(info, examined.now),
    ...furtherFindings(info),
    ...clockFindings(info, examined.now),
    reserveFinding(balances, channels),
    ...backupFindings(info, channels, examined.backupDisk),
    ...peerBackupFindings(info),
    ...peerFindings(info, channels),
    ...htlcFindings(info, channels),
    ...closingFindings(channels),
    ...info.warnings
      .filter(({ text }) => text !== info.chain.problem)
      .map(({ text, remedy }): Finding => ({ level: "wrong", what: text, remedy })),
    ...findings,
  ];
}

function noAnswerFinding({ code, message, remedy }: ClientError, process: Examined["process"]): Finding {
  if (code === "unreachable" && process === "with a lease")
    return {
      level: "note",
      what: "The node stands by: another host has its lease, or it is about to take over.",
    };
  if (code === "token-unknown" && process === "none")
    return {
      level: "wrong",
      what: "This node does not run: at the address of its API another one answers.",
      remedy: "Name the folder of the one that runs, or give this one another api.port and start it.",
    };
  return { level: "wrong", what: message, remedy };
}

function nodeFinding({ phase, failure }: Answer<"info">): Finding {
  if (phase === "running") return { level: "good", what: "The node runs." };
  return {
    level: "wrong",
    what: `The node is ${phase}${failure === undefined ? "" : `: ${failure}`}.`,
    remedy:
      phase === "starting"
        ? "Wait until it has read the chain."
        : phase === "frozen"
          ? "Its store fails: make room on the disk, or see to the database. It goes on by itself."
          : "See `fulmen logs`, then start it again.",
  };
}

function chainFinding({ chain }: Answer<"info">, now: number): Finding {
  if (chain.problem !== undefined)
    return {
      level: "wrong",
      what: `No blocks come from ${chain.source}: ${chain.problem}`,
      remedy: "Until it does, the node cannot defend its channels. Start it, or name another in the config.",
    };
  if (!chain.isSynced)
    return {
      level: "wrong",
      what: `The node is at block ${chain.height} of ${chain.tip}.`,
      remedy: "Wait; payments go on when it is at the tip.",
    };
  const silent = chain.lastAnswer === undefined ? 0 : now - chain.lastAnswer;
  if (silent > 600)
    return {
      level: "wrong",
      what: `${chain.source} has said nothing for ${Math.floor(silent / 60)} minutes.`,
      remedy: "See whether it hangs.",
    };
  return { level: "good", what: `At block ${chain.height}, by ${chain.source}.` };
}

/** What a node that is started now will meet. */
function chainLookFindings({ chains = [], network = "" }: Examined): readonly Finding[] {
  return chains.map((look, at) => {
    if ("error" in look) {
      const { message, remedy } = look.error;
      if (at === 0) return { level: "wrong", what: `No chain: ${message}.`, remedy };
      return { level: "note", what: `No help from a further chain source: ${message}.`, remedy };
    }
    const { source, height, oldestBlock } = look;
    const what = `${source} answers: ${network}, block ${height}`;
    if (oldestBlock === undefined) return { level: "good", what: `${what}.` };
    return {
      level: "note",
      what: `${what}; it has deleted the blocks below ${oldestBlock}.`,
      remedy: `Start the node before it is off for longer than that; a birthday below ${oldestBlock} needs another source.`,
    };
  });
}

function furtherFindings({ chain: { further = [] } }: Answer<"info">): readonly Finding[] {
  return further.map(({ source, problem }) =>
    problem === undefined
      ? { level: "good", what: `${source} is asked for fees, takes broadcasts, and can tell of blocks.` }
      : {
          level: "note",
          what: `${source}, from which no blocks come now, does not answer or is behind: ${problem}`,
          remedy: "The node goes on without it. Start it, or correct chain.further.",
        },
  );
}

/** A block's time may be two hours ahead by the rules, and an hour or two behind by chance. */
function clockFindings(info: Answer<"info">, now: number): readonly Finding[] {
  const { blockTime } = info.chain;
  const findings: Finding[] = [];
  if (Math.abs(info.now - now) > 30)
    findings.push({
      level: "note",
      what: `This machine's clock and the node's are ${Math.abs(info.now - now)} s apart.`,
      remedy: "Set both by NTP.",
    });
  if (blockTime !== undefined && info.network !== "regtest") {
    const ahead = blockTime - info.now;
    if (ahead > 7200)
      findings.push({
        level: "wrong",
        what: `The newest block is ${Math.floor(ahead / 60)} minutes in the clock's future.`,
        remedy: "The clock is slow: set it by NTP, or invoices expire at the wrong time.",
      });
    else if (ahead < -14_400)
      findings.push({
        level: "wrong",
        what: `The newest block is ${Math.floor(-ahead / 3600)} hours old by the clock.`,
        remedy: "Either the clock is fast, or the chain source no longer hears of new blocks.",
      });
    else findings.push({ level: "good", what: "The clock fits the newest block." });
  }
  return findings;
}

function reserveFinding(balances: Answer<"balances">, { channels }: Answer<"channels">): Finding {
  const open = channels.filter(({ phase }) => phase === "open" || phase === "opening").length;
  const { spendable, reserved, totalSat } = balances.onchain;
  const atHand = BigInt(spendable.amountSat) + BigInt(reserved.amountSat);
  if (open > 0 && atHand === 0n)
    return {
      level: "wrong",
      what: `There are no coins to pay for closing ${counted(open, "channel")} by force.`,
      remedy: "Send some to a new address: fulmen receive --onchain. Without them a close may come too late.",
    };
  return {
    level: "good",
    what: `${showSat(reserved.amountSat)} of ${showSat(totalSat)} are reserved for ${counted(open, "channel")}.`,
  };
}

function backupFindings(
  { backupMadeAt, lastBackupAt, warnings }: Answer<"info">,
  { channels }: Answer<"channels">,
  backupDisk: Examined["backupDisk"],
): readonly Finding[] {
  if (channels.length === 0) return [{ level: "good", what: "No channels that need a backup." }];
  // The node says it itself, and why.
  if (warnings.some(({ code }) => code === "no-backup" || code === "backup")) return [];
  if (lastBackupAt === undefined || lastBackupAt < (backupMadeAt ?? 0) - clockDoubt) {
    const since =
      lastBackupAt === undefined ? "a file of it is missing" : "a file of it is older than a channel";
    return [
      {
        level: "wrong",
        what: `The channels' backup is not up to date: ${since}.`,
        remedy:
          "See that the disk of each of backup.files is there and has space, then start the node again.",
      },
    ];
  }
  const good: Finding = {
    level: "good",
    what: `The backup of ${showTime(lastBackupAt)} has all channels.`,
  };
  if (backupDisk !== "the store's") return [good];
  return [
    good,
    {
      level: "note",
      what: "All files of the backup are on the store's disk: both are lost with it.",
      remedy:
        "Add a file on another disk to backup.files, or copy it elsewhere after each opening: fulmen backup.",
    },
  ];
}

/** What comes back when store and files are lost, and nothing but the seed is there. */
function peerBackupFindings({ backupAtPeers }: Answer<"info">): readonly Finding[] {
  if (backupAtPeers === undefined || backupAtPeers.of === 0) return [];
  const { peers, channels, of } = backupAtPeers;
  const what = `A backup of ${channels} of ${counted(of, "channel")} is kept by ${counted(peers, "connected peer")}.`;
  if (channels === of) return [{ level: "good", what }];
  return [
    {
      level: "note",
      what,
      remedy: "The others come back from a file alone: see that one is on another disk (backup.files).",
    },
  ];
}

function peerFindings({ peers }: Answer<"info">, { channels }: Answer<"channels">): readonly Finding[] {
  const offline = channels.filter(({ phase, isConnected }) => phase === "open" && !isConnected);
  if (offline.length === 0)
    return [
      {
        level: peers === 0 ? "note" : "good",
        what: `Connected to ${counted(peers, "peer")}.`,
        ...(peers === 0 && { remedy: "Connect to one: fulmen peers connect <nodeid@host:port>." }),
      },
    ];
  return offline.map(({ peer, localMsat }) => ({
    level: "wrong",
    what: `The peer ${peer.slice(0, 16)} of a channel with ${showMsat(localMsat)} of ours is not connected.`,
    remedy:
      "Wait, or find its new address: fulmen peers connect. Close by force only when it stays away for days.",
  }));
}

/** Payments for which their channel may be closed soon. */
function htlcFindings({ chain }: Answer<"info">, { channels }: Answer<"channels">): readonly Finding[] {
  return channels.flatMap(({ phase, htlcs }) =>
    htlcs
      .filter(({ expiryHeight }) => phase !== "closed" && expiryHeight < chain.height + soonBlocks)
      .map(({ amountMsat, expiryHeight, explanation }) => ({
        level: "note",
        what: `A payment of ${showMsat(amountMsat)} is under way that expires in ${counted(Math.max(0, expiryHeight - chain.height), "block")}.`,
        remedy: `${explanation}.`,
      })),
  );
}

function closingFindings({ channels }: Answer<"channels">): readonly Finding[] {
  return channels
    .filter(({ phase }) => phase === "closing")
    .map(({ channelId, explanation }) => ({
      level: "note",
      what: `Channel ${channelId.slice(0, 16)} is closing. ${explanation}`,
    }));
}

function diskFinding(free: number): Finding {
  const shown = free < leastDisk ? `${Math.floor(free / 1e6)} MB` : `${(free / 1e9).toFixed(1)} GB`;
  return free >= leastDisk
    ? { level: "good", what: `${shown} are free on the disk.` }
    : {
        level: "wrong",
        what: `Only ${shown} are free on the disk.`,
        remedy: "Make room: a node whose store is full freezes.",
      };
}

function seedFinding(mode: number): Finding {
  return (mode & 0o077) === 0
    ? { level: "good", what: "Only you can read the seed." }
    : {
        level: "wrong",
        what: "Others can read the seed.",
        remedy: "chmod 600 the file `seed` in the data folder.",
      };
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
