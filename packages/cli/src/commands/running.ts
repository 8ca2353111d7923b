import { createReadStream, existsSync, readFileSync, statSync, unwatchFile, watchFile } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { CliError, exitCodes } from "../cliError.ts";
import { dataFolder } from "../daemon/dataFolder.ts";
import { runningProcess } from "../daemon/lock.ts";
import { parseCount } from "../output/amounts.ts";
import { oneLine, say } from "../output/terminal.ts";

const stopSeconds = 60;

/** `fulmen stop`: asks the daemon to end, and waits until it has. */
export async function stop({ dataDir }: { readonly dataDir?: string }): Promise<void> {
  const folder = dataFolder(dataDir);
  const id = runningProcess(folder.lock);
  if (id === undefined)
    throw new CliError(
      "not-running",
      exitCodes.notRunning,
      `No node of ${folder.path} runs.`,
      "Nothing has to be done.",
    );
  process.kill(id, "SIGTERM");
  for (let waited = 0; waited < stopSeconds * 10; waited++) {
    if (runningProcess(folder.lock) !== id) {
      say("Stopped.");
      return;
    }
    await sleep(100);
  }
  throw new CliError(
    "still-running",
    exitCodes.failed,
    `Process ${id} has not ended after ${stopSeconds} s.`,
    "See in `fulmen logs` what it waits for.",
  );
}

/** `fulmen logs`: the last lines, and new ones as they come. */
export async function logs(options: {
  readonly dataDir?: string;
  readonly lines: string;
  readonly follow?: boolean;
}): Promise<void> {
  const { log } = dataFolder(options.dataDir);
  const count = parseCount(options.lines, "lines", 1);
  if (!existsSync(log))
    throw new CliError(
      "no-log",
      exitCodes.notRunning,
      `There is no ${log}.`,
      "Start the node: fulmen start.",
    );
  const text = readFileSync(log, "utf8");
  for (const line of text.trimEnd().split("\n").slice(-count)) say(readable(line));
  if (options.follow !== true) return;
  let position = Buffer.byteLength(text);
  const show = async (): Promise<void> => {
    const { size } = statSync(log);
    // The file began anew.
    if (size < position) position = 0;
    if (size === position) return;
    const from = position;
    position = size;
    for await (const piece of createReadStream(log, { encoding: "utf8", start: from, end: size - 1 }))
      for (const line of String(piece).trimEnd().split("\n")) say(readable(line));
  };
  watchFile(log, { interval: 500 }, () => void show());
  await new Promise<void>((resolve) => process.once("SIGINT", () => resolve()));
  unwatchFile(log);
}

function readable(line: string): string {
  try {
    const { time, level, module, msg, ...rest } = JSON.parse(line);
    const more = Object.keys(rest).length === 0 ? "" : ` ${JSON.stringify(rest)}`;
    return oneLine(`${time} ${String(level).padEnd(5)} ${module}: ${msg}${more}`, 2000);
  } catch {
    return oneLine(line, 2000);
  }
}
