/*
 * A reporter of node:test that prints what failed, and nothing else. Plain JavaScript, because Node 20 loads it too.
 */
import { relative } from "node:path";
import { isStray } from "./stray.mjs";

/** @param {AsyncIterable<import("node:test/reporters").TestEvent>} source */
export default async function* failures(source) {
  const names = [];
  for await (const { type, data } of source) {
    if (type === "test:start") {
      names.length = data.nesting;
      names.push(data.name);
    } else if (type === "test:fail" && data.details.error.failureType !== "subtestsFailed") {
      const path = [...names.slice(0, data.nesting), data.name].join(" > ");
      yield `\nFAILED ${path}\n  at ${place(data)}\n${indent(describe(data.details.error))}\n`;
    } else if (type === "test:pass" && (data.skip !== undefined || data.todo !== undefined)) {
      yield `\nFAILED ${[...names.slice(0, data.nesting), data.name].join(" > ")}\n  at ${place(data)}\n  a test that does not run\n`;
    } else if (type === "test:diagnostic" && isStray(data))
      yield `\nFAILED after its end\n${indent(data.message)}\n`;
  }
}

function place({ file, line }) {
  return file === undefined ? "an unknown file" : `${relative(process.cwd(), file)}:${line ?? 1}`;
}

function describe(error) {
  const cause = error.cause ?? error;
  return typeof cause?.stack === "string" ? withCauses(cause) : String(cause?.message ?? cause);
}

/** The stack without the frames of Node itself, and the same of whatever caused the error. */
function withCauses(error) {
  const stack = error.stack
    .split("\n")
    .filter((line) => !/^\s+at .*\bnode:internal/.test(line))
    .join("\n");
  return error.cause instanceof Error ? `${stack}\ncaused by ${withCauses(error.cause)}` : stack;
}

function indent(text) {
  return text.replaceAll(/^/gm, "  ");
}
