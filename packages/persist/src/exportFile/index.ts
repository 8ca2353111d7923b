export { exportToFile, importFromFile } from "./exportFile.ts";
