/** What a conformance suite needs of a test runner: `node:test`, vitest, jest and mocha all have it. */
export interface TestRunner {
  describe(name: string, body: () => void): void;
  it(name: string, body: () => Promise<void>): void;
}
