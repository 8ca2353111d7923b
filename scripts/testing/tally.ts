/** How many tests passed and failed. */
export interface Tally {
  readonly passed: number;
  readonly failed: number;
}

/** The sum of all `tallies`. */
export function sumOf(tallies: readonly Tally[]): Tally {
  let passed = 0;
  let failed = 0;
  for (const tally of tallies) {
    passed += tally.passed;
    failed += tally.failed;
  }
  return { passed, failed };
}

/**
 * What the counting reporter wrote, put beside how the process ended. A process that wrote nothing readable, or that
 * failed although every test passed, counts as one failure.
 */
export function readTally(written: string, endedWell: boolean): Tally {
  const match = /^\{"passed":(\d+),"failed":(\d+)\}\s*$/.exec(written);
  if (match === null) return { passed: 0, failed: 1 };
  const passed = Number(match[1]);
  const failed = Number(match[2]);
  return { passed, failed: failed === 0 && !endedWell ? 1 : failed };
}

/** `12 passed, 0 failed`: the last line of every run, alone on its line. */
export function lastLine({ passed, failed }: Tally): string {
  return `${passed} passed, ${failed} failed`;
}
