import { readFileSync } from "node:fs";

// Loaded before a node: the machine's clock is off by as many milliseconds as the file says.

const real = Date.now;
let offset = 0;
setInterval(() => {
  offset = Number(readFileSync(process.env["FULMEN_TEST_CLOCK"] ?? "", "utf8")) || 0;
}, 20).unref();
Date.now = () => real() + offset;
