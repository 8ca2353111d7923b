import { spawnSync } from "node:child_process";

/*
 * The tests with Electrum (`npm run test:full`) need Electrum 4.3 or later as a program: the one that the environment
 * variable ELECTRUM names, or `electrum`. Where it is missing and this process may install Debian packages, it does.
 */

const installSeconds = 300;

/** Sees to it that Electrum is there; gives the reason when that cannot be. */
export function provideElectrum(): string | undefined {
  const named = process.env["ELECTRUM"];
  const program = named || "electrum";
  if (runs(program)) return undefined;
  if (named) return `ELECTRUM names a program that does not run: ${named}`;
  const byHand = "install it (Debian, Ubuntu: apt-get install electrum), or let ELECTRUM name the program";
  if (process.getuid?.() !== 0) return `Electrum is missing, and only root can install it: ${byHand}`;
  if (spawnSync("apt-get", ["--version"]).status !== 0)
    return `Electrum is missing, and there is no apt-get: ${byHand}`;
  const failed = ["update", "install -y --no-install-recommends electrum"].find(
    (command) => !aptGet(command),
  );
  if (failed !== undefined) return `Electrum is missing, and "apt-get ${failed}" failed: ${byHand}`;
  return runs(program) ? undefined : "Electrum was installed, and does not run";
}

function runs(program: string): boolean {
  return spawnSync(program, ["--offline", "version"], { timeout: 30_000 }).status === 0;
}

function aptGet(command: string): boolean {
  console.log(`apt-get ${command}`);
  const { status } = spawnSync("apt-get", ["-q", ...command.split(" ")], {
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
    stdio: ["ignore", "ignore", "inherit"],
    timeout: installSeconds * 1_000,
  });
  return status === 0;
}

if (import.meta.main) {
  const reason = provideElectrum();
  console.log(reason ?? "Electrum is there");
  process.exitCode = reason === undefined ? 0 : 1;
}
