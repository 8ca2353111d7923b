import { globSync } from "node:fs";
import { basename, dirname } from "node:path";
import { installNodeCrypto } from "@fulmen/crypto-node";

// `npm run example -- <name>`: plays `<name>/example.ts` and prints what it says. One without a `run` plays by itself.

const [name] = process.argv.slice(2);
const names = globSync("*/example.ts", { cwd: import.meta.dirname })
  .map((path) => basename(dirname(path)))
  .sort();
if (name === undefined || !names.includes(name)) {
  console.log(`npm run example -- <name>\nExamples: ${names.join(", ")}`);
  process.exitCode = name === undefined ? 0 : 1;
} else {
  installNodeCrypto();
  const { run } = await import(`./${name}/example.ts`);
  await run?.((line: string) => console.log(line));
}
