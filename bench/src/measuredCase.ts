/** One line of a benchmark: our figure, and that of LDK or of whatever else we are measured against. */
export interface MeasuredCase {
  readonly name: string;
  readonly unit: string;
  readonly better: "higher" | "lower";
  readonly ours: number;
  /** Absent where there is nothing to compare with. */
  readonly rival?: { readonly name: "ldk" | "by hand"; readonly figure: number };
  /** What our figure has to reach: at least so much where higher is better, at most where lower is. */
  readonly target?: number;
}

/** Figures that are no cases: what a case consists of, or why it is as it is. */
export interface MeasuredTable {
  readonly name: string;
  /** All with the same columns. */
  readonly rows: readonly Readonly<Record<string, string | number>>[];
}

/** What a benchmark found. */
export interface BenchResult {
  readonly cases: readonly MeasuredCase[];
  readonly tables?: readonly MeasuredTable[];
  /** What a reader of the table should know. */
  readonly notes: readonly string[];
}

/** How many times better we are: above 1, we are. */
export function ratioOf({ ours, rival, better }: MeasuredCase): number | undefined {
  if (rival === undefined) return undefined;
  return better === "higher" ? ours / rival.figure : rival.figure / ours;
}

/** Whether a case that has a target misses it. */
export function isMissed({ ours, better, target }: MeasuredCase): boolean {
  return target !== undefined && !(better === "higher" ? ours >= target : ours <= target);
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}
