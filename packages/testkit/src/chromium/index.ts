export { Chromium } from "./chromium.ts";
export { DrivenPage } from "./drivenPage.ts";
