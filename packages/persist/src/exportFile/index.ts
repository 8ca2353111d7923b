export { exportToFile, importFromFile, replaceFile } from "./exportFile.ts";
