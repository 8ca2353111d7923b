import { execFile } from "node:child_process";
import { promisify } from "node:util";

const execFileAsync = promisify(execFile);

/** Bytes that a program may print. */
const mostOutput = 2 ** 26;

/** Runs Node with these parameters in a process of its own and parses the JSON that it prints. */
export async function runNode<T>(parameters: readonly string[]): Promise<T> {
  const { stdout } = await execFileAsync(process.execPath, parameters, { maxBuffer: mostOutput });
  return JSON.parse(stdout) as T;
}
