import type { CrashPoint, TestNode } from "../node/index.ts";
import { NodeCrash } from "./testNetwork.ts";

/**
 * Lets a node die at chosen ones of its crash points, which are counted from 0 as they come, those of later lives
 * included. Without any it only counts: a run without a crash tells how many runs there are to make.
 */
export class CrashPlan {
  /** All points that were passed, in order; the node died at those in `died`. */
  readonly passed: CrashPoint[] = [];
  readonly died: CrashPoint[] = [];
  readonly #at: ReadonlySet<number>;

  constructor(node: TestNode, at: readonly number[] = []) {
    this.#at = new Set(at);
    node.onCrashPoint = (_node, point) => {
      const index = this.passed.length;
      this.passed.push(point);
      if (!this.#at.has(index)) return;
      this.died.push(point);
      throw new NodeCrash(`at point ${index}: ${describeCrashPoint(point)}`);
    };
  }
}

/** One line for tables and messages. */
export function describeCrashPoint(point: CrashPoint): string {
  switch (point.kind) {
    case "before-commit":
    case "after-commit":
      return point.kind;
    case "after-effect":
      return `after ${point.effect}`;
    case "after-event":
      return `after event ${point.event}`;
  }
}
