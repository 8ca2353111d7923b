// Imports the test files it is given, one after the other: one process for all of them, also on a Node without
// `--test-isolation`.
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

for (const path of process.argv.slice(2)) await import(pathToFileURL(resolve(path)).href);
