// Loaded before every script: says in words what is missing when the Node that runs is too old.
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < 24 || (major === 24 && minor < 3)) {
  console.error(
    `Fulmen's scripts need Node 24.3 or later; this is ${process.version} at ${process.execPath}.\n` +
      "On Linux `npm ci` brings its own Node and `npm run` uses it: run the command through npm.\n" +
      "On other platforms, please install Node 24.",
  );
  process.exit(1);
}
