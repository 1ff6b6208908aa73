// Uploads one file with tus-js-client and prints the upload's URL.
// node upload.mjs ENDPOINT TOKEN FILE PARALLEL METADATA_JSON
import fs from "node:fs";
import process from "node:process";
import * as tus from "tus-js-client";

const [endpoint, token, path, parallel, metadata] = process.argv.slice(2);

const upload = new tus.Upload(fs.createReadStream(path), {
  endpoint,
  headers: { Authorization: `Bearer ${token}` },
  metadata: JSON.parse(metadata),
  chunkSize: 16 * 1024 * 1024,
  parallelUploads: Number(parallel),
  retryDelays: [0, 500, 2000, 5000],
  onError(error) {
    process.stderr.write(`${error}\n`);
    process.exit(1);
  },
  onSuccess() {
    process.stdout.write(`${upload.url}\n`);
  },
});
upload.start();
