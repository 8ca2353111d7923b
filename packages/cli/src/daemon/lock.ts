import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { CliError, exitCodes } from "../cliError.ts";

/** The process that runs the node of a folder; `undefined` when there is none. */
export function runningProcess(path: string): number | undefined {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
  const [id = "", mark = ""] = text.trim().split(" ");
  const process = Number(id);
  if (!Number.isInteger(process) || process <= 0 || !isAlive(process)) return undefined;
  return markOf(process) === mark ? process : undefined;
}

/** Says in the folder that this process runs the node. The store keeps a lock of its own, which is what counts. */
export function takeLock(path: string): { release(): void } {
  const other = runningProcess(path);
  if (other !== undefined && other !== process.pid)
    throw new CliError(
      "second-instance",
      exitCodes.secondInstance,
      `Process ${other} runs this node already.`,
      "Stop it with `fulmen stop`, or name another folder with --data-dir.",
    );
  const own = `${process.pid} ${markOf(process.pid)}\n`;
  writeFileSync(path, own, { mode: 0o600 });
  return {
    release() {
      try {
        if (readFileSync(path, "utf8") === own) rmSync(path);
      } catch {
        // It is gone already.
      }
    },
  };
}

function isAlive(id: number): boolean {
  try {
    process.kill(id, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

/** When the process began, where the system says so: numbers of processes are used again. */
function markOf(id: number): string {
  try {
    const stat = readFileSync(`/proc/${id}/stat`, "latin1");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "-";
  } catch {
    return "-";
  }
}
