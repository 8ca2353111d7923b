import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { LdkPaymentsOptions, LdkPaymentsResult } from "./payments.ts";
import type { InstalledBytes, LdkStartupResult, LoadBytes } from "./startup.ts";

/**
 * The measurements of LDK, each in a process of its own, so that none inherits another's heap. They must not run at
 * the same time.
 */
export const ldkMeasurements = {
  payments: (options: LdkPaymentsOptions) => run<LdkPaymentsResult>("payments", JSON.stringify(options)),
  startup: () => run<LdkStartupResult>("startup"),
  loadBytes: () => run<LoadBytes>("load-bytes"),
  installedBytes: () => run<InstalledBytes>("installed-bytes"),
};

async function run<T>(...args: readonly string[]): Promise<T> {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  const main = fileURLToPath(new URL(`./ldkMain.${extension}`, import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [...process.execArgv, main, ...args]);
  return JSON.parse(stdout) as T;
}
