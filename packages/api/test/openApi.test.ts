import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { listOperations, openApiDocument, operations, pathParameters, routes } from "@fulmen/api";
import { openApiShape } from "./openApiShape.ts";

/** All `$ref`s inside of a value. */
function references(value: unknown): readonly string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, one]) =>
    key === "$ref" && typeof one === "string" ? [one] : references(one),
  );
}

function at(document: unknown, pointer: string): unknown {
  let value = document;
  for (const step of pointer.slice(2).split("/")) {
    if (typeof value !== "object" || value === null) return undefined;
    value = Object.entries(value).find(([key]) => key === step)?.[1];
  }
  return value;
}

const document = openApiDocument("1.2.3");

describe("the description of the API", () => {
  it("is OpenAPI 3.1 with a title and a version", () => {
    assert.equal(document.openapi, "3.1.0");
    assert.deepEqual([document.info.title, document.info.version], ["Fulmen", "1.2.3"]);
  });

  it("has what OpenAPI 3.1 allows, and nothing else", () => {
    openApiShape.parse(JSON.parse(JSON.stringify(document)));
    const { paths } = document;
    for (const wrong of [
      { ...document, openapi: "3.0.3" },
      { ...document, paths: { ...paths, "/x": { get: { sumary: "a typo" } } } },
      { ...document, components: { ...document.components, schemas: { "a b": {} } } },
      { ...document, components: { ...document.components, schemas: { a: { type: "text" } } } },
    ])
      assert.ok(!openApiShape.safeParse(JSON.parse(JSON.stringify(wrong))).success);
  });

  it("has each route, under the name of its operation, with answers for success and refusals", () => {
    for (const { name, method, path } of listOperations()) {
      const entry = document.paths?.[path];
      const described = entry && Object.entries(entry).find(([key]) => key === method.toLowerCase())?.[1];
      assert.ok(described, `${method} ${path}`);
      assert.equal(described.operationId, name);
      assert.ok(described.summary, name);
      const statuses = Object.keys(described.responses);
      for (const status of ["200", "429", "default"])
        assert.ok(statuses.includes(status), `${name}: ${status}`);
      for (const response of Object.values(described.responses))
        assert.ok(at(response, "#/description"), name);
    }
  });

  it("names the scope of each route that needs a token, and answers 401 and 403 there", () => {
    const open: string[] = [];
    for (const { name, method, path, scope } of listOperations()) {
      const described = Object.entries(document.paths?.[path] ?? {}).find(
        ([key]) => key === method.toLowerCase(),
      )?.[1];
      assert.deepEqual(described.security, scope === undefined ? [] : [{ token: [scope] }], name);
      assert.equal("401" in described.responses && "403" in described.responses, scope !== undefined, name);
      if (scope === undefined) open.push(name);
    }
    assert.deepEqual(open, ["health", "readiness", "openApi"]);
  });

  it("declares each parameter of a path, and no operation twice", () => {
    const seen = new Set<string>();
    for (const { name, method, path, operation } of listOperations()) {
      for (const parameter of pathParameters(path)) {
        assert.ok(operation.input?.shape[parameter], `${name}: ${parameter}`);
      }
      assert.ok(!seen.has(`${method} ${path}`), path);
      seen.add(`${method} ${path}`);
    }
    assert.deepEqual(Object.keys(operations).sort(), Object.keys(routes).sort());
  });

  it("refers to nothing that is not there", () => {
    const all = references(document);
    assert.ok(all.length > 100);
    for (const reference of all) assert.ok(at(document, reference), reference);
  });

  it("has no amount that is a number", () => {
    const text = JSON.stringify(document.components?.schemas);
    for (const [, field = "", value = ""] of text.matchAll(/"(\w*(?:Msat|Sat))":(\{[^}]*\})/g)) {
      assert.match(value, /\$ref|"type":"string"|allOf|anyOf/, field);
    }
  });
});
