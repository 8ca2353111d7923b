import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import { dashboardFiles } from "@fulmen/dashboard";

const css = readFileSync(new URL("../src/style/dashboard.css", import.meta.url), "utf8");

function variables(selector: string): ReadonlyMap<string, string> {
  const start = css.indexOf(`${selector} {`);
  const block = css.slice(start, css.indexOf("}", start));
  return new Map(
    [...block.matchAll(/(--[a-z-]+): (#[0-9a-f]{6});/g)].map(([, name = "", value = ""]) => [name, value]),
  );
}

/** WCAG 2.2, "relative luminance" */
function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((place) => {
    const value = Number.parseInt(colour.slice(place, place + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: string, other: string): number {
  const [low = 0, high = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

describe("the dashboard's page", () => {
  for (const selector of [":root", ':root[data-theme="dark"]']) {
    it(`has the contrast that WCAG's level AA asks for, in ${selector}`, () => {
      const colours = variables(selector);
      const check = (front: string, back: string, least: number): void => {
        const ratio = contrast(colours.get(front) ?? "", colours.get(back) ?? "");
        assert.ok(ratio >= least, `${front} on ${back}: ${ratio.toFixed(2)}`);
      };
      for (const back of ["--ground", "--card"]) {
        for (const front of ["--text", "--quiet", "--accent", "--good", "--bad", "--warn"])
          check(front, back, 4.5);
        for (const front of ["--line", "--local", "--pending"]) check(front, back, 3);
      }
      check("--on-accent", "--accent", 4.5);
      check("--local", "--remote", 3);
    });
  }

  it("is small, asks nobody else, and has no script or style inside", async () => {
    const files = await dashboardFiles();
    assert.deepEqual([...files.keys()], ["/index.html", "/dashboard.js", "/dashboard.css"]);
    const sizes = [...files.values()].map(({ body }) => gzipSync(body).length);
    const total = sizes.reduce((sum, size) => sum + size, 0);
    assert.ok(total < 150_000 && total > 10_000, `${total} bytes`);
    const page = Buffer.from(files.get("/index.html")?.body ?? []).toString();
    assert.doesNotMatch(page, /<script(?![^>]* src="\/)|<style|https?:/);
    const script = Buffer.from(files.get("/dashboard.js")?.body ?? []).toString();
    assert.doesNotMatch(script, /\beval\(|new Function\(|https:\/\//);
  });
});
