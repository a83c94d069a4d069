// Prints the import map of a browser for the packages beside this file.
import { readFileSync } from "node:fs";

const imports = {};
for (const name of ["@bufbuild/protobuf", "@connectrpc/connect", "@connectrpc/connect-web"]) {
  const { exports } = JSON.parse(readFileSync(`node_modules/${name}/package.json`, "utf8"));
  const target = (entry) => (typeof entry === "string" ? entry : target(entry.import ?? entry.default));
  for (const [path, entry] of Object.entries(exports)) {
    if (!path.includes("*")) imports[name + path.slice(1)] = `/node_modules/${name}/${target(entry).slice(2)}`;
  }
}
console.log(JSON.stringify({ imports }));
