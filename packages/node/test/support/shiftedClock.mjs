import { existsSync, readFileSync } from "node:fs";

// Loaded before a node: the machine's clock is off by as many milliseconds as the file says.

const real = Date.now;
let offset = 0;
setInterval(() => {
  const file = process.env["FULMEN_TEST_CLOCK"] ?? "";
  if (existsSync(file)) offset = Number(readFileSync(file, "utf8")) || 0;
}, 20).unref();
Date.now = () => real() + offset;
