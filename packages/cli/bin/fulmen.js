#!/usr/bin/env node
// A daemon runs for months, and is to be small. V8 would give its short-lived objects up to 70 MB, to collect them seldom:
// 8 MB do. glibc would keep what each thread has freed, and ever larger blocks of it, for the next time; other libraries do
// not look at these.
const settings = ["--max-semi-space-size=4", "--expose-gc"];
const malloc = { MALLOC_ARENA_MAX: "1", MALLOC_MMAP_THRESHOLD_: "131072" };
const { argv, env, execArgv, execPath } = process;
const isSet = [...execArgv, env.NODE_OPTIONS ?? ""].some((one) => one.includes("semi-space-size"));
// They can be set at a start of Node only. Where a process cannot become another one, it takes more memory.
if (argv[2] === "start" && !isSet)
  process.execve?.(execPath, [execPath, ...settings, ...execArgv, ...argv.slice(1)], { ...malloc, ...env });

await import("../dist/main.js");
