// Builds and runs the fake server (see fakeserver/).

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));

/**
 * startFake returns { url, set(class, order), stop() }; see `order` in
 * fakeserver/stage.go. The first one builds it and encodes its lecture: npm test does
 * that beforehand, and not once for each file.
 */
export async function startFake() {
  // The lecture is encoded once for all test files that run with the same text.
  const text = await readFile(join(here, 'fakeserver', 'lecture.go'));
  const media = join(tmpdir(), `lectern-watch-media-${createHash('sha256').update(text).digest('hex').slice(0, 12)}`);
  const child = spawn('go', ['run', './fakeserver', '-media', media], { cwd: here, stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = new Promise((resolve) => { child.once('exit', resolve); });
  const lines = createInterface({ input: child.stdout });
  const url = await new Promise((resolve, reject) => {
    lines.once('line', resolve);
    child.once('exit', (code) => reject(new Error(`fake server exited with ${code}`)));
    child.once('error', reject);
  });
  return {
    url,
    async set(name, order) {
      const response = await fetch(`${url}/fake/${name}`, { method: 'PUT', body: JSON.stringify(order) });
      if (!response.ok) {
        throw new Error(`${response.status}: ${await response.text()}`);
      }
      return `${url}/watch/${name}`;
    },
    async stop() {
      child.stdin.end();
      await exited;
    },
  };
}
