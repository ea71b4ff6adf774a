// A channel read without any of our code: tuf-js, age-encryption and what docs/list-format.md says.
//
// node read.mjs '{"url", "folder", "identity", "key", "numbers"}' prints seq, entries, digest and
// what it found of the numbers; exits with 1 and the error's name if the channel is refused.
// `folder` holds root.json at first and remembers what was verified.

import { createHash, createHmac } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { Decrypter } from "age-encryption";
import { Updater } from "tuf-js";

const asked = JSON.parse(process.argv[2]);

async function read() {
  const targetDir = join(asked.folder, "targets");
  mkdirSync(targetDir, { recursive: true });
  const updater = new Updater({
    metadataDir: asked.folder,
    metadataBaseUrl: `${asked.url}/metadata`,
    targetDir,
    targetBaseUrl: `${asked.url}/targets`,
  });
  await updater.refresh();
  const decrypter = new Decrypter();
  decrypter.addIdentity(asked.identity);

  const fetched = async (name) => {
    const info = await updater.getTargetInfo(`${name}.age`);
    if (!info) throw new Error(`${name} is not in the channel`);
    return decrypter.decrypt(readFileSync(await updater.downloadTarget(info)));
  };
  const sha256 = (data) => createHash("sha256").update(data).digest("hex");
  const check = (holds, what) => {
    if (!holds) throw new Error(what);
  };

  const pointer = JSON.parse(Buffer.from(await fetched("latest.json")).toString("ascii"));
  const number = String(pointer.seq).padStart(6, "0");
  const manifestBytes = await fetched(`${number}.manifest.json`);
  check(sha256(manifestBytes) === pointer.manifest_sha256, "another manifest");
  const manifest = JSON.parse(Buffer.from(manifestBytes).toString("ascii"));
  check(manifest.channel === pointer.channel && manifest.seq === pointer.seq, "another release");
  const body = await fetched(`${number}.snapshot.csv.gz`);
  check(sha256(body) === manifest.files["snapshot.csv.gz"].sha256, "another snapshot");
  const lines = gunzipSync(body).toString("ascii").split("\n");
  check(lines.pop() === "", "the last line is cut");
  const header = JSON.parse(lines.shift());
  check(header.seq === pointer.seq && header.channel === pointer.channel, "another header");

  const held = new Map();
  for (const line of lines) {
    const [op, token, ...attributes] = line.split(",");
    check(op === "ADD", "a snapshot only adds");
    held.set(token, attributes.join(","));
  }
  const state = [...held].map(([token, told]) => `${token},${told}\n`).join("");
  check(held.size === header.state_count && sha256(state) === header.state_sha256, "another state");

  const key = Buffer.from(asked.key, "hex");
  const tokenOf = (msisdn) =>
    header.token_alg === "e164"
      ? msisdn
      : createHmac("sha256", key).update(msisdn).digest("hex").slice(0, 32);
  return {
    seq: pointer.seq,
    entries: held.size,
    state_sha256: sha256(state),
    found: asked.numbers.map((msisdn) => held.get(tokenOf(msisdn)) ?? null),
  };
}

read().then(
  (result) => console.log(JSON.stringify(result)),
  (error) => {
    console.error(`${error.constructor.name}: ${error.message}`);
    process.exit(1);
  },
);
