import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const execFileAsync = promisify(execFile);

/**
 * Runs a program of this package in a process of its own, so that no measurement inherits another's heap or compiled
 * code, and parses the JSON that it prints. `path` is relative to `src/` and without its extension.
 */
export async function runProgram<T>(path: string, parameters: readonly string[]): Promise<T> {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  const program = fileURLToPath(new URL(`./${path}.${extension}`, import.meta.url));
  return runNode<T>([...process.execArgv, program, ...parameters]);
}

/** Runs Node with these parameters alone and parses the JSON that it prints. */
export async function runNode<T>(parameters: readonly string[]): Promise<T> {
  const { stdout } = await execFileAsync(process.execPath, parameters);
  return JSON.parse(stdout) as T;
}
