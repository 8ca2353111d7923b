import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readModule } from "../source/moduleSyntax.ts";

describe("readModule", () => {
  const importCases: readonly (readonly [string, string, readonly string[] | "*"])[] = [
    ['import "./a.ts";', "./a.ts", []],
    ['import { a, type B, c as d } from "./a.ts";', "./a.ts", ["a", "B", "c"]],
    ['import type { A } from "./a.ts";', "./a.ts", ["A"]],
    ['import { type } from "./a.ts";', "./a.ts", ["type"]],
    ['import x from "./a.ts";', "./a.ts", ["default"]],
    ['import type x from "./a.ts";', "./a.ts", ["default"]],
    ['import x, { y } from "./a.ts";', "./a.ts", ["default", "y"]],
    ['import * as x from "./a.ts";', "./a.ts", "*"],
    ['import type * as x from "./a.ts";', "./a.ts", "*"],
    ['async function f() { return await import("./a.ts"); }', "./a.ts", "*"],
    ['type A = import("./a.ts").A;', "./a.ts", "*"],
  ];
  for (const [source, specifier, names] of importCases) {
    it(`imports: ${source}`, () => {
      const { imports } = readModule(source);
      assert.deepEqual(imports, [{ specifier, line: 1, names }]);
    });
  }

  it("is not misled by import.meta, members and words in strings", () => {
    const { imports } = readModule(`new URL("x", import.meta.url); a.import("./b.ts"); "import './c.ts'";`);
    assert.deepEqual(imports, []);
  });

  const declarationCases: readonly (readonly [string, string, boolean])[] = [
    ["export const a = 1;", "a", false],
    ["export let a: number;", "a", false],
    ["export function a(): void {}", "a", false],
    ["export function* a() {}", "a", false],
    ["export async function a() {}", "a", false],
    ["export class a {}", "a", false],
    ["export abstract class a {}", "a", false],
    ["export declare const a: unique symbol;", "a", false],
    ["export interface a {}", "a", true],
    ["export type a = 1;", "a", true],
    ["export type a<T> = T;", "a", true],
    ["export default 1;", "default", false],
    ["const b = 1;\nexport { b as a };", "a", false],
  ];
  for (const [source, name, isType] of declarationCases) {
    it(`declares: ${source}`, () => {
      const found = readModule(source).exports;
      assert.deepEqual(
        found.map((one) => [one.name, one.origin.kind === "declared" && one.origin.isType]),
        [[name, isType]],
      );
    });
  }

  it("reads what is passed on from other modules", () => {
    const { exports: found, stars } = readModule(
      'export { a, type B as C } from "./a.ts";\nexport type { D } from "./d.ts";\nexport * as e from "./e.ts";\nexport * from "./f.ts";\nexport type * from "./g.ts";',
    );
    assert.deepEqual(
      found.map(({ name, line, origin }) => [
        name,
        line,
        origin.kind === "from" && [origin.specifier, origin.name],
      ]),
      [
        ["a", 1, ["./a.ts", "a"]],
        ["C", 1, ["./a.ts", "B"]],
        ["D", 2, ["./d.ts", "D"]],
        ["e", 3, ["./e.ts", "*"]],
      ],
    );
    assert.deepEqual(stars, [
      { specifier: "./f.ts", line: 4 },
      { specifier: "./g.ts", line: 5 },
    ]);
  });

  it("knows which words each statement has", () => {
    const { exports: found, statements } = readModule(
      "export interface A { b: B }\nexport const f = async (c: C): Promise<A> => {};\nfunction g(d: D) {}",
    );
    const statementOf = (name: string): ReadonlySet<string> | undefined => {
      const origin = found.find((one) => one.name === name)?.origin;
      return origin?.kind === "declared" ? statements[origin.statement] : undefined;
    };
    assert.ok(statementOf("A")?.has("B"));
    assert.ok(!statementOf("A")?.has("C"));
    assert.ok(statementOf("f")?.has("C"));
    assert.ok(!statementOf("f")?.has("D"));
  });

  it("refuses what it does not understand rather than guess", () => {
    assert.throws(() => readModule("export const { a, b } = c;"), /export the parts of a pattern one by one/);
    assert.throws(() => readModule("export enum A {}"), /"export enum" is not understood/);
  });
});
