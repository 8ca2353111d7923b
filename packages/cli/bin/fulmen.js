#!/usr/bin/env node
// A daemon runs for months, and V8 would give its short-lived objects up to 70 MB, to collect them seldom: 8 MB do.
const setting = "--max-semi-space-size=4";
const { argv, env, execArgv, execPath } = process;
const isSet = [...execArgv, env.NODE_OPTIONS ?? ""].some((one) => one.includes("semi-space-size"));
// It can be set at a start of Node only. Where a process cannot become another one, it takes more memory.
if (argv[2] === "start" && !isSet)
  process.execve?.(execPath, [execPath, setting, ...execArgv, ...argv.slice(1)], env);

await import("../dist/main.js");
