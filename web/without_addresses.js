// Takes out of a lock file where packages ask for money: it holds names, versions and hashes only.

import { readFileSync, writeFileSync } from "node:fs";

const file = process.argv[2];
const lock = JSON.parse(readFileSync(file, "utf8"));
for (const each of Object.values(lock.packages)) {
  delete each.funding;
}
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
