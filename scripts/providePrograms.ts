import { spawnSync } from "node:child_process";

/*
 * Some tests (`npm run test:full`) need a program that npm does not install, or may not run everywhere: the one that an
 * environment variable names, or the one of this name on the path. Where it is missing and this process may install
 * Debian packages, it does.
 */

interface Program {
  /** How people call it. */
  readonly title: string;
  /** The environment variable that may name another program. */
  readonly variable: string;
  /** The command, and Debian's package. */
  readonly name: string;
  /** Makes it end well and soon where it is there. */
  readonly tryArguments: readonly string[];
  /** What to do where it is missing, when no package brings it. */
  readonly remedy?: string;
}

const mayMount = "run the tests as root of a machine, or of a container that may mount";

const programs: readonly Program[] = [
  {
    title: "Electrum",
    variable: "ELECTRUM",
    name: "electrum",
    tryArguments: ["--offline", "version"],
  },
  { title: "Chromium", variable: "CHROMIUM", name: "chromium", tryArguments: ["--version"] },
  {
    title: "The right to mount a file system",
    variable: "UNSHARE",
    name: "unshare",
    tryArguments: ["--mount", "true"],
    remedy: mayMount,
  },
  {
    title: "A loop device",
    variable: "LOSETUP",
    name: "losetup",
    tryArguments: ["--find"],
    remedy: mayMount,
  },
];

const installSeconds = 300;

/** Sees to it that the program of this name is there; gives the reason when that cannot be. */
export function provideProgram(name: string): string | undefined {
  const program = programs.find((one) => one.name === name);
  return program === undefined ? `nobody knows how to get "${name}"` : provide(program);
}

function provide(program: Program): string | undefined {
  const { title, variable, name, remedy } = program;
  const named = process.env[variable];
  if (runs(named || name, program)) return undefined;
  if (named) return `${variable} names a program that does not run: ${named}`;
  if (remedy !== undefined) return `${title} is missing: ${remedy}`;
  const byHand = `install it (Debian, Ubuntu: apt-get install ${name}), or let ${variable} name the program`;
  if (process.getuid?.() !== 0) return `${title} is missing, and only root can install it: ${byHand}`;
  if (spawnSync("apt-get", ["--version"]).status !== 0)
    return `${title} is missing, and there is no apt-get: ${byHand}`;
  const failed = ["update", `install -y --no-install-recommends ${name}`].find((command) => !aptGet(command));
  if (failed !== undefined) return `${title} is missing, and "apt-get ${failed}" failed: ${byHand}`;
  return runs(name, program) ? undefined : `${title} was installed, and does not run`;
}

function runs(path: string, { tryArguments }: Program): boolean {
  return spawnSync(path, tryArguments, { timeout: 60_000 }).status === 0;
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
  const reasons = process.argv.slice(2).flatMap((name) => provideProgram(name) ?? []);
  for (const reason of reasons) console.log(reason);
  process.exitCode = reasons.length === 0 ? 0 : 1;
}
