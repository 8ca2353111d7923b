import { execFile } from "node:child_process";
import { promisify } from "node:util";

const execFileAsync = promisify(execFile);

/** Bytes that a program may print. */
const mostOutput = 2 ** 26;

/**
 * Runs Node with these parameters, and variables beside those of this process, in a process of its own and parses the
 * JSON that it prints.
 */
export async function runNode<T>(
  parameters: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<T> {
  const env = { ...process.env, ...environment };
  const { stdout } = await execFileAsync(process.execPath, parameters, { env, maxBuffer: mostOutput });
  return JSON.parse(stdout) as T;
}
