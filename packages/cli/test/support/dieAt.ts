import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { DatabaseSync } from "node:sqlite";
import { Worker } from "node:worker_threads";

/*
 * Loaded before a command: ends its process without warning before the step that `DIE_AT` counts to. Steps are commits
 * to SQLite, which a thread makes once a store is open, and renamings of files.
 */
let left = Number(process.env["DIE_AT"]);

function beforeStep(): void {
  if (left-- === 0) process.kill(process.pid, "SIGKILL");
}

const { exec } = DatabaseSync.prototype;
DatabaseSync.prototype.exec = function (sql) {
  if (sql === "COMMIT") beforeStep();
  exec.call(this, sql);
};
const { postMessage } = Worker.prototype;
Worker.prototype.postMessage = function (order, taken) {
  if (Array.isArray(order)) beforeStep();
  postMessage.call(this, order, taken);
};
const { renameSync } = fs;
fs.renameSync = (from, to) => {
  beforeStep();
  renameSync(from, to);
};
syncBuiltinESMExports();
